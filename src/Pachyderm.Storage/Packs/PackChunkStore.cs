using System.Buffers;
using Pachyderm.Errors;
using Pachyderm.Storage.Adoption;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Index;
using Pachyderm.Storage.Maintenance;

namespace Pachyderm.Storage.Packs;

/// <summary>
/// Chunks in packs. New ones go to an open pack in a local spool, made durable by flushes that concurrent callers share; full packs move
/// into the object store. Safe for concurrent use; one process at a time may have it open for writing.
/// </summary>
public sealed partial class PackChunkStore : IChunkStore, IAdoptedChunks, IAsyncDisposable
{
    // How often a reader looks again for a chunk whose pack went away between the lookup and the opening.
    private const int Attempts = 4;

    private readonly PackStoreOptions _options;
    private readonly PackSet _packs = new();
    private readonly PackReader _reader;
    private readonly PackCatalog _catalog;
    private readonly AdoptedReader _adopted;
    private readonly ChunkIndex _index;
    private readonly PackSealer _sealer;
    private readonly Spool _spool;
    private readonly FileStream? _claim;
    private readonly Lock _writersGate = new();
    private readonly HashSet<ChunkWriter> _writers = [];
    private readonly SemaphoreSlim _maintenance = new(1, 1);
    private readonly SemaphoreSlim _consolidation = new(1, 1);
    private readonly Lock _adoptionGate = new();
    private LiveChunks? _collecting;

    private PackChunkStore(PackStoreOptions options, FileStream? claim)
    {
        _options = options;
        _claim = claim;
        _reader = new PackReader(options.Objects, options.OpenFiles);
        _catalog = new PackCatalog(options, _reader);
        _adopted = new AdoptedReader(options);
        _index = ChunkIndex.Open(
            options.IndexDirectory, _packs,
            new ChunkIndexOptions(
                options.ReadOnly, options.IndexTableLimit, options.Report, BeginHealing,
                token => _spool!.Commit.WaitAsync(_spool.Position, token)));
        _sealer = new PackSealer(options, _reader, _index);
        _spool = new Spool(options.SpoolDirectory, options.Files, _packs, _index, options.PackSize, _sealer.Add);
    }

    /// <summary>The packs, for maintenance.</summary>
    internal PackSet Packs => _packs;

    /// <summary>The index, for maintenance.</summary>
    internal ChunkIndex Index => _index;

    /// <summary>Whole packs, for maintenance.</summary>
    internal PackCatalog Catalog => _catalog;

    /// <summary>Reads what is adopted, for maintenance.</summary>
    internal AdoptedReader Adopted => _adopted;

    /// <summary>The settings.</summary>
    internal PackStoreOptions Options => _options;

    /// <summary>Held by whoever moves or removes packs.</summary>
    internal SemaphoreSlim Maintenance => _maintenance;

    /// <inheritdoc/>
    public IChunkWriter OpenWriter()
    {
        if (_options.ReadOnly)
        {
            throw new OperatorException(
                "store-read-only", _options.SpoolDirectory,
                "the store is open for reading only, and this has to write to it, as the first reading of an open commit does",
                "open it for writing");
        }

        lock (_writersGate)
        {
            ChunkWriter writer = new(this, _spool.Position);
            _writers.Add(writer);
            return writer;
        }
    }

    /// <summary>Length of a stored chunk in bytes; null if it is not stored.</summary>
    /// <remarks>While a damaged index is built again, a chunk may be overlooked.</remarks>
    public int? FindLength(ChunkId id) => TryFind(id, out ChunkLocation location, out _) ? location.Payload.RawLength : null;

    /// <summary>Whether a chunk is stored.</summary>
    /// <remarks>While a damaged index is built again, a chunk may be overlooked.</remarks>
    public bool Contains(ChunkId id) => TryFind(id, out _, out _);

