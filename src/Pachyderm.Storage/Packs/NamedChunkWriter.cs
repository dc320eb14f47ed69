using System.Buffers;
using Pachyderm.Errors;
using Pachyderm.Storage.Content;

namespace Pachyderm.Storage.Packs;

/// <summary>
/// Takes chunks whose names are not their SHA-256, as another store had adopted them from an older release. Nothing is pinned: pause
/// maintenance
/// until they are referred to.
/// </summary>
public sealed class NamedChunkWriter
{
    private readonly PackChunkStore _store;
    private readonly long _from;

    internal NamedChunkWriter(PackChunkStore store) => (_store, _from) = (store, store.Position);

    /// <summary>Stores a chunk unless it is stored already.</summary>
    /// <param name="id">Its name.</param>
    /// <param name="seal">What <see cref="PackChunkStore.ReadSealAsync"/> gave for it.</param>
    /// <param name="content">Its bytes.</param>
    /// <param name="cancellationToken">Ends the waiting for room.</param>
    /// <exception cref="CorruptionException"><c>chunk-misnamed</c>: the name is not that of these bytes.</exception>
    /// <exception cref="OperatorException">The disk is full or fails.</exception>
    public async Task PutAsync(ChunkId id, ReadOnlyMemory<byte> seal, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        ChunkHash hash = seal.IsEmpty ? ChunkHash.Sha512 : ChunkHash.Slice;
        if (content.IsEmpty || content.Length > IChunkStore.MaximumLength || (!seal.IsEmpty && seal.Length != SliceSeal.Length)
            || !ChunkCodec.IsNamed(id, hash, seal.Span, content.Span))
        {
            throw new CorruptionException(
                "chunk-misnamed", $"chunk {id}", "its bytes do not agree with its name", "take it from another copy");
        }

        if (_store.Contains(id))
        {
            return;
        }

        byte[] buffer = ArrayPool<byte>.Shared.Rent(seal.Length + content.Length);
        try
        {
            seal.CopyTo(buffer);
            content.CopyTo(buffer.AsMemory(seal.Length));
            await _store.AppendCopyAsync(id, hash, buffer.AsMemory(0, seal.Length + content.Length), cancellationToken);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Returns when all that was put is durable.</summary>
    /// <exception cref="OperatorException">The disk fails.</exception>
    public Task FlushAsync(CancellationToken cancellationToken) => _store.FlushSinceAsync(_from, cancellationToken);
}
