using System.IO.Hashing;
using System.Runtime.CompilerServices;
using Pachyderm.Errors;
using Pachyderm.Formats;
using Pachyderm.Migration.Reports;
using Pachyderm.Migration.Steps;
using Pachyderm.Migration.Survey;
using Pachyderm.Migration.Targets;
using Pachyderm.RecordStores;
using Pachyderm.RecordStores.Snapshot;

namespace Pachyderm.Migration.Engine;

/// <summary>
/// Verifies a migrated store against its source. One pass over the source converts every record again and audits the outcome by another
/// way; one pass over the store reads what was really written, every record with the rules of 1.5, and surveys it; count, size and
/// digest of every kind of record must agree. Only if they do not, a third pass finds the keys that differ.
/// </summary>
internal static class Verifier
{
    private const int MostDifferences = 20;

    /// <summary>Verifies; O(records of both).</summary>
    /// <returns>The inventory of the migrated store, and what was changed.</returns>
    /// <exception cref="OperatorException"><c>verification-failed</c>.</exception>
    public static async Task<(ClusterInventory After, ChangeTally Changes)> RunAsync(
        EtcdSnapshotFile source,
        OpenedSource migrated,
        MigrationPlan plan,
        MigrationRequest request,
        string location,
        IProgress<long>? progress,
        CancellationToken cancellationToken)
    {
        RecordClassifier classifier = plan.Inventory.Classifier;
        IRecordConversion conversion = plan.Conversion!;
        Task<ChangeTally> expecting = Tallying.RunAsync(source, classifier, conversion, audit: true, progress, cancellationToken);
        Task<ClusterInventory> reading = SurveyRunner.RunAsync(
            migrated.Source, classifier.Keys, request.PfsPrefix, progress: null, cancellationToken);
        await Task.WhenAll(expecting, reading);
        ChangeTally expected = await expecting;
        ClusterInventory after = await reading;
        List<string> problems = [.. expected.Problems];
        if (Differ(expected.After, after.Totals))
        {
            problems.AddRange(await FindDifferencesAsync(source, migrated.Source, classifier, conversion, cancellationToken));
        }

        if (after.Encodings.Text > 0)
        {
            problems.AddRange(await NameTextAsync(migrated.Source, classifier, cancellationToken));
        }

        problems.AddRange(CheckReferences(after));
        problems.AddRange(await FindMissingAsync(migrated, after, plan, request, cancellationToken));
        return problems.Count == 0
            ? (after, expected)
            : throw new OperatorException(
                "verification-failed",
                location,
                $"what was written is not what it must be: {string.Join("; ", problems.Take(MostDifferences))}",
                "run `pachctl migrate undo`");
    }

    private static async Task<IEnumerable<string>> NameTextAsync(
        IRecordSource migrated, RecordClassifier classifier, CancellationToken cancellationToken)
    {
        IReadOnlyList<List<string>> names = await migrated.VisitAsync(
            () => new List<string>(),
            (List<string> state, in StoredRecord record) =>
            {
                RecordCodec? codec = RecordCodec.For(classifier.Keys.Classify(record.Key.Span));
                if (state.Count < MostDifferences && codec?.Detect(record.Value.Span) == RecordEncoding.Text)
                {
                    state.Add($"{KeyText.Show(record.Key.Span)} is still text");
                }
            },
            progress: null,
            cancellationToken);
        return names.SelectMany(state => state);
    }

    /// <summary>
    /// Asked again, of the migrated store, the step must have nothing to add: no index entry, reference count or open-commit entry is
    /// missing.
    /// </summary>
    private static async Task<List<string>> FindMissingAsync(
        OpenedSource migrated, ClusterInventory after, MigrationPlan plan, MigrationRequest request, CancellationToken cancellationToken)
    {
        List<string> missing = [];
        await foreach (
            RecordAddition addition in plan.Step!.Prepare(after, MigrationPlan.OptionsOf(request, plan.To))
                .AdditionsAsync(migrated.Read, cancellationToken))
        {
            missing.Add($"{KeyText.Show(addition.Key.Span)} is missing");
            if (missing.Count == MostDifferences)
            {
                break;
            }
        }

        RecordKind[] indexes =
            [RecordKind.RepoProvenanceIndex, RecordKind.CommitProvenanceIndex, RecordKind.JobPipelineIndex, RecordKind.JobInputIndex];
        missing.AddRange(indexes
            .Where(kind => plan.Inventory.IsIndexExact(kind) && !after.IsIndexExact(kind))
            .Select(kind => $"the index {kind} has entries that no record calls for"));
        return missing;
    }