    /// <inheritdoc/>
    public async ValueTask<ChunkBuffer> ReadAsync(ChunkId id, CancellationToken cancellationToken)
    {
        PackFile? pack = null;
        for (int attempt = 0; attempt < Attempts; attempt++)
        {
            if (!TryFind(id, out ChunkLocation location, out pack))
            {
                if (attempt == 0)
                {
                    // The index may have been found damaged just now.
                    await Volatile.Read(ref _healing).WaitAsync(cancellationToken);
                    continue;
                }

                throw new CorruptionException(
                    "chunk-missing", $"chunk {id}", "it is in no pack", "run fsck, and restore what is missing from a backup");
            }

            byte[] raw = ArrayPool<byte>.Shared.Rent(location.Payload.RawLength);
            bool done = false;
            try
            {
                PackReadOutcome outcome = await ReadAsync(id, pack, location, raw, cancellationToken);
                if (outcome == PackReadOutcome.Done)
                {
                    done = true;
                    return new ChunkBuffer(raw, location.Payload.RawLength);
                }

                if (outcome == PackReadOutcome.Short)
                {
                    throw Damaged(id, pack, "the pack ends before it");
                }
            }
            finally
            {
                if (!done)
                {
                    ArrayPool<byte>.Shared.Return(raw);
                }
            }
        }

        throw _catalog.Missing(pack!);
    }

    /// <summary>Seals the open pack, and returns when every pack is in the object store.</summary>
    /// <exception cref="OperatorException">The spool or the object store fails. Nothing is lost; it is tried again later.</exception>
    public async Task SealAsync(CancellationToken cancellationToken)
    {
        _spool.Roll();
        await _sealer.DrainAsync(cancellationToken);
    }

    /// <summary>Counts what is stored.</summary>
    public PackStoreStatistics GetStatistics()
    {
        int packs = 0;
        long bytes = 0;
        int adoptedPacks = 0;
        long adoptedChunks = 0;
        long adoptedBytes = 0;
        foreach (PackFile pack in _packs.All)
        {
            packs++;
            bytes += pack.Length;
            if (pack.Adoption is { } adoption)
            {
                adoptedPacks++;
                adoptedChunks += adoption.Chunks;
                adoptedBytes += adoption.Bytes;
            }
        }

        lock (_writersGate)
        {
            return new PackStoreStatistics(
                packs, bytes, _sealer.PendingBytes, _spool.Position, _spool.Commit.Count, _writers.Count,
                adoptedPacks, adoptedChunks, adoptedBytes);
        }
    }

    /// <summary>Appends a chunk unless it is stored, on behalf of a writer.</summary>
    internal ValueTask<ChunkId> PutAsync(ChunkWriter writer, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(content.Length, IChunkStore.MaximumLength, nameof(content));
        cancellationToken.ThrowIfCancellationRequested();
        ChunkId id = ChunkId.Of(content.Span);
        if (TryReuse(writer, id))
        {
            return new(id);
        }

        if (_sealer.PendingBytes > _options.SpoolLimit || _index.IsOverfull)
        {
            return PutWithRoomAsync(writer, id, content, cancellationToken);
        }

        Append(writer, id, content);
        return new(id);
    }

    /// <summary>Makes a part of the append log durable.</summary>
    internal async Task FlushAsync(long from, long to, CancellationToken cancellationToken)
    {
        await _spool.Commit.WaitAsync(to, cancellationToken);
        _spool.ThrowIfLost(from, to);
    }

    /// <summary>Ends a writer.</summary>
    internal void Close(ChunkWriter writer)
    {
        lock (_writersGate)
        {
            _writers.Remove(writer);
        }
    }

    private async ValueTask<ChunkId> PutWithRoomAsync(
        ChunkWriter writer, ChunkId id, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        await MakeRoomAsync(cancellationToken);
        Append(writer, id, content);
        return id;
    }

    private async Task MakeRoomAsync(CancellationToken cancellationToken)
    {
        if (_sealer.PendingBytes > _options.SpoolLimit)
        {
            await _sealer.DrainAsync(cancellationToken);
        }

        if (_index.IsOverfull)
        {
            await _index.FlushAsync(cancellationToken);
        }
    }

