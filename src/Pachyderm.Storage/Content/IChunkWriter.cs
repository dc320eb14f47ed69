namespace Pachyderm.Storage.Content;

/// <summary>A group of writes to a chunk store. Safe for concurrent use.</summary>
public interface IChunkWriter : IDisposable
{
    /// <summary>
    /// Stores bytes unless they are stored already; they can be read at once, and are durable after <see cref="FlushAsync"/>.
    /// </summary>
    /// <param name="content">Up to <see cref="IChunkStore.MaximumLength"/> bytes; not kept.</param>
    /// <param name="cancellationToken">Ends the waiting; the bytes may be stored all the same, which does no harm.</param>
    /// <returns>The name of the chunk.</returns>
    ValueTask<ChunkId> PutAsync(ReadOnlyMemory<byte> content, CancellationToken cancellationToken);

    /// <summary>
    /// Looks whether a chunk is stored, and if so has it as if it had been put: it is kept until the writer is disposed, and durable after
    /// <see cref="FlushAsync"/>.
    /// </summary>
    /// <param name="chunk">Its name and length.</param>
    /// <returns>Whether it is stored with this length.</returns>
    bool TryReuse(ChunkReference chunk);

    /// <summary>
    /// Returns when every chunk that was put through this writer is durable, those that somebody else had put before included.
    /// Concurrent calls share their disk flushes.
    /// </summary>
    Task FlushAsync(CancellationToken cancellationToken);
}
