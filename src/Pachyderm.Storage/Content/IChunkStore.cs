using Pachyderm.Errors;

namespace Pachyderm.Storage.Content;

/// <summary>Immutable chunks by their names. Safe for concurrent use.</summary>
public interface IChunkStore
{
    /// <summary>Largest chunk in bytes, 16 MiB.</summary>
    const int MaximumLength = 16 << 20;

    /// <summary>
    /// Begins a group of writes. What is put through the writer, found already stored or not, is safe from garbage collection until the
    /// writer is disposed; before that, its caller makes it reachable (from a commit, a pending write, an object).
    /// </summary>
    IChunkWriter OpenWriter();

    /// <summary>Reads a chunk and checks its hash. The caller disposes the result.</summary>
    /// <exception cref="CorruptionException">The chunk is missing, or its bytes are damaged; the message names it and its pack.</exception>
    ValueTask<ChunkBuffer> ReadAsync(ChunkId id, CancellationToken cancellationToken);
}
