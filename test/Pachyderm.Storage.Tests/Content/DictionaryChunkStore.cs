using System.Buffers;
using System.Collections.Concurrent;
using Pachyderm.Errors;
using Pachyderm.Storage.Content;

namespace Pachyderm.Storage.Tests.Content;

/// <summary>Chunks in memory, counted as they are read.</summary>
internal sealed class DictionaryChunkStore : IChunkStore, IChunkWriter
{
    private readonly ConcurrentDictionary<ChunkId, byte[]> chunks = new();
    private long reads;

    public long Reads => Interlocked.Read(ref reads);

    public long StoredBytes => chunks.Values.Sum(chunk => (long)chunk.Length);

    public IChunkWriter OpenWriter() => this;

    public ValueTask<ChunkId> PutAsync(ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        ChunkId id = ChunkId.Of(content.Span);
        chunks.TryAdd(id, content.ToArray());
        return ValueTask.FromResult(id);
    }

    public bool TryReuse(ChunkReference chunk) => chunks.TryGetValue(chunk.Id, out byte[]? bytes) && bytes.Length == chunk.Length;

    public Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public ValueTask<ChunkBuffer> ReadAsync(ChunkId id, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref reads);
        if (!chunks.TryGetValue(id, out byte[]? bytes))
        {
            throw new CorruptionException("chunk-missing", $"chunk {id}", "it is not stored", "restore it");
        }
        byte[] rented = ArrayPool<byte>.Shared.Rent(bytes.Length);
        bytes.CopyTo(rented, 0);
        return ValueTask.FromResult(new ChunkBuffer(rented, bytes.Length));
    }

    public void Replace(ChunkId id, byte[] bytes) => chunks[id] = bytes;

    public void Dispose()
    {
    }
}
