using System.Globalization;
using System.IO.Hashing;
using System.Text;
using System.Threading.Channels;
using Pachyderm.Errors;
using Pachyderm.Migration.Engine;
using Pachyderm.Migration.Journal;
using Pachyderm.RecordStores;

namespace Pachyderm.Migration.Targets;

/// <summary>
/// Writes a long, ordered stream of records to a live store in guarded transactions, so that it can be killed and taken up again.
/// <para>
/// The stream is dealt to lanes by scope. A lane writes one transaction after the other; lanes run side by side. A transaction takes at
/// most one record of each scope, the oldest that waits, and therefore lists keep their order while as many records as possible
/// share a transaction. It also writes the lane's batch number: which batches were applied is always known, and since batches are a
/// pure function of the stream, a second run skips exactly those.
/// </para>
/// <para>O(records) transactions at worst (one scope), O(records / 100) at best; memory for <see cref="Window"/> records a lane.</para>
/// </summary>
internal sealed class LaneApplier(
    IRecordStore store, MigrationKeys keys, string work, int lanes, Fence fence, RateLimiter rate, long compactAfterBytes, IProgress<long>? progress)
{
    /// <summary>Records that a lane looks ahead for a batch.</summary>
    public const int Window = 2048;

    // Two operations and two guards of each transaction are the batch number's and the fence's; etcd allows 128 of each.
    private const int BatchSize = 100;

    // Below etcd's limit of 1.5 MiB for one request.
    private const int BatchBytes = 1 << 20;

    private long _bytesSinceCompaction;

    /// <summary>Applies a stream. The same stream must be given again when the work is taken up.</summary>
    /// <exception cref="OperatorException"><c>foreign-write</c>: a record is not what it was; <c>fence-lost</c>.</exception>
    public async Task ApplyAsync(IAsyncEnumerable<LaneWrite> writes, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, fence.Lost);
        Channel<LaneWrite>[] queues = [.. Enumerable.Range(0, lanes).Select(_ => Channel.CreateBounded<LaneWrite>(Window))];
        Task[] workers = [.. queues.Select((queue, lane) => Task.Run(() => RunLaneAsync(lane, queue.Reader, stop), CancellationToken.None))];
        try
        {
            await foreach (LaneWrite write in writes.WithCancellation(stop.Token))
            {
                ulong scope = write.Scope != 0 ? write.Scope : XxHash3.HashToUInt64(write.Write.Key.Span);
                await queues[scope % (uint)lanes].Writer.WriteAsync(write, stop.Token);
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // A lane failed or the fence is lost; which one, the lanes say below.
        }
        finally
        {
            foreach (Channel<LaneWrite> queue in queues)
            {
                queue.Writer.TryComplete();
            }
        }

        try
        {
            await Task.WhenAll(workers);
        }
        catch (OperationCanceledException) when (fence.Lost.IsCancellationRequested)
        {
            throw FenceLost(store);
        }

        if (fence.Lost.IsCancellationRequested)
        {
            throw FenceLost(store);
        }
    }

    internal static OperatorException FenceLost(IRecordStore store) => new(
        "fence-lost",
        store.Location,
        "the migration's fence was taken away or its lease ran out, and nothing more was written",
        "run `pachctl migrate resume` to go on, or `pachctl migrate undo`");

    private async Task RunLaneAsync(int lane, ChannelReader<LaneWrite> queue, CancellationTokenSource stop)
    {
        try
        {
            LaneWindow window = new();
            long batch = 0;
            (long done, long progressRevision) = await ReadProgressAsync(lane, stop.Token);
            List<LaneWrite> members = new(BatchSize);
            while (await FillAsync(window, queue, stop.Token))
            {
                window.TakeBatch(members, BatchSize, BatchBytes);
                batch++;
                if (batch > done)
                {
                    await rate.WaitAsync(members.Count, stop.Token);
                    progressRevision = await WriteBatchAsync(lane, batch, members, progressRevision, stop.Token);
                }

                progress?.Report(members.Count);
            }
        }
        catch
        {
            await stop.CancelAsync();
            throw;
        }
    }

    private static async Task<bool> FillAsync(LaneWindow window, ChannelReader<LaneWrite> queue, CancellationToken cancellationToken)
    {
        // Always full, or at the end of the stream: a batch must not depend on how fast records arrive.
        while (window.Count < Window && await queue.WaitToReadAsync(cancellationToken))
        {
            while (window.Count < Window && queue.TryRead(out LaneWrite write))
            {
                window.Add(write);
            }
        }

        return window.Count > 0;
    }

    private async Task<long> WriteBatchAsync(
        int lane, long batch, List<LaneWrite> members, long progressRevision, CancellationToken cancellationToken)
    {
        byte[] progressKey = keys.Progress(work, lane);
        List<RecordGuard> guards = new(members.Count + 2) { fence.Guard, RecordGuard.Unchanged(progressKey, progressRevision) };
        List<RecordWrite> writes = new(members.Count + 1)
        {
            RecordWrite.Put(progressKey, Encoding.ASCII.GetBytes(batch.ToString(CultureInfo.InvariantCulture))),
        };
        foreach (LaneWrite member in members)
        {
            writes.Add(member.Write);
            if (member.ExpectedModRevision >= 0)
            {
                guards.Add(RecordGuard.Unchanged(member.Write.Key, member.ExpectedModRevision));
            }
        }

        RecordTransaction transaction = new(guards, writes);
        FaultPoints.Reach($"{work}.before-batch");
        while (true)
        {
            TransactionResult result;
            try
            {
                result = await store.CommitAsync(transaction, cancellationToken);
            }
            catch (OperatorException exception) when (exception.Id == "transaction-outcome-unknown")
            {
                // The batch number tells whether the lost answer was a yes.
                (long done, long revision) = await ReadProgressAsync(lane, cancellationToken);
                if (done >= batch)
                {
                    return revision;
                }

                continue;
            }

            if (!result.Succeeded)
            {
                throw await ExplainAsync(guards, cancellationToken);
            }

            FaultPoints.Reach($"{work}.after-batch");
            await CompactAsync(members, result.Revision, cancellationToken);
            return result.Revision;
        }
    }

    // What was rewritten is in the backup; kept in etcd, too, it would take its quota twice.
    private async Task CompactAsync(List<LaneWrite> members, long revision, CancellationToken cancellationToken)
    {
        long bytes = Interlocked.Add(ref _bytesSinceCompaction, members.Sum(member => member.Write.Key.Length + (member.Write.Value?.Length ?? 0)));
        if (bytes >= compactAfterBytes && Interlocked.CompareExchange(ref _bytesSinceCompaction, 0, bytes) == bytes)
        {
            await store.CompactAsync(revision, cancellationToken);
        }
    }

    private async Task<(long Batch, long ModRevision)> ReadProgressAsync(int lane, CancellationToken cancellationToken)
    {
        StoredRecord? record = await store.GetAsync(keys.Progress(work, lane), cancellationToken);
        return record is { } found
            ? (long.Parse(Encoding.ASCII.GetString(found.Value.Span), CultureInfo.InvariantCulture), found.ModRevision)
            : (0, 0);
    }

    private async Task<Exception> ExplainAsync(List<RecordGuard> guards, CancellationToken cancellationToken)
    {
        foreach (RecordGuard guard in guards)
        {
            StoredRecord? now = await store.GetAsync(guard.Key, cancellationToken);
            long revision = guard.Kind == RecordGuardKind.CreateRevision ? now?.CreateRevision ?? 0 : now?.ModRevision ?? 0;
            if (revision == guard.Revision)
            {
                continue;
            }

            if (guard.Kind == RecordGuardKind.CreateRevision)
            {
                return FenceLost(store);
            }

            return new OperatorException(
                "foreign-write",
                Survey.KeyText.Show(guard.Key.Span),
                $"somebody else wrote it at revision {revision} while the migration was running (expected {guard.Revision})",
                "stop every pachd and worker of this cluster, then run `pachctl migrate undo` and start again");
        }

        return new OperatorException(
            "foreign-write", store.Location, "a guarded write was refused, and the cause has gone since", "stop every writer and run `pachctl migrate resume`");
    }
}
