using Pachyderm.Storage.Content;
using Pachyderm.Storage.Index;

namespace Pachyderm.Storage.Maintenance;

/// <summary>
/// The marks of one collection: a bit for each chunk that the index had when it began. Chunks stored since lie in packs that this
/// collection does not touch; of those, only what the caller marks is remembered, so that he learns what he has seen.
/// </summary>
/// <param name="youngFrom">The position of the append log from which on nothing is touched.</param>
internal sealed class LiveChunks(long youngFrom)
{
    private readonly Lock _gate = new();
    private readonly HashSet<ChunkId> _others = [];
    private HashSet<ulong>? _early = [];
    private IndexRun? _run;
    private volatile bool _ended;
    private bool _isTaken;
    private ulong[] _bits = [];

    /// <summary>The position of the append log from which on nothing is touched.</summary>
    public long YoungFrom => youngFrom;

    /// <summary>Adopted packs with larger numbers came later.</summary>
    public required uint LastPack { get; init; }

    /// <summary>Says which chunks there are. Marks that were set before are carried over.</summary>
    public void Use(IndexRun? run)
    {
        HashSet<ulong> early;
        lock (_gate)
        {
            _bits = new ulong[((run?.Count ?? 0) + 63) / 64];
            Volatile.Write(ref _run, run);
            early = _early!;
            _early = null;
        }

        foreach (ulong prefix in early)
        {
            MarkInRun(prefix);
        }
    }

    /// <summary>Marks every chunk whose identifier begins with these 64 bits.</summary>
    public void Mark(ulong prefix)
    {
        lock (_gate)
        {
            if (_early is not null)
            {
                _early.Add(prefix);
                return;
            }
        }

        MarkInRun(prefix);
    }

    /// <summary>Marks a chunk.</summary>
    /// <returns>Whether it was not marked before, and whether this collection knows the chunk from the index.</returns>
    public (bool First, bool Known) Mark(ChunkId id)
    {
        if (_run is { } run && run.Find(id, out _) is var place and >= 0)
        {
            return (Set(place), true);
        }

        lock (_gate)
        {
            return (_others.Add(id), false);
        }
    }

    /// <summary>Whether a chunk is marked. One that was stored since the collection began may be, and then this says no.</summary>
    public bool IsMarked(ChunkId id)
    {
        if (_run is { } run && run.Find(id, out _) is var place and >= 0)
        {
            return IsLive(place);
        }

        lock (_gate)
        {
            return _others.Contains(id);
        }
    }

    /// <summary>Whether the chunk at a place of the run is marked.</summary>
    public bool IsLive(long place) => (Volatile.Read(ref _bits[place >> 6]) & (1UL << (int)(place & 63))) != 0;

    /// <summary>Whether a chunk is marked, and was in a certain place when the collection began.</summary>
    public bool IsLiveAt(ChunkId id, uint pack, uint offset) => _run is { } run && run.Find(id, out ChunkLocation location) is var place
        and >= 0 && location.Pack == pack && location.Offset == offset && IsLive(place);

    /// <summary>Whether a chunk is marked, or was stored after the beginning.</summary>
    public bool IsNeeded(ChunkId id) => _run is not { } run || run.Find(id, out _) is not (var place and >= 0) || IsLive(place);

    /// <summary>Leaves the run to whoever calls <see cref="Close"/>.</summary>
    public void Take() => _isTaken = true;

    /// <summary>Closes the run. A writer that still marks does not matter any more: he looks for the pack afterwards.</summary>
    public void End()
    {
        _ended = true;
        if (!_isTaken)
        {
            Close();
        }
    }

    /// <summary>Closes the run.</summary>
    public void Close() => _run?.Dispose();

    private void MarkInRun(ulong prefix)
    {
        List<long> places = [];
        try
        {
            Volatile.Read(ref _run)?.FindPrefix(prefix, places);
        }
        catch (ObjectDisposedException) when (_ended)
        {
            return;
        }

        foreach (long place in places)
        {
            Set(place);
        }
    }

    private bool Set(long place)
    {
        ulong bit = 1UL << (int)(place & 63);
        return (Interlocked.Or(ref _bits[place >> 6], bit) & bit) == 0;
    }
}
