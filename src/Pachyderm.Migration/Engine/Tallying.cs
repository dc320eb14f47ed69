using Pachyderm.Migration.Reports;
using Pachyderm.Migration.Steps;
using Pachyderm.Migration.Survey;
using Pachyderm.RecordStores;
using Pachyderm.RecordStores.Snapshot;

namespace Pachyderm.Migration.Engine;

/// <summary>Counts what a conversion does without writing anything.</summary>
internal static class Tallying
{
    /// <summary>Converts every record once. O(records).</summary>
    public static async Task<ChangeTally> RunAsync(
        IRecordSource source,
        Func<KeyRange, IAsyncEnumerable<IReadOnlyList<StoredRecord>>> readSource,
        RecordClassifier classifier,
        IRecordConversion conversion,
        bool audit,
        IProgress<long>? progress,
        CancellationToken cancellationToken)
    {
        IReadOnlyList<ChangeTally> parts = await source.VisitAsync(
            () => new ChangeTally(classifier, conversion, audit),
            (ChangeTally tally, in StoredRecord record) => tally.Observe(record),
            progress,
            cancellationToken);
        ChangeTally whole = parts[0];
        foreach (ChangeTally part in parts.Skip(1))
        {
            whole.Merge(part);
        }

        await foreach (RecordAddition addition in conversion.AdditionsAsync(readSource, cancellationToken))
        {
            whole.Observe(addition);
        }

        return whole;
    }

    /// <summary>The same for a snapshot file.</summary>
    public static Task<ChangeTally> RunAsync(
        EtcdSnapshotFile source, RecordClassifier classifier, IRecordConversion conversion, bool audit, IProgress<long>? progress,
        CancellationToken cancellationToken) =>
        RunAsync(
            new SnapshotRecordSource(source), range => source.ReadByRevisionAsync(range, cancellationToken), classifier, conversion, audit,
            progress, cancellationToken);
}
