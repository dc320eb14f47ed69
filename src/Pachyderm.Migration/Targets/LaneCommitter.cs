using System.Globalization;
using Pachyderm.Errors;
using Pachyderm.Migration.Engine;
using Pachyderm.RecordStores;

namespace Pachyderm.Migration.Targets;

/// <summary>
/// Commits the numbered batches of a lane in their order, a group of them at a time.
/// <para>
/// Each batch is a transaction of its own, but to wait for one answer after the other would take a round trip and a flush a batch. To send
/// them all at once is not enough either, because etcd takes up concurrent requests in any order. Therefore the batches of a group are
/// chained, each the alternative of the one before it, and the whole chain is sent as often as it has batches: every transaction
/// applies the one batch whose turn it is, whichever of them comes first.
/// </para>
/// <para>
/// Whose turn it is tells the lane's progress key, which every batch writes and is guarded by. So a batch is never applied twice, though it
/// may be sent again when its answer was lost.
/// </para>
/// </summary>
/// <param name="store">The store.</param>
/// <param name="progressKey">Holds the number of the last batch that was applied.</param>
/// <param name="fence">Guards every batch.</param>
/// <param name="work">Name of the work, for fault points.</param>
internal sealed class LaneCommitter(IRecordStore store, byte[] progressKey, Fence fence, string work)
{
    /// <summary>Commits a group.</summary>
    /// <param name="group">Batches that follow the last one that was applied, in order.</param>
    /// <param name="applied">Is called for each batch, in order, with a revision of the store at which it was applied.</param>
    /// <param name="cancellationToken">Ends the waiting for answers; what was sent may be applied or not.</param>
    /// <exception cref="OperatorException"><c>foreign-write</c>: a record is not what it was; <c>fence-lost</c>.</exception>
    public async Task CommitAsync(IReadOnlyList<LaneBatch> group, Func<LaneBatch, long, Task> applied, CancellationToken cancellationToken)
    {
        bool isFirst = true;
        for (int start = 0; start < group.Count; isFirst = false)
        {
            RecordTransaction chain = Chain(group, start);
            Task<TransactionResult?>[] sent = new Task<TransactionResult?>[group.Count - start];
            for (int index = 0; index < sent.Length; index++)
            {
                if (isFirst)
                {
                    FaultPoints.Reach($"{work}.before-batch");
                }

                sent[index] = TryCommitAsync(chain, cancellationToken);
            }

            TransactionResult?[] answers = await Task.WhenAll(sent);
            long before = group[start].Number - 1;
            (long last, long revision) = answers.All(answer => answer is { Succeeded: true })
                ? (group[^1].Number, answers.Max(answer => answer!.Value.Revision))
                : await LaneProgress.ReadAsync(store, progressKey, cancellationToken);
            if (last == before && answers.All(answer => answer is not null))
            {
                // Nothing was lost on the way, and the batch whose turn it is was refused.
                throw await ExplainAsync(chain.Guards, cancellationToken);
            }

            for (; start < group.Count && group[start].Number <= last; start++)
            {
                FaultPoints.Reach($"{work}.after-batch");
                await applied(group[start], revision);
            }
        }
    }

    private RecordTransaction Chain(IReadOnlyList<LaneBatch> group, int start)
    {
        RecordTransaction? chain = null;
        for (int index = group.Count - 1; index >= start; index--)
        {
            chain = group[index].ToTransaction(progressKey, fence.Guard, chain);
        }

        return chain!;
    }

    /// <summary>Commits; null if the answer was lost.</summary>
    private async Task<TransactionResult?> TryCommitAsync(RecordTransaction transaction, CancellationToken cancellationToken)
    {
        try
        {
            return await store.CommitAsync(transaction, cancellationToken);
        }
        catch (OperatorException exception) when (exception.Id == "transaction-outcome-unknown")
        {
            return null;
        }
    }

    private async Task<Exception> ExplainAsync(IReadOnlyList<RecordGuard> guards, CancellationToken cancellationToken)
    {
        // That the fence was lost explains everything else, too.
        foreach (RecordGuard guard in guards.OrderBy(guard => guard.Kind != RecordGuardKind.CreateRevision))
        {
            StoredRecord? now = await store.GetAsync(guard.Key, cancellationToken);
            switch (guard.Kind)
            {
                case RecordGuardKind.CreateRevision when (now?.CreateRevision ?? 0) != guard.Revision:
                    return LaneApplier.FenceLost(store);
                case RecordGuardKind.ModRevision when (now?.ModRevision ?? 0) != guard.Revision:
                    return Foreign(guard, now, string.Create(CultureInfo.InvariantCulture, $" (expected {guard.Revision})"));
                case RecordGuardKind.Value when now?.Value.Span.SequenceEqual(guard.Value.Span) != true:
                    return Foreign(guard, now, "");
            }
        }

        return new OperatorException(
            "foreign-write", store.Location, "a guarded write was refused, and the cause has gone since",
            "stop every writer and run `pachctl migrate resume`");
    }

    private static OperatorException Foreign(in RecordGuard guard, StoredRecord? now, string expected) => new(
        "foreign-write",
        Survey.KeyText.Show(guard.Key.Span),
        $"somebody else wrote it at revision {now?.ModRevision ?? 0} while the migration was running{expected}",
        "stop every pachd and worker of this cluster, then run `pachctl migrate undo` and start again");
}
