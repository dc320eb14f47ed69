using System.Globalization;
using System.IO.Hashing;
using Pachyderm.Errors;
using Pachyderm.Formats;
using Pachyderm.Migration.Survey;
using Pachyderm.Migration.Targets;
using Pachyderm.RecordStores;
using Pachyderm.RecordStores.Snapshot;

namespace Pachyderm.Migration.Steps.Native;

/// <summary>
/// Finds what was written to a live etcd after the snapshot of it that is imported. Costs one question while the revision of the etcd has
/// not
/// moved, else O(records), with 8 bytes of memory for each.
/// </summary>
/// <param name="address">The live etcd.</param>
/// <param name="keys">The keys of the cluster; what else is in the etcd may change.</param>
/// <param name="image">The snapshot.</param>
/// <param name="time">The clock.</param>
internal sealed class SourceChanges(StoreAddress address, ClusterKeys keys, EtcdSnapshotFile image, TimeProvider time)
{
    /// <summary>What an operator accepts who wants the cluster as it was at the snapshot.</summary>
    public const string FindingId = "source-changed";

    private const int Shown = 3;

    /// <summary>Refuses to go on if something was written.</summary>
    /// <exception cref="OperatorException"><c>source-changed</c>, or the etcd cannot be reached.</exception>
    public async Task RefuseAsync(CancellationToken cancellationToken)
    {
        await using IRecordStore store = await address.OpenStoreAsync(time, cancellationToken);
        long revision = (await store.GetStatusAsync(cancellationToken)).Revision;
        if (revision == image.Revision)
        {
            return;
        }
        if (revision < image.Revision)
        {
            throw Refusal(store, $"it is at revision {revision}, before the snapshot of revision {image.Revision}: it is another one");
        }
        List<string> changed = [];
        long count = 0;
        await foreach ((ReadOnlyMemory<byte> key, string what) in FindAsync(store, revision, cancellationToken))
        {
            if (count++ < Shown)
            {
                changed.Add($"{what} {KeyText.Show(key.Span)}");
            }
        }
        if (count > 0)
        {
            throw Refusal(store, string.Create(
                CultureInfo.InvariantCulture,
                $"{(count == 1 ? "a record was" : $"{count} records were")} written after the snapshot that is imported "
                    + $"({string.Join(", ", changed)}"
                + $"{(count > Shown ? ", ..." : "")})"));
        }
    }

    private static OperatorException Refusal(IRecordStore store, string problem) => new(
        FindingId, store.Location, problem,
        "stop every pachd, worker and client of the old cluster, drop this import with `pachctl migrate undo --data DIR` and import "
            + "again, or take the "
        + $"cluster as it was at the snapshot with --accept {FindingId}");

    private async IAsyncEnumerable<(ReadOnlyMemory<byte> Key, string What)> FindAsync(
        IRecordStore store, long revision, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // Workers and locks are on leases, and come and go.
        RecordClassifier classifier = new(keys);
        UInt64Set present = new();
        await foreach (IReadOnlyList<StoredRecord> page in store.ReadAsync(KeyRange.All, revision, cancellationToken))
        {
            foreach (StoredRecord record in page.Where(record => classifier.IsDurable(record)))
            {
                present.Add(XxHash3.HashToUInt64(record.Key.Span));
                if (record.ModRevision > image.Revision)
                {
                    yield return (record.Key, record.CreateRevision > image.Revision ? "created" : "changed");
                }
            }
        }
        await foreach (IReadOnlyList<StoredRecord> page in image.ReadByRevisionAsync(KeyRange.All, cancellationToken))
        {
            foreach (StoredRecord record in page.Where(record => classifier.IsDurable(record)))
            {
                if (!present.Contains(XxHash3.HashToUInt64(record.Key.Span)))
                {
                    yield return (record.Key, "deleted");
                }
            }
        }
    }
}
