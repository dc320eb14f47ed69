using Pachyderm.Errors;
using Pachyderm.Storage.Adoption;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Index;
using Pachyderm.Storage.Maintenance;

namespace Pachyderm.Storage.Packs;

public sealed partial class PackChunkStore
{
    /// <summary>
    /// Copies adopted chunks into packs of this store, beside readers, writers, collections and checks. Each keeps its name, so nothing
    /// that refers to it changes, and each is compared with the SHA-512 of its object on the way. An adopted pack of which everything is
    /// copied is dropped. May be stopped or killed at any time: a second run goes on with what is left. Waits while another one runs.
    /// </summary>
    /// <remarks>
    /// O(bytes that are copied), and one look at the index for each adopted chunk; an object of more than 16 MiB is read twice. Memory is
    /// <see cref="ConsolidationOptions.Parallelism"/> times two chunks, and the references of one adopted pack, some 30 MB.
    /// </remarks>
    /// <param name="source">The name of the source.</param>
    /// <param name="options">What is copied; null for everything.</param>
    /// <param name="cancellationToken">Ends the run; what is copied stays.</param>
    /// <exception cref="OperatorException">
    /// <c>adopted-source-unknown</c>, <c>adopted-source-missing</c>, a full disk, or a store that fails. A chunk that is damaged in the
    /// source ends nothing: it is counted.
    /// </exception>
    public async Task<ConsolidationResult> ConsolidateAsync(
        string source, ConsolidationOptions? options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(source);
        if (_options.ReadOnly)
        {
            throw new InvalidOperationException("The store is open for reading only.");
        }

        _adopted.Get(source);
        await _consolidation.WaitAsync(cancellationToken);
        try
        {
            return await new PackConsolidator(this, source, options ?? new ConsolidationOptions()).RunAsync(cancellationToken);
        }
        finally
        {
            _consolidation.Release();
        }
    }

    /// <summary>What is adopted from each source, in the order of their names. O(number of packs).</summary>
    public IReadOnlyList<AdoptedSourceStatistics> ListAdoptions() =>
    [
        .. _packs.All.Where(static pack => pack.Adoption is not null)
            .GroupBy(static pack => pack.Adoption!.Source, StringComparer.Ordinal)
            .OrderBy(static source => source.Key, StringComparer.Ordinal)
            .Select(source => new AdoptedSourceStatistics(
                source.Key, _adopted.Find(source.Key)?.Objects.Location, source.Count(),
                source.Sum(static pack => pack.Adoption!.Chunks), source.Sum(static pack => pack.Adoption!.Bytes))),
    ];

    /// <summary>What proves the name of a chunk where that is not its SHA-256: for carrying the chunk to another store.</summary>
    /// <param name="id">The chunk.</param>
    /// <param name="cancellationToken">Ends the reading; the first slice of an object is read with all of that object.</param>
    /// <returns>Null if the name is the SHA-256; empty if it is made of the SHA-512; else what a slice of an object needs.</returns>
    /// <exception cref="CorruptionException">The chunk is missing or damaged.</exception>
    public async Task<ReadOnlyMemory<byte>?> ReadSealAsync(ChunkId id, CancellationToken cancellationToken)
    {
        if (!TryFind(id, out ChunkLocation location, out PackFile? pack) || location.Payload.Hash == ChunkHash.Sha256)
        {
            return null;
        }

        ChunkPayload payload = location.Payload;
        byte[] seal = new byte[SliceSeal.Length];
        if (payload.Encoding != ChunkEncoding.Reference)
        {
            return payload.Hash != ChunkHash.Slice ? ReadOnlyMemory<byte>.Empty

                    : await _reader.ReadAsync(pack, location.Offset + RecordHeader.Length, seal, cancellationToken) == PackReadOutcome.Done
                    ? seal
                : throw Damaged(id, pack, "it is not there any more");
        }

        PackEntry entry = new(id, location.Offset, payload);
        (_, AdoptedReference reference) = (await _catalog.ReadReferencesAsync(pack, [entry], cancellationToken)) is [{ } found]
            ? found : throw Damaged(id, pack, "the reference to its bytes is damaged");
        if (await _adopted.SealAsync(reference, cancellationToken) is not { } slice)
        {
            return ReadOnlyMemory<byte>.Empty;
        }

        slice.Write(seal);
        return seal;
    }

    /// <summary>Begins to take chunks of another store under the names that they have there.</summary>
    public NamedChunkWriter OpenNamedWriter() => new(this);

    /// <summary>Appends a chunk that is adopted, in the place of the reference to it.</summary>
    /// <param name="id">The chunk.</param>
    /// <param name="hash">What checks it.</param>
    /// <param name="stored">The seal of a slice, and the bytes of the chunk.</param>
    /// <param name="cancellationToken">Ends the waiting for room.</param>
    /// <exception cref="OperatorException">The disk is full or fails.</exception>
    internal async Task AppendCopyAsync(ChunkId id, ChunkHash hash, Memory<byte> stored, CancellationToken cancellationToken)
    {
        int seal = new ChunkPayload(0, 0, ChunkEncoding.Plain, hash).SealLength;
        int rawLength = stored.Length - seal;
        byte[]? compressed = _options.Compress ? ChunkCodec.TryCompress(stored.Span[seal..], out int length) : Uncompressed(out length);
        try
        {
            ChunkEncoding encoding = ChunkEncoding.Plain;
            if (compressed is not null)
            {
                compressed.AsSpan(0, length).CopyTo(stored.Span[seal..]);
                stored = stored[..(seal + length)];
                encoding = ChunkEncoding.Zstd;
            }

            await AppendStoredAsync(id, new ChunkPayload(stored.Length, rawLength, encoding, hash), stored, cancellationToken);
        }
        finally
        {
            if (compressed is not null)
            {
                System.Buffers.ArrayPool<byte>.Shared.Return(compressed);
            }
        }

        static byte[]? Uncompressed(out int length)
        {
            length = 0;
            return null;
        }
    }

    /// <summary>Drops an adopted pack if every chunk of it is found elsewhere.</summary>
    /// <returns>Whether it is gone.</returns>
    internal async Task<bool> TryDropCopiedAsync(PackFile pack, List<PackEntry> entries, CancellationToken cancellationToken)
    {
        await _maintenance.WaitAsync(cancellationToken);
        try
        {
            if (!_packs.Has(pack.Number))
            {
                return true;
            }

            if (!entries.TrueForAll(entry => _index.TryGet(entry.Id, out ChunkLocation location, out _) && location.Pack != pack.Number))
            {
                return false;
            }

            await using PackHold hold = await HoldPacksAsync("consolidation", cancellationToken);
            await RemoveAsync([pack], hold, cancellationToken);
            return true;
        }
        finally
        {
            _maintenance.Release();
        }
    }
}
