using System.Buffers;
using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using Pachyderm.Chunking;
using Pachyderm.Errors;

namespace Pachyderm.Storage.Content;

/// <summary>Writes files as chunks, reads them back, and puts them together. Safe for concurrent use.</summary>
/// <param name="store">Where the chunks are.</param>
public sealed class FileContents(IChunkStore store)
{
    private static readonly int Parallelism = Math.Clamp(Environment.ProcessorCount, 2, 8);

    private readonly IAdoptedChunks? adopted = store as IAdoptedChunks;

    /// <summary>Begins a file that comes in pieces.</summary>
    /// <param name="writer">Gets the chunks; the caller flushes it.</param>
    public static ContentBuilder OpenBuilder(IChunkWriter writer) => new(writer, Parallelism);

    /// <summary>Stores a file that is in memory. Durable after a flush of the writer.</summary>
    public static async ValueTask<FileContent> WriteAsync(
        ReadOnlyMemory<byte> content, IChunkWriter writer, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(writer);
        if (content.Length is > 0 and <= Chunker.Minimum)
        {
            ChunkId id = await writer.PutAsync(content, cancellationToken).ConfigureAwait(false);
            return new FileContent(content.Length, FileHash.Of(content.Span), [new ChunkReference(id, content.Length)], 0);
        }
        await using ContentBuilder builder = OpenBuilder(writer);
        await builder.AppendAsync(content, cancellationToken).ConfigureAwait(false);
        return await builder.CompleteAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Stores a file read from a stream to its end. Durable after a flush of the writer.</summary>
    public static async Task<FileContent> WriteAsync(Stream content, IChunkWriter writer, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(content);
        await using ContentBuilder builder = OpenBuilder(writer);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(Chunker.Minimum);
        try
        {
            for (int read; (read = await content.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0;)
            {
                await builder.AppendAsync(buffer.AsMemory(0, read), cancellationToken).ConfigureAwait(false);
            }
            return await builder.CompleteAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>
    /// Makes a file of chunks that are stored already, such as <see cref="Pachyderm.Storage.Adoption.AdoptedChunks"/>; none is looked at.
    /// Nodes of a long list go to the writer.
    /// </summary>
    /// <param name="chunks">The chunks in order, enumerated once; those without bytes are left out.</param>
    /// <param name="hash">What identifies the file: the hash that the older release gave it.</param>
    /// <param name="writer">Gets the nodes; the caller flushes it.</param>
    /// <param name="cancellationToken">Ends the writing.</param>
    /// <exception cref="ArgumentException">The lengths add up to more than a file can have.</exception>
    public static async ValueTask<FileContent> FromChunksAsync(
        IEnumerable<ChunkReference> chunks, ChunkId hash, IChunkWriter writer, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(chunks);
        ArgumentNullException.ThrowIfNull(writer);
        ChunkListBuilder list = new(writer);
        long rest = long.MaxValue;
        foreach (ChunkReference chunk in chunks)
        {
            if (chunk.Length < 0 || chunk.Length > rest)
            {
                throw new ArgumentException("The lengths add up to more than a file can have.", nameof(chunks));
            }
            rest -= chunk.Length;
            if (chunk.Length > 0)
            {
                await list.AddAsync(chunk, cancellationToken).ConfigureAwait(false);
            }
        }
        return await list.CompleteWithHashAsync(hash, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// Puts files together end to end. Only chunks around the seams are read and cut again, so that the outcome is that of one file written
    /// at once. O(number of chunks), and content read of a few chunks per part.
    /// </summary>
    /// <remarks>
    /// Adopted chunks do not end where this release would end them, so a seam before them would be cut again to the end of the file. They
    /// are kept as they are, and the chunk before them ends early; but a small one at the end of its part is read, for the next part to
    /// go on in its chunk. The outcome is then that of the same parts put together in the same way.
    /// </remarks>
    public async ValueTask<FileContent> ConcatAsync(
        IReadOnlyList<FileContent> parts, IChunkWriter writer, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(parts);
        FileContent[] filled = [.. parts.Where(part => part.Size > 0)];
        if (filled.Length == 1)
        {
            return filled[0];
        }
        await using ContentBuilder builder = OpenBuilder(writer);
        for (int index = 0; index < filled.Length; index++)
        {
            long remaining = filled[index].Size;
            await foreach (ChunkReference chunk in ListChunksAsync(filled[index], cancellationToken).ConfigureAwait(false))
            {
                remaining -= chunk.Length;
                // The last chunk of a part ended with the part and not by itself, so that it may be longer here.
                bool isCutHere = remaining > 0 || index == filled.Length - 1;
                bool isKept = builder.IsAtBoundary && isCutHere;
                if (!isKept && (remaining > 0 || chunk.Length >= Chunker.Minimum) && adopted?.IsAdopted(chunk.Id) == true)
                {
                    await builder.CutAsync(cancellationToken).ConfigureAwait(false);
                    isKept = true;
                }
                if (isKept)
                {
                    await builder.AppendStoredAsync(chunk, cancellationToken).ConfigureAwait(false);
                    continue;
                }
                using ChunkBuffer bytes = await ReadChunkAsync(chunk, cancellationToken).ConfigureAwait(false);
                await builder.AppendAsync(bytes.Memory, cancellationToken).ConfigureAwait(false);
            }
        }
        return await builder.CompleteAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// Appends a chunk that is stored already and that the builder's writer keeps. Where the builder is at the end of a chunk nothing is
    /// read, and the chunk is taken for one that is cut as the builder would cut it; else its bytes are read and appended.
    /// </summary>
    /// <exception cref="CorruptionException">The chunk is missing or damaged.</exception>
    public async ValueTask AppendStoredAsync(ContentBuilder builder, ChunkReference chunk, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(builder);
        // A file of one chunk is known by the hash of its bytes, so the first is read in any case.
        if (builder.IsAtBoundary && !builder.IsEmpty)
        {
            await builder.AppendStoredAsync(chunk, cancellationToken).ConfigureAwait(false);
            return;
        }
        using ChunkBuffer bytes = await ReadChunkAsync(chunk, cancellationToken).ConfigureAwait(false);
        await builder.AppendAsync(bytes.Memory, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// Reads a range of a file, checked against its hashes, a few chunks ahead of the caller. The caller disposes each piece.
    /// </summary>
    /// <param name="content">The file.</param>
    /// <param name="offset">First byte; behind the end nothing is read.</param>
    /// <param name="count">Number of bytes, or null for all that follow.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="CorruptionException">A chunk is missing or damaged.</exception>
    public async IAsyncEnumerable<ChunkBuffer> ReadAsync(
        FileContent content, long offset, long? count, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(content);
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        long end = count is { } limit && limit < content.Size - offset ? offset + limit : content.Size;
        Queue<Task<ChunkBuffer>> ahead = new();
        try
        {
            long position = 0;
            await foreach (
                (ChunkReference chunk, long start) in ListChunksAsync(content, offset, end, cancellationToken).ConfigureAwait(false))
            {
                position = start;
                int from = (int)Math.Max(0, offset - position);
                int length = (int)(Math.Min(end, position + chunk.Length) - position) - from;
                if (content is { Depth: 0, Chunks.Length: 1 })
                {
                    yield return await ReadPartAsync(chunk, from, length, cancellationToken).ConfigureAwait(false);
                    continue;
                }
                if (ahead.Count == Parallelism)
                {
                    yield return await ahead.Dequeue().ConfigureAwait(false);
                }
                ahead.Enqueue(Task.Run(() => ReadPartAsync(chunk, from, length, cancellationToken), CancellationToken.None));
            }
            while (ahead.Count > 0)
            {
                yield return await ahead.Dequeue().ConfigureAwait(false);
            }
        }
        finally
        {
            foreach (Task<ChunkBuffer> task in ahead)
            {
                await ((Task)task).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                if (task.IsCompletedSuccessfully)
                {
                    (await task.ConfigureAwait(false)).Dispose();
                }
            }
        }
    }

    /// <summary>The chunks of a file in order.</summary>
    /// <exception cref="CorruptionException">A node of the list is missing or damaged.</exception>
    public async IAsyncEnumerable<ChunkReference> ListChunksAsync(
        FileContent content, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(content);
        await foreach ((ChunkReference chunk, _) in ListChunksAsync(content, 0, content.Size, cancellationToken).ConfigureAwait(false))
        {
            yield return chunk;
        }
    }

    /// <summary>Everything that a file needs, nodes of its list included.</summary>
    /// <param name="content">The file.</param>
    /// <param name="isNew">Asked once for each; what is below a node is left out if the answer is no.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="CorruptionException">A node of the list is missing or damaged.</exception>
    public async Task VisitAsync(FileContent content, Func<ChunkReference, bool> isNew, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(content);
        ArgumentNullException.ThrowIfNull(isNew);
        Stack<(ChunkReference Reference, int Depth)> rest = new(content.Chunks.Select(chunk => (chunk, content.Depth)));
        while (rest.TryPop(out (ChunkReference Reference, int Depth) next))
        {
            if (isNew(next.Reference) && next.Depth > 0)
            {
                foreach (ChunkReference child in await ReadNodeAsync(next.Reference, cancellationToken).ConfigureAwait(false))
                {
                    rest.Push((child, next.Depth - 1));
                }
            }
        }
    }

    // Chunks that overlap a range, with the place in the file where each begins; nodes outside the range are not read.
    private async IAsyncEnumerable<(ChunkReference Chunk, long Start)> ListChunksAsync(
        FileContent content, long offset, long end, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (content.Depth > ChunkList.MaximumDepth)
        {
            throw new CorruptionException(
                "chunk-list-damaged", $"file {content.Hash}", $"its list of chunks has {content.Depth} levels",
                "run `pachctl fsck` to see what it belongs to");
        }
        Stack<(ImmutableArray<ChunkReference> Entries, int Next)> path = new();
        path.Push((content.Chunks, 0));
        long position = 0;
        while (path.TryPop(out (ImmutableArray<ChunkReference> Entries, int Next) level))
        {
            if (level.Next == level.Entries.Length || position >= end)
            {
                continue;
            }
            ChunkReference entry = level.Entries[level.Next];
            int below = content.Depth - path.Count;
            path.Push((level.Entries, level.Next + 1));
            if (position + entry.Length <= offset)
            {
                position += entry.Length;
            }
            else if (below > 0)
            {
                path.Push((await ReadNodeAsync(entry, cancellationToken).ConfigureAwait(false), 0));
            }
            else
            {
                yield return (entry, position);
                position += entry.Length;
            }
        }
    }

    private async ValueTask<ImmutableArray<ChunkReference>> ReadNodeAsync(ChunkReference node, CancellationToken cancellationToken)
    {
        using ChunkBuffer bytes = await store.ReadAsync(node.Id, cancellationToken).ConfigureAwait(false);
        return ChunkList.Decode(bytes.Memory.Span, node);
    }

    private async Task<ChunkBuffer> ReadPartAsync(ChunkReference chunk, int offset, int length, CancellationToken cancellationToken)
    {
        ChunkBuffer bytes = await ReadChunkAsync(chunk, cancellationToken).ConfigureAwait(false);
        bytes.Narrow(offset, length);
        return bytes;
    }

    private async ValueTask<ChunkBuffer> ReadChunkAsync(ChunkReference chunk, CancellationToken cancellationToken)
    {
        ChunkBuffer bytes = await store.ReadAsync(chunk.Id, cancellationToken).ConfigureAwait(false);
        if (bytes.Memory.Length == chunk.Length)
        {
            return bytes;
        }
        int found = bytes.Memory.Length;
        bytes.Dispose();
        throw new CorruptionException(
            "chunk-length", $"chunk {chunk.Id}", $"it has {found} bytes, and {chunk.Length} are expected",
            "run `pachctl fsck` to see what it belongs to");
    }
}
