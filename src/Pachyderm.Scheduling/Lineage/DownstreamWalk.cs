using System.Runtime.CompilerServices;
using Pachyderm.Metadata;
using Pachyderm.Pps;
using Pachyderm.Pps.Datums;
using Pachyderm.Pps.Jobs;
using Pachyderm.Storage.Trees;

namespace Pachyderm.Scheduling;

/// <summary>One walk from places to what was made from them, in which no step comes twice. Of single use.</summary>
internal sealed class DownstreamWalk(SchedulerOptions options, DatumOutputs outputs)
{
    private readonly LineageSteps steps = new(options);
    private readonly HashSet<Place> seen = [];
    private List<Place> next = [];

    /// <summary>Walks from a place, nearest steps first, those at the same distance in the order of the names of their pipelines.</summary>
    public async IAsyncEnumerable<LineageStep> WalkAsync(Place start, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        IReadOnlyList<CommitMaking> makings = await ListMakingsAsync(start.Commit, cancellationToken);
        List<Place> level = [start];
        for (int depth = 1; level.Count > 0; depth++)
        {
            next = [];
            Dictionary<CommitRef, PlaceSet> places = [];
            foreach (Place place in level)
            {
                if (!places.TryGetValue(place.Commit, out PlaceSet? set))
                {
                    places.Add(place.Commit, set = new PlaceSet());
                }
                set.Add(place.Path);
            }
            foreach (CommitMaking making in makings.Where(making => making.Sources.Any(places.ContainsKey)))
            {
                await foreach (LineageStep step in StepsAsync(depth, making, places, cancellationToken))
                {
                    yield return step;
                }
            }
            level = next;
        }
    }

    // The provenance of a commit is complete, so that one look finds all that the walk can come to.
    private async Task<IReadOnlyList<CommitMaking>> ListMakingsAsync(CommitRef start, CancellationToken cancellationToken)
    {
        IReadOnlyList<RepoRecord> repos = await options.Metadata.ReadAsync(static reader => reader.ListRepos(), cancellationToken);
        List<CommitMaking> makings = [];
        foreach (string repo in repos.Select(static repo => repo.Name).Order(StringComparer.Ordinal))
        {
            makings.AddRange(await options.Metadata.ReadAsync(
                reader => reader.ListCommitsWithProvenance(repo, new CommitKey(start.Repo, start.Id))
                    .Select(key => CommitMaking.Find(reader, new CommitRef(key.Repo, key.Id)))
                    .OfType<CommitMaking>()
                    .ToList(),
                cancellationToken));
        }
        return makings;
    }

    private async IAsyncEnumerable<LineageStep> StepsAsync(
        int depth,
        CommitMaking making,
        Dictionary<CommitRef, PlaceSet> places,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        Job? job = await steps.FindJobAsync(making, cancellationToken);
        bool isWhole = making.Sources.Any(source => places.TryGetValue(source, out PlaceSet? set) && set.IsWhole);
        DatumStates? datums = job is null || isWhole ? null : await steps.OpenAsync(job, cancellationToken);
        if (datums is null)
        {
            // By commits, because that is what was asked for, or because nothing more is known.
            Continue([Place.Whole(making.Commit)]);
            if (job is not null && steps.IsNew(job, null))
            {
                yield return LineageSteps.Make(depth, job, null, [Place.Whole(making.Commit)]);
            }
            yield break;
        }
        await foreach ((Datum datum, DirectoryReference? output) in
            outputs.ListAsync(datums, Touched(datums.Datums, places), cancellationToken))
        {
            if (!steps.IsNew(job!, datum))
            {
                continue;
            }
            IReadOnlyList<TreePath> written = output is { } tree ? await outputs.ListPathsAsync(tree, cancellationToken) : [TreePath.Root];
            Place[] made = [.. written.Select(path => new Place(making.Commit, path))];
            Continue(made);
            yield return LineageSteps.Make(depth, job!, datum, made);
        }
    }

    private static IEnumerable<int> Touched(DatumSet datums, Dictionary<CommitRef, PlaceSet> places)
    {
        DatumPart[] parts = new DatumPart[datums.MaxParts];
        for (int i = 0; i < datums.Count; i++)
        {
            int count = datums.GetParts(i, parts);
            if (Touches(places, parts.AsSpan(0, count)))
            {
                yield return i;
            }
        }
    }

    private static bool Touches(Dictionary<CommitRef, PlaceSet> places, ReadOnlySpan<DatumPart> parts)
    {
        foreach (ref readonly DatumPart part in parts)
        {
            if (places.TryGetValue(part.Input.Commit, out PlaceSet? set) && set.Touches(part.File.Path))
            {
                return true;
            }
        }
        return false;
    }

    private void Continue(IEnumerable<Place> places) => next.AddRange(places.Where(seen.Add));
}
