using System.IO.Hashing;
using System.Threading.Channels;
using Pachyderm.Errors;
using Pachyderm.Migration.Journal;
using Pachyderm.Migration.Survey;
using Pachyderm.RecordStores;

namespace Pachyderm.Migration.Targets;

/// <summary>
/// Writes a long, ordered stream of records to a live store in guarded transactions, so that it can be killed and taken up again.
/// <para>
/// The stream is dealt to lanes by scope, and lanes run side by side. A lane's transactions, or batches, are applied in order. A batch
/// takes
/// at most one record of each scope, the oldest that waits, and therefore lists keep their order while as many records as possible
/// share a transaction. It also writes its number: which batches were applied is always known, and since batches are a pure function of
/// the stream, a second run skips exactly those. <see cref="LaneCommitter"/> commits several of them at a time.
/// </para>
/// <para>O(records) transactions at worst (one scope), O(records / 100) at best; memory for <see cref="Window"/> records a lane.</para>
/// </summary>
internal sealed class LaneApplier(
    IRecordStore store, MigrationKeys keys, string work, int lanes, Fence fence, RateLimiter rate, long compactAfterBytes,
    IProgress<long>? progress)
{
    /// <summary>Records that a lane looks ahead for a batch.</summary>
    public const int Window = 2048;

    // Two operations and two guards of each transaction are the batch number's and the fence's; etcd allows 128 of each.
    private const int BatchSize = 100;

    // Below etcd's limit of 1.5 MiB for one request.
    private const int BatchBytes = 1 << 20;

    // Every transaction of a group carries all of its batches (measured on loopback: 8 write a list twice as fast as 1, 16 no faster).
    private const int GroupSize = 8;
    private const int GroupBytes = 64 << 10;

    private long _bytesSinceCompaction;

    /// <summary>Applies a stream. The same stream must be given again when the work is taken up.</summary>
    /// <exception cref="OperatorException"><c>foreign-write</c>: a record is not what it was; <c>fence-lost</c>.</exception>
    public async Task ApplyAsync(IAsyncEnumerable<LaneWrite> writes, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, fence.Lost);
        Channel<LaneWrite>[] queues = [.. Enumerable.Range(0, lanes).Select(_ => Channel.CreateBounded<LaneWrite>(Window))];
        Task[] workers = [.. queues.Select(
            (queue, lane) => Task.Run(() => RunLaneAsync(lane, queue.Reader, stop), CancellationToken.None))];
        try
        {
            await foreach (LaneWrite write in writes.WithCancellation(stop.Token))
            {
                await queues[LaneOf(write)].Writer.WriteAsync(write, stop.Token);
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

    // The first lane is the jobs' own: theirs is the longest list of most clusters, and the smaller its batches are the more of them make a
    // group.
    private int LaneOf(in LaneWrite write)
    {
        if (write.Scope == RecordClassifier.JobScope)
        {
            return 0;
        }

        ulong scope = write.Scope != 0 ? write.Scope : XxHash3.HashToUInt64(write.Write.Key.Span);
        return 1 + (int)(scope % (uint)(lanes - 1));
    }

    private async Task RunLaneAsync(int lane, ChannelReader<LaneWrite> queue, CancellationTokenSource stop)
    {
        try
        {
            byte[] progressKey = keys.Progress(work, lane);
            (long done, _) = await LaneProgress.ReadAsync(store, progressKey, stop.Token);
            LaneCommitter committer = new(store, progressKey, fence, work);
            LaneWindow window = new();
            List<LaneBatch> group = [];
            for (long number = 1; await FillAsync(window, queue, stop.Token); number++)
            {
                LaneBatch batch = new(number, window.TakeBatch(BatchSize, BatchBytes));
                if (number <= done)
                {
                    progress?.Report(batch.Members.Count);
                    continue;
                }

                if (!HasRoom(group, batch))
                {
                    await CommitAsync(committer, group, stop.Token);
                }

                await rate.WaitAsync(batch.Members.Count, stop.Token);
                group.Add(batch);
            }

            await CommitAsync(committer, group, stop.Token);
        }
        catch
        {
            await stop.CancelAsync();
            throw;
        }
    }

    private bool HasRoom(List<LaneBatch> group, LaneBatch batch) =>
        group.Count == 0
        || (store.TakesAlternatives
            && group.Count < GroupSize
            && group.Sum(member => member.Operations) + batch.Operations <= BatchSize + 2
            && group.Sum(member => member.Bytes) + batch.Bytes <= GroupBytes);

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

    private async Task CommitAsync(LaneCommitter committer, List<LaneBatch> group, CancellationToken cancellationToken)
    {
        await committer.CommitAsync(group, (batch, revision) => SettleAsync(batch, revision, cancellationToken), cancellationToken);
        group.Clear();
    }

    private async Task SettleAsync(LaneBatch batch, long revision, CancellationToken cancellationToken)
    {
        progress?.Report(batch.Members.Count);

        // What was rewritten is in the backup; kept in etcd, too, it would take its quota twice.
        long bytes = Interlocked.Add(ref _bytesSinceCompaction, batch.Bytes);
        if (bytes >= compactAfterBytes && Interlocked.CompareExchange(ref _bytesSinceCompaction, 0, bytes) == bytes)
        {
            await store.CompactAsync(revision, cancellationToken);
        }
    }
}
