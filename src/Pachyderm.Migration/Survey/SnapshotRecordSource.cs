using Pachyderm.RecordStores;
using Pachyderm.RecordStores.Snapshot;

namespace Pachyderm.Migration.Survey;

/// <summary>The records of a snapshot file, one contiguous part of the file for each worker.</summary>
internal sealed class SnapshotRecordSource(EtcdSnapshotFile file) : IRecordSource
{
    // More parts than workers, so that one slow part does not leave the other workers idle at the end.
    private const int PartsPerWorker = 8;

    public async Task<IReadOnlyList<TState>> VisitAsync<TState>(
        Func<TState> create, RecordVisitor<TState> visit, IProgress<long>? progress, CancellationToken cancellationToken)
    {
        IReadOnlyList<SnapshotPartition> parts = file.Partition(Environment.ProcessorCount * PartsPerWorker);
        int next = -1;
        return await Task.WhenAll(Enumerable.Range(0, Environment.ProcessorCount).Select(_ => Task.Run(Work, cancellationToken)));

        TState Work()
        {
            TState state = create();
            for (int part = Interlocked.Increment(ref next); part < parts.Count; part = Interlocked.Increment(ref next))
            {
                file.VisitPartition(parts[part], (in StoredRecord record) => visit(state, record), progress, cancellationToken);
            }

            return state;
        }
    }
}