    /// <summary>
    /// What no 1.5 store may lack: readable records, reference counts that are right, and an open-commit entry for each open commit.
    /// </summary>
    private static IEnumerable<string> CheckReferences(ClusterInventory after)
    {
        foreach (string id in after.Findings.Counts.Keys.Where(id => id is "reference-count" or "bad-record"))
        {
            yield return after.Findings.Details.First(finding => finding.Id == id).ToString();
        }

        foreach (OpenCommit commit in after.OpenCommits.Where(commit => !after.OpenCommitEntries.Contains(commit.Id)))
        {
            yield return $"{KeyText.Show(after.Classifier.Keys.OpenCommit(commit.Id.Span))} is missing: the commit is open";
        }
    }

    private static bool Differ(Dictionary<RecordKind, RecordTotals> expected, IReadOnlyDictionary<RecordKind, RecordTotals> actual) =>
        expected.Keys.Union(actual.Keys).Any(kind =>
            !expected.TryGetValue(kind, out RecordTotals? mine)
            || !actual.TryGetValue(kind, out RecordTotals? other)
            || mine.Count != other.Count
            || mine.Digest != other.Digest);

    private static async Task<IEnumerable<string>> FindDifferencesAsync(
        EtcdSnapshotFile source, IRecordSource migrated, RecordClassifier classifier, IRecordConversion conversion,
        CancellationToken cancellationToken)
    {
        // Only after a failure: 32 bytes and some overhead a record are acceptable then.
        Dictionary<UInt128, UInt128> expected = [];
        await foreach (IReadOnlyList<StoredRecord> page in source.ReadByRevisionAsync(KeyRange.All, cancellationToken))
        {
            foreach (StoredRecord record in page)
            {
                if (!classifier.IsDurable(record))
                {
                    continue;
                }

                RecordChange change = conversion.Convert(record);
                if (change.Kind is RecordChangeKind.Keep or RecordChangeKind.Replace)
                {
                    ReadOnlySpan<byte> value = change.Kind == RecordChangeKind.Keep ? record.Value.Span : change.Value.Span;
                    expected[XxHash128.HashToUInt128(record.Key.Span)] = XxHash128.HashToUInt128(value);
                }
            }
        }

        await foreach (
            RecordAddition addition in conversion.AdditionsAsync(
                range => source.ReadByRevisionAsync(range, cancellationToken), cancellationToken))
        {
            expected[XxHash128.HashToUInt128(addition.Key.Span)] = XxHash128.HashToUInt128(addition.Value.Span);
        }

        List<string> differences = [];
        IReadOnlyList<List<(UInt128 Key, UInt128 Value, byte[] Name)>> actual = await migrated.VisitAsync(
            () => new List<(UInt128, UInt128, byte[])>(),
            (List<(UInt128, UInt128, byte[])> state, in StoredRecord record) =>
            {
                if (classifier.IsDurable(record))
                {
                    state.Add((XxHash128.HashToUInt128(record.Key.Span), XxHash128.HashToUInt128(record.Value.Span), record.Key.ToArray()));
                }
            },
            progress: null,
            cancellationToken);
        foreach ((UInt128 key, UInt128 value, byte[] name) in actual.SelectMany(part => part))
        {
            if (!expected.Remove(key, out UInt128 wanted))
            {
                differences.Add($"{KeyText.Show(name)} should not be there");
            }
            else if (wanted != value)
            {
                differences.Add($"{KeyText.Show(name)} has another value than it should");
            }
        }

        differences.AddRange(await NameMissingAsync(source, expected.Keys.ToHashSet(), conversion, cancellationToken));
        return differences;
    }

    private static async Task<List<string>> NameMissingAsync(
        EtcdSnapshotFile source, HashSet<UInt128> missing, IRecordConversion conversion, CancellationToken cancellationToken)
    {
        List<string> names = [];
        if (missing.Count > 0)
        {
            await foreach (ReadOnlyMemory<byte> key in KeysAsync(source, conversion, cancellationToken))
            {
                if (names.Count < MostDifferences && missing.Contains(XxHash128.HashToUInt128(key.Span)))
                {
                    names.Add($"{KeyText.Show(key.Span)} is missing");
                }
            }

            names.Add($"{missing.Count} records are missing in all");
        }

        return names;
    }

    private static async IAsyncEnumerable<ReadOnlyMemory<byte>> KeysAsync(
        EtcdSnapshotFile source, IRecordConversion conversion, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (IReadOnlyList<StoredRecord> page in source.ReadByRevisionAsync(KeyRange.All, cancellationToken))
        {
            foreach (StoredRecord record in page)
            {
                yield return record.Key;
            }
        }

        await foreach (
            RecordAddition addition in conversion.AdditionsAsync(
                range => source.ReadByRevisionAsync(range, cancellationToken), cancellationToken))
        {
            yield return addition.Key;
        }
    }
}
