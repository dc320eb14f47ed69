using Pachyderm.Errors;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Maintenance;

namespace Pachyderm.Storage.Packs;

public sealed partial class PackChunkStore
{
    /// <summary>Begins to record what is put. What open writers have put so far is recorded, too.</summary>
    internal LiveChunks BeginCollection()
    {
        lock (_writersGate)
        {
            long youngFrom = _spool.Position;
            foreach (ChunkWriter writer in _writers)
            {
                youngFrom = Math.Min(youngFrom, writer.OpenedAt);
            }

            // Known to writers before their pins are read: a pin set later finds the collection and marks there.
            LiveChunks live = new(youngFrom) { LastPack = LastPack };
            Volatile.Write(ref _collecting, live);
            foreach (ChunkWriter writer in _writers)
            {
                writer.CopyPinsTo(live.Mark);
            }

            return live;
        }
    }

    // Whatever has a number up to this one is in the index with all its chunks.
    private uint LastPack
    {
        get
        {
            lock (_adoptionGate)
            {
                return _packs.LastNumber;
            }
        }
    }

    /// <summary>Ends the recording.</summary>
    internal void EndCollection() => Volatile.Write(ref _collecting, null);

    /// <summary>Appends a chunk that lies in a condemned pack, as it is stored there.</summary>
    /// <exception cref="OperatorException">The disk is full or fails.</exception>
    internal async Task AppendStoredAsync(
        ChunkId id, ChunkPayload payload, ReadOnlyMemory<byte> stored, CancellationToken cancellationToken)
    {
        await MakeRoomAsync(cancellationToken);

        // If it is refused, another writer has put the chunk meanwhile.
        _ = _spool.TryAppend(id, payload, stored, out _);
    }

    /// <summary>Makes all that was appended since a position durable.</summary>
    internal Task FlushSinceAsync(long from, CancellationToken cancellationToken) => FlushAsync(from, _spool.Position, cancellationToken);

    /// <summary>The end of the append log.</summary>
    internal long Position => _spool.Position;

    /// <summary>Reads a payload as it is stored, and checks it.</summary>
    /// <returns>Whether it is there and intact.</returns>
    internal async Task<bool> TryReadStoredAsync(
        PackFile pack, PackEntry entry, Memory<byte> stored, CancellationToken cancellationToken) =>
        await _reader.ReadAsync(pack, entry.Offset + RecordHeader.Length, stored, cancellationToken) == PackReadOutcome.Done
            && ChunkCodec.IsIntact(entry.Id, entry.Payload, stored.Span);

    /// <summary>
    /// Keeps collections and checks from beginning, after the one that runs. What is put meanwhile is safe, although no writer pins it any
    /// more,
    /// if it is referred to before this ends.
    /// </summary>
    /// <returns>Ends it when it is disposed.</returns>
    public async Task<IDisposable> PauseMaintenanceAsync(CancellationToken cancellationToken)
    {
        await _maintenance.WaitAsync(cancellationToken);
        return new MaintenancePause(_maintenance);
    }

    /// <summary>Keeps everybody else from removing packs, and waits for those who copy them.</summary>
    /// <param name="purpose">What for, as others get to read it: <c>garbage collection</c>.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    public Task<PackHold> HoldPacksAsync(string purpose, CancellationToken cancellationToken) => PackHold.AcquireAsync(
        _options.SpoolDirectory, purpose, _options.Time,
        holder => _options.Report(new StorageFinding(
            "packs-held", _options.SpoolDirectory, $"{purpose} must not remove packs while {holder} is at work",
            "it goes on when that has ended", Fixed: false)),
        cancellationToken);

    /// <summary>Takes packs out for good: first from the index, durably, then from the object store.</summary>
    /// <param name="packs">The packs.</param>
    /// <param name="hold">Proves that nobody copies packs meanwhile.</param>
    /// <param name="cancellationToken">Ends it between two packs.</param>
    internal async Task RemoveAsync(IReadOnlyCollection<PackFile> packs, PackHold hold, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(hold);
        await _index.ForgetAsync(packs, cancellationToken);
        _options.FaultPoint?.Invoke("packs-forgotten");
        foreach (PackFile pack in packs)
        {
            _reader.Close(pack);
            await _options.Objects.DeleteAsync(pack.Id.Key, cancellationToken);
            _options.FaultPoint?.Invoke("pack-deleted");
        }
    }

    private sealed class MaintenancePause(SemaphoreSlim maintenance) : IDisposable
    {
        private SemaphoreSlim? _held = maintenance;

        public void Dispose() => Interlocked.Exchange(ref _held, null)?.Release();
    }
}
