using Pachyderm.Storage.Content;

namespace Pachyderm.Storage.Packs;

/// <summary>
/// A group of writes. It pins what it found stored already by the first 64 bits of the identifiers, 8 bytes each: another chunk with the
/// same ones is merely kept for longer. What it appended itself lies behind <see cref="OpenedAt"/>, where nothing is collected.
/// </summary>
internal sealed class ChunkWriter : IChunkWriter
{
    private readonly PackChunkStore _store;
    private readonly Lock _gate = new();
    private readonly HashSet<ulong> _pins = [];
    private long _lowest;
    private long _needed;
    private volatile bool _disposed;

    /// <summary>Creates a writer.</summary>
    /// <param name="store">The store.</param>
    /// <param name="openedAt">The end of the append log now.</param>
    public ChunkWriter(PackChunkStore store, long openedAt)
    {
        _store = store;
        _lowest = openedAt;
        OpenedAt = openedAt;
    }

    /// <summary>The end of the append log when the writer was opened.</summary>
    public long OpenedAt { get; }

    /// <inheritdoc/>
    public ValueTask<ChunkId> PutAsync(ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return _store.PutAsync(this, content, cancellationToken);
    }

    /// <inheritdoc/>
    public bool TryReuse(ChunkReference chunk)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return _store.TryReuse(this, chunk.Id, chunk.Length);
    }

    /// <inheritdoc/>
    public async Task FlushAsync(CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        long lowest;
        long needed;
        lock (_gate)
        {
            lowest = _lowest;
            needed = _needed;
        }

        await _store.FlushAsync(lowest, needed, cancellationToken);
    }

    /// <summary>Keeps a chunk that was stored already.</summary>
    /// <param name="prefix">The first 64 bits of its identifier.</param>
    /// <param name="from">Where its record begins in the append log.</param>
    /// <param name="to">Where it ends.</param>
    public void Pin(ulong prefix, long from, long to)
    {
        lock (_gate)
        {
            _pins.Add(prefix);
            Need(from, to);
        }
    }

    /// <summary>Notes what has to be flushed.</summary>
    /// <param name="from">Where the record begins in the append log.</param>
    /// <param name="to">Where it ends.</param>
    public void NoteAppended(long from, long to)
    {
        lock (_gate)
        {
            Need(from, to);
        }
    }

    /// <summary>Hands over what is kept so far.</summary>
    public void CopyPinsTo(Action<ulong> target)
    {
        lock (_gate)
        {
            foreach (ulong pin in _pins)
            {
                target(pin);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_disposed)
        {
            _disposed = true;
            _store.Close(this);
        }
    }

    private void Need(long from, long to)
    {
        // What an earlier process wrote lies before the log, and is durable.
        if (to > 0)
        {
            _lowest = Math.Min(_lowest, from);
            _needed = Math.Max(_needed, to);
        }
    }
}
