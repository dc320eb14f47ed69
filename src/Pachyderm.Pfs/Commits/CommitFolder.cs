using System.Diagnostics;
using Pachyderm.Metadata;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Trees;

namespace Pachyderm.Pfs;

/// <summary>
/// Folds the pending writes of open commits into their trees: in order, a batch at a time, each batch in one metadata transaction. One at a
/// time
/// for each commit. What is folded may be folded again after a crash without harm, because the transaction removes it from the writes.
/// </summary>
internal sealed class CommitFolder(IMetadataStore metadata, TreeStore trees) : IAsyncDisposable
{
    /// <summary>From so many writes on, folding begins in the background.</summary>
    public const int BackgroundWrites = 50_000;

    /// <summary>From so many bytes of writes on, folding begins in the background.</summary>
    public const long BackgroundBytes = 32 << 20;

    /// <summary>Whose commit has so many times the above, waits for the folding.</summary>
    private const int Patience = 4;

    private const int BatchContents = 25_000;
    private const long BatchBytes = 16 << 20;
    private const int PageLength = 2_000;

    private readonly KeyedLocks<CommitKey> locks = new();
    private readonly WriteGates gates = new();
    private readonly Dictionary<CommitKey, Task> background = [];
    private readonly HashSet<CommitKey> conflicting = [];
    private readonly CancellationTokenSource stopping = new();

    /// <summary>Keeps new writes to a commit waiting until the result is disposed.</summary>
    public IDisposable HoldWrites(CommitKey commit) => gates.Close(commit);

    /// <summary>Waits while writes to a commit are held back.</summary>
    public Task PassAsync(CommitKey commit, CancellationToken cancellationToken) => gates.PassAsync(commit, cancellationToken);

    /// <summary>Waits until nobody else folds the commit.</summary>
    public Task<IDisposable> EnterAsync(CommitKey commit, CancellationToken cancellationToken) =>
        locks.EnterAsync(commit, cancellationToken);

    /// <summary>The content of a commit; of an open one, with everything that was written to it before this was called.</summary>
    public async Task<DirectoryReference?> ReadTreeAsync(CommitRecord commit, CancellationToken cancellationToken)
    {
        if (!commit.IsOpen)
        {
            return TreeStore.Decode(commit.Tree);
        }
        using IDisposable exclusive = await EnterAsync(commit.Key, cancellationToken);
        return await FoldAsync(commit.Key, cancellationToken);
    }

    /// <summary>Folds what is pending, inside of <see cref="EnterAsync"/>.</summary>
    /// <returns>The tree, which holds at least all that was written before the call.</returns>
    /// <exception cref="PfsException">The commit is missing, or its writes conflict with each other.</exception>
    public async Task<DirectoryReference?> FoldAsync(CommitKey commit, CancellationToken cancellationToken)
    {
        // Not until nothing is left: writers may be faster.
        long left = await metadata.ReadAsync(reader => reader.CountPendingWrites(commit).Count, cancellationToken);
        while (true)
        {
            Batch batch = await ReadBatchAsync(commit, cancellationToken);
            if (batch.Writes.Count == 0)
            {
                return batch.Tree;
            }
            using Activity? activity = PfsTelemetry.Source.StartActivity("fold");
            activity?.SetTag("commit", CommitName.Of(commit).ToString()).SetTag("writes", batch.Writes.Count);
            using IChunkWriter writer = trees.Chunks.OpenWriter();
            DirectoryReference tree;
            try
            {
                tree = await trees.ApplyAsync(batch.Tree, batch.Writes, writer, cancellationToken);
            }
            catch (TreeConflictException conflict)
            {
                throw PfsErrors.Conflict(conflict);
            }
            await writer.FlushAsync(cancellationToken);
            byte[] encoded = DirectoryReferenceCodec.Encode(tree);
            await metadata.WriteAsync(
                transaction =>
                {
                    if (transaction.FindCommit(commit) is not { IsOpen: true })
                    {
                        throw PfsErrors.CommitNotFound(new RepoName(commit.Repo), commit.Id);
                    }
                    transaction.SetTree(commit, encoded);
                    transaction.DeletePendingWrites(commit, batch.Through);
                    return true;
                },
                cancellationToken);
            PfsTelemetry.WritesFolded.Add(batch.Writes.Count);
            left -= batch.Writes.Count;
            if (left <= 0)
            {
                return tree;
            }
        }
    }

