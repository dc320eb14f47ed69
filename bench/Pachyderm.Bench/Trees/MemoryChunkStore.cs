using System.Buffers;
using Pachyderm.Errors;
using Pachyderm.Storage.Content;

namespace Pachyderm.Bench.Trees;

/// <summary>Chunks in memory, hashed but not compressed, with counts. For one caller at a time.</summary>
internal sealed class MemoryChunkStore : IChunkStore, IChunkWriter
{
    private readonly Dictionary<ChunkId, byte[]> chunks = [];

    internal long Reads { get; private set; }

    internal long NewChunks { get; private set; }

    internal long NewBytes { get; private set; }

    internal int LargestChunk { get; private set; }

    internal void ResetCounts() => (Reads, NewChunks, NewBytes, LargestChunk) = (0, 0, 0, 0);

    public IChunkWriter OpenWriter() => this;

    public ValueTask<ChunkBuffer> ReadAsync(ChunkId id, CancellationToken cancellationToken)
    {
        Reads++;
        if (!chunks.TryGetValue(id, out byte[]? bytes))
        {
            throw new CorruptionException("chunk-missing", $"chunk {id}", "it is missing", "run this again");
        }
        byte[] rented = ArrayPool<byte>.Shared.Rent(bytes.Length);
        bytes.CopyTo(rented, 0);
        return ValueTask.FromResult(new ChunkBuffer(rented, bytes.Length));
    }

    public ValueTask<ChunkId> PutAsync(ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        ChunkId id = ChunkId.Of(content.Span);
        if (!chunks.ContainsKey(id))
        {
            chunks.Add(id, content.ToArray());
            NewChunks++;
            NewBytes += content.Length;
            LargestChunk = Math.Max(LargestChunk, content.Length);
        }
        return ValueTask.FromResult(id);
    }

    public bool TryReuse(ChunkReference chunk) => chunks.TryGetValue(chunk.Id, out byte[]? bytes) && bytes.Length == chunk.Length;

    public Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose()
    {
    }
}
