using System.Numerics;
using Pachyderm.Formats;
using Pachyderm.Migration.Steps;
using Pachyderm.Migration.Survey;
using Pachyderm.RecordStores;

namespace Pachyderm.Migration.Reports;

/// <summary>What a conversion does to the records of a store, counted, and what the store holds afterwards.</summary>
internal sealed class ChangeTally(RecordClassifier classifier, IRecordConversion conversion, bool audit)
{
    private const int MostProblems = 20;

    /// <summary>Records by kind that stay, get another value, go, and are set aside.</summary>
    public Dictionary<RecordKind, long[]> ByKind { get; } = [];

    /// <summary>How often each change is made, in the order of <see cref="IRecordConversion.ChangeNames"/>.</summary>
    public long[] ByChange { get; } = new long[64];

    /// <summary>Lasting records by kind as they will be.</summary>
    public Dictionary<RecordKind, RecordTotals> After { get; } = [];

    /// <summary>Conversions that the audit found wrong; the first few of each worker.</summary>
    public List<string> Problems { get; } = [];

    /// <summary>Digest of all lasting records as they will be.</summary>
    public MultisetDigest Digest
    {
        get
        {
            MultisetDigest digest = default;
            foreach (RecordTotals totals in After.Values)
            {
                digest.Add(totals.Digest);
            }

            return digest;
        }
    }

    /// <summary>Records that will be written or removed.</summary>
    public long Changed => ByKind.Values.Sum(counts => counts.Sum() - counts[(int)RecordChangeKind.Keep]);

    /// <summary>Records that will be set aside.</summary>
    public long Quarantined => ByKind.Values.Sum(counts => counts[(int)RecordChangeKind.Quarantine]);

    /// <summary>Records that will be added.</summary>
    public long Added { get; private set; }

    /// <summary>Takes in one record of the source.</summary>
    public void Observe(in StoredRecord record)
    {
        if (!classifier.IsDurable(record))
        {
            return;
        }

        RecordChange change = conversion.Convert(record);
        RecordKind kind = classifier.Keys.Classify(record.Key.Span);
        if (!ByKind.TryGetValue(kind, out long[]? counts))
        {
            ByKind.Add(kind, counts = new long[4]);
        }

        counts[(int)change.Kind]++;
        Count(change.What);
        if (change.Kind is RecordChangeKind.Keep or RecordChangeKind.Replace)
        {
            TotalsOf(kind).Add(record.Key.Span, change.Kind == RecordChangeKind.Keep ? record.Value.Span : change.Value.Span);
        }

        if (audit && Problems.Count < MostProblems && conversion.Audit(record, change) is { } problem)
        {
            Problems.Add($"{KeyText.Show(record.Key.Span)}: {problem}");
        }
    }

    /// <summary>Takes in a record that the conversion adds.</summary>
    public void Observe(in RecordAddition addition)
    {
        Added++;
        if (audit && Problems.Count < MostProblems && conversion.AuditAddition(addition) is { } problem)
        {
            Problems.Add($"{KeyText.Show(addition.Key.Span)}: {problem}");
        }

        Count(addition.What);
        TotalsOf(classifier.Keys.Classify(addition.Key.Span)).Add(addition.Key.Span, addition.Value.Span);
    }

    /// <summary>Takes in what another worker has counted.</summary>
    public void Merge(ChangeTally other)
    {
        foreach ((RecordKind kind, long[] counts) in other.ByKind)
        {
            if (!ByKind.TryGetValue(kind, out long[]? mine))
            {
                ByKind.Add(kind, mine = new long[4]);
            }

            for (int change = 0; change < mine.Length; change++)
            {
                mine[change] += counts[change];
            }
        }

        for (int bit = 0; bit < ByChange.Length; bit++)
        {
            ByChange[bit] += other.ByChange[bit];
        }

        foreach ((RecordKind kind, RecordTotals totals) in other.After)
        {
            TotalsOf(kind).Add(totals);
        }

        Problems.AddRange(other.Problems);
        Added += other.Added;
    }

    private RecordTotals TotalsOf(RecordKind kind)
    {
        if (!After.TryGetValue(kind, out RecordTotals? totals))
        {
            After.Add(kind, totals = new RecordTotals());
        }

        return totals;
    }

    private void Count(ulong what)
    {
        for (; what != 0; what &= what - 1)
        {
            ByChange[BitOperations.TrailingZeroCount(what)]++;
        }
    }
}
