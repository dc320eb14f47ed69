using System.Buffers;
using System.Collections.Concurrent;
using Pachyderm.Errors;
using Pachyderm.Storage.Content;

namespace Pachyderm.Storage.Tests.Trees;

/// <summary>Chunks in memory, with counts of what was read and newly written.</summary>
internal sealed class CountingChunkStore : IChunkStore
{
    private readonly ConcurrentDictionary<ChunkId, byte[]> chunks = new();
    private long reads;
    private long newChunks;
    private long newBytes;

    internal long Reads => Interlocked.Read(ref reads);

    internal long NewChunks => Interlocked.Read(ref newChunks);

    internal long NewBytes => Interlocked.Read(ref newBytes);

    internal IEnumerable<ChunkId> Ids => chunks.Keys;

    internal void ResetCounts() => (reads, newChunks, newBytes) = (0, 0, 0);

    internal byte[] Bytes(ChunkId id) => chunks[id];

    internal ChunkId Put(ReadOnlySpan<byte> content)
    {
        ChunkId id = ChunkId.Of(content);
        if (!chunks.ContainsKey(id) && chunks.TryAdd(id, content.ToArray()))
        {
            Interlocked.Increment(ref newChunks);
            Interlocked.Add(ref newBytes, content.Length);
        }
        return id;
    }

    internal void Remove(ChunkId id) => chunks.TryRemove(id, out _);

    public IChunkWriter OpenWriter() => new Writer(this);

    public ValueTask<ChunkBuffer> ReadAsync(ChunkId id, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Interlocked.Increment(ref reads);
        if (!chunks.TryGetValue(id, out byte[]? bytes))
        {
            throw new CorruptionException("chunk-missing", $"chunk {id}", "it is missing", "restore the store from a backup");
        }
        byte[] rented = ArrayPool<byte>.Shared.Rent(Math.Max(1, bytes.Length));
        bytes.CopyTo(rented, 0);
        return ValueTask.FromResult(new ChunkBuffer(rented, bytes.Length));
    }

    private sealed class Writer(CountingChunkStore store) : IChunkWriter
    {
        public ValueTask<ChunkId> PutAsync(ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
        {
            cancellationToken.ThrowIfCancellationRequested();
            return ValueTask.FromResult(store.Put(content.Span));
        }

        public bool TryReuse(ChunkReference chunk) =>
            store.chunks.TryGetValue(chunk.Id, out byte[]? bytes) && bytes.Length == chunk.Length;

        public Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public void Dispose()
        {
        }
    }
}