    /// <summary>Keeps a chunk for a writer, if it is stored.</summary>
    /// <remarks>
    /// The order matters beside a collection: the chunk is marked first, and only then is the pack looked at again. A collection condemns
    /// the pack first, and only then looks at the marks. So one of the two sees the other.
    /// </remarks>
    internal bool TryReuse(ChunkWriter writer, ChunkId id, long? length = null)
    {
        if (!TryFind(id, out ChunkLocation location, out PackFile? pack) || (length is { } wanted && location.Payload.RawLength != wanted))
        {
            return false;
        }

        long from = pack.StartPosition + location.Offset;
        writer.Pin(id.Prefix, from, from + RecordHeader.Length + location.Payload.StoredLength);
        Volatile.Read(ref _collecting)?.Mark(id.Prefix);
        Interlocked.MemoryBarrier();
        return !pack.Condemned && _packs.Has(pack.Number);
    }

    private void Append(ChunkWriter writer, ChunkId id, ReadOnlyMemory<byte> content)
    {
        byte[]? compressed = null;
        int length = content.Length;
        if (_options.Compress)
        {
            compressed = ChunkCodec.TryCompress(content.Span, out length);
            length = compressed is null ? content.Length : length;
        }

        try
        {
            ChunkPayload payload = new(
                length, content.Length, compressed is null ? ChunkEncoding.Plain : ChunkEncoding.Zstd, ChunkHash.Sha256);
            long end;
            while (!_spool.TryAppend(id, payload, compressed is null ? content : compressed.AsMemory(0, length), out end))
            {
                if (TryReuse(writer, id))
                {
                    return;
                }
            }

            writer.NoteAppended(end - RecordHeader.Length - length, end);
        }
        finally
        {
            if (compressed is not null)
            {
                ArrayPool<byte>.Shared.Return(compressed);
            }
        }
    }

    private async ValueTask<PackReadOutcome> ReadAsync(
        ChunkId id, PackFile pack, ChunkLocation location, byte[] raw, CancellationToken cancellationToken)
    {
        ChunkPayload payload = location.Payload;
        long offset = location.Offset + RecordHeader.Length;
        if (payload.Encoding == ChunkEncoding.Plain && payload.SealLength == 0)
        {
            PackReadOutcome plain = await _reader.ReadAsync(pack, offset, raw.AsMemory(0, payload.RawLength), cancellationToken);
            return plain != PackReadOutcome.Done || ChunkCodec.IsNamed(id, payload.Hash, [], raw.AsSpan(0, payload.RawLength))
                ? plain : throw Damaged(id, pack);
        }

        byte[] stored = ArrayPool<byte>.Shared.Rent(payload.StoredLength);
        try
        {
            PackReadOutcome outcome = await _reader.ReadAsync(pack, offset, stored.AsMemory(0, payload.StoredLength), cancellationToken);
            if (payload.Encoding == ChunkEncoding.Reference && outcome == PackReadOutcome.Done)
            {
                PackEntry entry = new(id, location.Offset, payload);
                AdoptedReference reference = AdoptedReference.TryRead(pack.Id, entry, stored.AsSpan(0, payload.StoredLength))
                    ?? throw Damaged(id, pack, "the reference to its bytes is damaged");
                await _adopted.ReadAsync(id, reference, raw.AsMemory(0, payload.RawLength), cancellationToken);
                return PackReadOutcome.Done;
            }

            return outcome != PackReadOutcome.Done
                || ChunkCodec.TryDecode(id, payload, stored.AsSpan(0, payload.StoredLength), raw.AsSpan(0, payload.RawLength))
                ? outcome : throw Damaged(id, pack);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(stored);
        }
    }

    private CorruptionException Damaged(
        ChunkId id, PackFile pack, string problem = "its bytes do not agree with its hash") => new(
        "chunk-damaged", $"chunk {id} in {pack.SpoolPath ?? $"pack {pack.Id} of {_options.Objects.Location}"}", problem,
        "run fsck, and restore the chunk from a backup");
}
