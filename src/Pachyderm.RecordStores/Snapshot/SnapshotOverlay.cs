namespace Pachyderm.RecordStores.Snapshot;

/// <summary>
/// The writes that were made on top of a snapshot, with every revision of them. Not safe for concurrent use: its owner holds a lock.
/// </summary>
internal sealed class SnapshotOverlay(long baseRevision)
{
    private readonly Dictionary<byte[], List<OverlayWrite>> _keys = new(ByteOrder.Instance);
    private readonly List<OverlayWrite> _history = [];

    /// <summary>Revision of the newest write.</summary>
    public long Revision { get; private set; } = baseRevision;

    /// <summary>Number of writes; a position in the history.</summary>
    public int Count => _history.Count;

    /// <summary>Begins the next revision; it counts once something is written.</summary>
    public OverlayRevision Begin() => new(this, Revision + 1);

    /// <summary>The newest write of a key; null if it was not written.</summary>
    public OverlayWrite? Find(ReadOnlySpan<byte> key) =>
        _keys.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(key, out List<OverlayWrite>? writes) ? writes[^1] : null;

    /// <summary>For each key that was written up to a revision, its newest write until then.</summary>
    public Dictionary<byte[], OverlayWrite> At(long revision)
    {
        Dictionary<byte[], OverlayWrite> state = new(_keys.Count, ByteOrder.Instance);
        foreach ((byte[] key, List<OverlayWrite> writes) in _keys)
        {
            int last = writes.FindLastIndex(write => write.Main <= revision);
            if (last >= 0)
            {
                state.Add(key, writes[last]);
            }
        }

        return state;
    }

    /// <summary>The writes from a position in the history on.</summary>
    public List<OverlayWrite> Since(int position) => _history[position..];

    /// <summary>Live keys that are attached to a lease, in byte order.</summary>
    public List<byte[]> KeysOf(long lease)
    {
        List<byte[]> keys = [.. _keys
            .Where(each => !each.Value[^1].Deleted && each.Value[^1].Record.Lease == lease)
            .Select(each => each.Key)];
        keys.Sort(ByteOrder.Instance);
        return keys;
    }

    private void Append(OverlayWrite write)
    {
        byte[] key = write.Record.Key.ToArray();
        if (!_keys.TryGetValue(key, out List<OverlayWrite>? writes))
        {
            _keys.Add(key, writes = []);
        }

        writes.Add(write);
        _history.Add(write);
        Revision = write.Main;
    }

    /// <summary>The writes of one transaction, which share a main revision and count up the sub revision.</summary>
    internal sealed class OverlayRevision(SnapshotOverlay overlay, long main)
    {
        private long _sub;

        /// <summary>Sets a key.</summary>
        /// <param name="previous">The key's live record before; null if there is none.</param>
        /// <param name="write">The key, value and lease; their bytes are copied.</param>
        public void Put(StoredRecord? previous, in RecordWrite write)
        {
            StoredRecord record = new(
                write.Key.ToArray(),
                write.Value!.Value.ToArray(),
                previous?.CreateRevision ?? main,
                main,
                (previous?.Version ?? 0) + 1,
                write.Lease);
            overlay.Append(new OverlayWrite(record, main, _sub++, false));
        }

        /// <summary>Removes a key that exists.</summary>
        public void Delete(ReadOnlySpan<byte> key) =>
            overlay.Append(new OverlayWrite(new StoredRecord(key.ToArray(), default, 0, main, 0, 0), main, _sub++, true));
    }
}

/// <summary>One write on top of a snapshot.</summary>
internal sealed record OverlayWrite(StoredRecord Record, long Main, long Sub, bool Deleted);
