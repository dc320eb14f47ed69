using System.IO.Hashing;
using Pachyderm.Pps.Datums;

namespace Pachyderm.Pps.Identity;

/// <summary>
/// Compares the datums of a job with those of an earlier job of the same pipeline, and tells for each which part of its identity changed.
/// What it remembers of the earlier job is 64 bits for each datum and question, made when first needed. Not safe for concurrent use.
/// </summary>
public sealed class JobExplanation
{
    private readonly DatumSet? earlier;
    private readonly bool sameSalt;
    private readonly Dictionary<Aspects, Dictionary<ulong, int>> indexes = [];
    private HashSet<ulong>? places;

    /// <summary>Compares with an earlier job.</summary>
    /// <param name="earlier">Its datums, or null if there is none.</param>
    /// <param name="earlierSalt">The salt of its pipeline then.</param>
    /// <param name="salt">The salt now.</param>
    public JobExplanation(DatumSet? earlier, Salt earlierSalt, Salt salt)
    {
        this.earlier = earlier;
        sameSalt = earlierSalt == salt;
    }

    [Flags]
    private enum Aspects
    {
        Names = 1,
        Paths = 2,
        Hashes = 4,
    }

    /// <summary>Tells why a datum was processed, or not.</summary>
    /// <param name="datum">A datum of the job.</param>
    /// <param name="skipped">Whether the job skipped it.</param>
    public DatumDifference Explain(Datum datum, bool skipped)
    {
        ArgumentNullException.ThrowIfNull(datum);
        if (skipped)
        {
            return new DatumDifference(DatumReason.Known, null, []);
        }
        if (earlier is null)
        {
            return new DatumDifference(DatumReason.FirstJob, null, []);
        }
        if (Closest(datum, Aspects.Names | Aspects.Paths | Aspects.Hashes) is { } same)
        {
            return new DatumDifference(sameSalt ? DatumReason.NoResult : DatumReason.NewSalt, same.Index, []);
        }
        foreach ((Aspects alike, DatumReason reason) in new[]
        {
            (Aspects.Names | Aspects.Paths, DatumReason.ContentChanged),
            (Aspects.Names | Aspects.Hashes, DatumReason.PathChanged),
            (Aspects.Paths | Aspects.Hashes, DatumReason.InputRenamed),
        })
        {
            if (Closest(datum, alike) is { } close)
            {
                return new DatumDifference(reason, close.Index, Differences(datum, close));
            }
        }
        places ??= Places(earlier);
        ValueList<PartDifference> added = datum.Parts
            .Where(part => !places.Contains(Sign([part], Aspects.Names | Aspects.Paths)))
            .Select(static part => new PartDifference(part, null))
            .ToValueList();
        return new DatumDifference(added.Count > 0 ? DatumReason.NewFile : DatumReason.NewCombination, null, added);
    }

    private static ValueList<PartDifference> Differences(Datum now, Datum before) => now.Parts
        .Zip(before.Parts)
        .Where(static pair => !IsAlike(pair.First, pair.Second, Aspects.Names | Aspects.Paths | Aspects.Hashes))
        .Select(static pair => new PartDifference(pair.First, pair.Second))
        .ToValueList();

    private static HashSet<ulong> Places(DatumSet datums)
    {
        HashSet<ulong> found = [];
        DatumPart[] parts = new DatumPart[datums.MaxParts];
        for (int i = 0; i < datums.Count; i++)
        {
            int count = datums.GetParts(i, parts);
            foreach (DatumPart part in parts.AsSpan(0, count))
            {
                found.Add(Sign([part], Aspects.Names | Aspects.Paths));
            }
        }
        return found;
    }

    private static bool IsAlike(DatumPart left, DatumPart right, Aspects aspects) =>
        (!aspects.HasFlag(Aspects.Names) || left.Input.Name == right.Input.Name)
        && (!aspects.HasFlag(Aspects.Paths) || left.File.Path == right.File.Path)
        && (!aspects.HasFlag(Aspects.Hashes) || left.File.Hash == right.File.Hash);

    private static ulong Sign(ReadOnlySpan<DatumPart> parts, Aspects aspects)
    {
        XxHash3 hash = new();
        foreach (ref readonly DatumPart part in parts)
        {
            if (aspects.HasFlag(Aspects.Names))
            {
                hash.Append(part.Input.NameBytes);
                hash.Append([0]);
            }
            if (aspects.HasFlag(Aspects.Paths))
            {
                hash.Append(part.File.Path.Bytes);
                hash.Append([0]);
            }
            if (aspects.HasFlag(Aspects.Hashes))
            {
                hash.Append(part.File.Hash.ToArray());
            }
        }
        return hash.GetCurrentHashAsUInt64();
    }

    // The earlier datum that is alike in some aspects; what the signature says is checked, since 64 bits may lie.
    private Datum? Closest(Datum datum, Aspects aspects)
    {
        if (!indexes.TryGetValue(aspects, out Dictionary<ulong, int>? index))
        {
            index = new Dictionary<ulong, int>(earlier!.Count);
            DatumPart[] parts = new DatumPart[earlier.MaxParts];
            for (int i = 0; i < earlier.Count; i++)
            {
                int count = earlier.GetParts(i, parts);
                index.TryAdd(Sign(parts.AsSpan(0, count), aspects), i);
            }
            indexes.Add(aspects, index);
        }
        if (!index.TryGetValue(Sign(datum.Parts.Items.AsSpan(), aspects), out int found))
        {
            return null;
        }
        Datum candidate = earlier![found];
        bool alike = candidate.Parts.Count == datum.Parts.Count
            && candidate.Parts.Zip(datum.Parts).All(pair => IsAlike(pair.First, pair.Second, aspects));
        return alike ? candidate : null;
    }
}