    /// <summary>
    /// To be called after a write: begins to fold in the background if much is pending, and waits for it if there is far too much, so that
    /// what is pending stays bounded.
    /// </summary>
    public async Task RelieveAsync(CommitKey commit, long writes, long bytes)
    {
        if (writes < BackgroundWrites && bytes < BackgroundBytes)
        {
            return;
        }
        Task? folding;
        lock (background)
        {
            if (conflicting.Contains(commit) || stopping.IsCancellationRequested)
            {
                return;
            }
            if (!background.TryGetValue(commit, out folding))
            {
                background.Add(commit, folding = Task.Run(() => FoldInBackgroundAsync(commit), CancellationToken.None));
            }
        }
        if (writes >= Patience * BackgroundWrites || bytes >= Patience * BackgroundBytes)
        {
            // A failure shows where it matters: in the next read of the commit, or when it is finished.
            await folding.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Ends the folding in the background; what is pending stays pending.</summary>
    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        Task[] running;
        lock (background)
        {
            running = [.. background.Values];
        }
        await Task.WhenAll(running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        stopping.Dispose();
    }

    private async Task FoldInBackgroundAsync(CommitKey commit)
    {
        try
        {
            using IDisposable exclusive = await EnterAsync(commit, stopping.Token);
            await FoldAsync(commit, stopping.Token);
        }
        catch (PfsException)
        {
            // Whoever reads or finishes the commit is told; until then there is no point in trying again after each write.
            lock (background)
            {
                conflicting.Add(commit);
            }
        }
        finally
        {
            lock (background)
            {
                background.Remove(commit);
            }
        }
    }

    private async Task<Batch> ReadBatchAsync(CommitKey commit, CancellationToken cancellationToken)
    {
        List<TreeWrite> writes = [];
        long through = 0;
        long bytes = 0;
        int contents = 0;
        DirectoryReference? tree = null;
        while (contents < BatchContents && bytes < BatchBytes)
        {
            long after = through;
            (CommitRecord record, IReadOnlyList<PendingWrite> page) = await metadata.ReadAsync(
                reader => (
                    reader.FindCommit(commit) ?? throw PfsErrors.CommitNotFound(new RepoName(commit.Repo), commit.Id),
                    reader.ListPendingWrites(commit, after, PageLength)),
                cancellationToken);
            tree = TreeStore.Decode(record.Tree);
            foreach (PendingWrite pending in page)
            {
                TreeWrite write = await ReadWriteAsync(pending, cancellationToken);
                writes.Add(write);
                through = pending.Sequence;
                bytes += pending.Payload.Length;
                contents += write is PutSplit split ? 1 + split.Contents.Length : 1;
                if (contents >= BatchContents || bytes >= BatchBytes)
                {
                    break;
                }
            }
            if (page.Count < PageLength)
            {
                break;
            }
        }
        return new Batch(tree, writes, through);
    }

    private async ValueTask<TreeWrite> ReadWriteAsync(PendingWrite pending, CancellationToken cancellationToken)
    {
        (TreeWrite write, ChunkId? contents) = PendingWriteCodec.Decode(pending.Payload);
        if (contents is not { } chunk || write is not PutSplit split)
        {
            return write;
        }
        using ChunkBuffer buffer = await trees.Chunks.ReadAsync(chunk, cancellationToken);
        return split with { Contents = PendingWriteCodec.DecodeContents(buffer.Memory.Span) };
    }

    private sealed record Batch(DirectoryReference? Tree, IReadOnlyList<TreeWrite> Writes, long Through);
}
