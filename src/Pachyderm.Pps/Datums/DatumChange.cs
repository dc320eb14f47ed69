using Pachyderm.Pps.Identity;
using Pachyderm.Pps.Specs;

namespace Pachyderm.Pps.Datums;

/// <summary>How the datums of a job differ from those of an earlier job of its pipeline.</summary>
/// <param name="Gone">The tags of those that only the earlier job has.</param>
/// <param name="New">The tags of those that only the later one has.</param>
public sealed record DatumChange(IReadOnlyList<DatumTag> Gone, IReadOnlyList<DatumTag> New)
{
    private const int Kept = -1;

    /// <summary>
    /// Compares. Of a single input the earlier files are read once and not held; of several costs a hash for each datum of both, and 60 bytes
    /// for each of the earlier job, besides its files.
    /// </summary>
    /// <param name="identity">The identity of the datums of both.</param>
    /// <param name="earlier">The input of the earlier job.</param>
    /// <param name="now">The datums of the later one.</param>
    /// <param name="source">The repos.</param>
    /// <param name="most">How many datums may differ.</param>
    /// <param name="cancellationToken">Ends the comparison.</param>
    /// <returns>Null if more differ, or if a job has the same datum more than once.</returns>
    public static async Task<DatumChange?> FindAsync(
        DatumIdentity identity, Input earlier, DatumSet now, IDatumSource source, int most, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(identity);
        ArgumentNullException.ThrowIfNull(earlier);
        ArgumentNullException.ThrowIfNull(now);
        ArgumentNullException.ThrowIfNull(source);
        if (earlier is AtomInput or CronInput && now.OnlyInput is { } only && DatumInput.Of(earlier) is { } from && from.Name == only.Input.Name)
        {
            IAsyncEnumerable<DatumFile> before = source.GlobAsync(from.Commit, from.Glob, cancellationToken);
            return await MergeAsync(identity, from, before, only.Input, only.Files, most, cancellationToken);
        }
        DatumSet set = await DatumSet.OpenAsync(earlier, source, cancellationToken);
        return Compare(identity, set, now) is { } change && change.Gone.Count + change.New.Count <= most ? change : null;
    }

    // Both are in order of their paths, each of which is there once.
    private static async Task<DatumChange?> MergeAsync(
        DatumIdentity identity,
        DatumInput from,
        IAsyncEnumerable<DatumFile> earlier,
        DatumInput to,
        DatumFileList now,
        int most,
        CancellationToken cancellationToken)
    {
        List<DatumTag> gone = [];
        List<DatumTag> added = [];
        int next = 0;
        await foreach (DatumFile before in earlier.WithCancellation(cancellationToken))
        {
            while (next < now.Count && now[next].Path < before.Path && gone.Count + added.Count <= most)
            {
                added.Add(identity.TagOf([new DatumPart(to, now[next++])]));
            }
            if (next < now.Count && now[next].Path == before.Path && now[next].Hash == before.Hash)
            {
                next++;
                continue;
            }
            gone.Add(identity.TagOf([new DatumPart(from, before)]));
            if (gone.Count + added.Count > most)
            {
                return null;
            }
        }
        if (gone.Count + added.Count + now.Count - next > most)
        {
            return null;
        }
        while (next < now.Count)
        {
            added.Add(identity.TagOf([new DatumPart(to, now[next++])]));
        }
        return new DatumChange(gone, added);
    }

    private static DatumChange? Compare(DatumIdentity identity, DatumSet earlier, DatumSet now)
    {
        Dictionary<DatumTag, int> places = new(earlier.Count);
        DatumPart[] parts = new DatumPart[Math.Max(earlier.MaxParts, now.MaxParts)];
        for (int i = 0; i < earlier.Count; i++)
        {
            if (!places.TryAdd(identity.TagOf(parts.AsSpan(0, earlier.GetParts(i, parts))), i))
            {
                return null;
            }
        }
        List<DatumTag> added = [];
        HashSet<DatumTag> addedTags = [];
        for (int i = 0; i < now.Count; i++)
        {
            DatumTag tag = identity.TagOf(parts.AsSpan(0, now.GetParts(i, parts)));
            bool isKnown = places.TryGetValue(tag, out int place);
            if (isKnown ? place == Kept : !addedTags.Add(tag))
            {
                return null;
            }
            if (isKnown)
            {
                places[tag] = Kept;
            }
            else
            {
                added.Add(tag);
            }
        }
        return new DatumChange(
            [.. places.Where(static place => place.Value != Kept).OrderBy(static place => place.Value).Select(static place => place.Key)], added);
    }
}
