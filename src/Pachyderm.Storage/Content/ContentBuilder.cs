using System.Buffers;
using Pachyderm.Chunking;

namespace Pachyderm.Storage.Content;

/// <summary>
/// Takes a file's bytes in pieces of any size, cuts them into chunks and stores these, several at a time. Holds a few chunks at most: who
/// appends faster than the store takes, waits. For one caller at a time.
/// </summary>
public sealed class ContentBuilder : IAsyncDisposable
{
    private readonly IChunkWriter writer;
    private readonly ChunkListBuilder list;
    private readonly Queue<PendingChunk> pending = new();
    private readonly int parallelism;
    private Chunker chunker;
    private byte[]? buffer;
    private int filled;
    private ChunkId? firstHash;

    internal ContentBuilder(IChunkWriter writer, int parallelism)
    {
        this.writer = writer;
        this.parallelism = parallelism;
        list = new ChunkListBuilder(writer);
    }

    /// <summary>Whether the bytes so far end with a chunk.</summary>
    internal bool IsAtBoundary => filled == 0;

    /// <summary>Whether nothing was appended yet.</summary>
    internal bool IsEmpty => filled == 0 && firstHash is null;

    /// <summary>Appends bytes; they are not kept after the call.</summary>
    public async ValueTask AppendAsync(ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        while (!content.IsEmpty)
        {
            int taken = chunker.Take(content.Span, out bool isEnd);
            CopyToBuffer(content.Span[..taken]);
            content = content[taken..];
            if (isEnd)
            {
                await EndChunkAsync(cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Ends the file. Its chunks are stored, and durable after a flush of the writer.</summary>
    public async ValueTask<FileContent> CompleteAsync(CancellationToken cancellationToken)
    {
        if (filled > 0)
        {
            if (pending.Count == 0)
            {
                // Most files are this small; a task would cost more than it gains.
                firstHash ??= FileHash.Of(buffer.AsSpan(0, filled));
                ChunkId id = await writer.PutAsync(buffer.AsMemory(0, filled), cancellationToken).ConfigureAwait(false);
                await list.AddAsync(new ChunkReference(id, filled), cancellationToken).ConfigureAwait(false);
                filled = 0;
            }
            else
            {
                await EndChunkAsync(cancellationToken).ConfigureAwait(false);
            }
        }
        while (pending.Count > 0)
        {
            await TakeFirstPendingAsync(cancellationToken).ConfigureAwait(false);
        }
        return await list.CompleteAsync(firstHash ?? default, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Waits for the chunks that are being stored, and gives the buffers back.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (PendingChunk chunk in pending)
        {
            await ((Task)chunk.Stored).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        pending.Clear();
        if (buffer is not null)
        {
            ArrayPool<byte>.Shared.Return(buffer);
            buffer = null;
        }
    }

    /// <summary>Appends a chunk that is stored already and is cut as this builder would cut it; only at a boundary.</summary>
    internal async ValueTask AppendStoredAsync(ChunkReference chunk, CancellationToken cancellationToken)
    {
        // Bytes that follow are behind this chunk, so that theirs is not the file's hash.
        firstHash ??= default(ChunkId);
        while (pending.Count > 0)
        {
            await TakeFirstPendingAsync(cancellationToken).ConfigureAwait(false);
        }
        await list.AddAsync(chunk, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Ends the chunk that is begun, if one is, wherever its bytes would have it end.</summary>
    internal async ValueTask CutAsync(CancellationToken cancellationToken)
    {
        if (filled > 0)
        {
            chunker = default;
            await EndChunkAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private void CopyToBuffer(ReadOnlySpan<byte> content)
    {
        int needed = filled + content.Length;
        if (buffer is null || buffer.Length < needed)
        {
            // A file of one small piece gets a small buffer, any other the largest that is needed.
            byte[] larger = ArrayPool<byte>.Shared.Rent(buffer is null && needed <= Chunker.Minimum ? needed : Chunker.Maximum);
            if (buffer is not null)
            {
                buffer.AsSpan(0, filled).CopyTo(larger);
                ArrayPool<byte>.Shared.Return(buffer);
            }
            buffer = larger;
        }
        content.CopyTo(buffer.AsSpan(filled));
        filled = needed;
    }

    private async ValueTask EndChunkAsync(CancellationToken cancellationToken)
    {
        if (pending.Count == parallelism)
        {
            await TakeFirstPendingAsync(cancellationToken).ConfigureAwait(false);
        }
        byte[] content = buffer!;
        int length = filled;
        firstHash ??= FileHash.Of(content.AsSpan(0, length));
        buffer = null;
        filled = 0;
        pending.Enqueue(new PendingChunk(Task.Run(() => StoreAsync(content, length, cancellationToken), CancellationToken.None), length));
    }

    private async Task<ChunkId> StoreAsync(byte[] content, int length, CancellationToken cancellationToken)
    {
        try
        {
            return await writer.PutAsync(content.AsMemory(0, length), cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(content);
        }
    }

    private async ValueTask TakeFirstPendingAsync(CancellationToken cancellationToken)
    {
        PendingChunk first = pending.Dequeue();
        ChunkId id = await first.Stored.ConfigureAwait(false);
        await list.AddAsync(new ChunkReference(id, first.Length), cancellationToken).ConfigureAwait(false);
    }

    private readonly record struct PendingChunk(Task<ChunkId> Stored, int Length);
}
