using System.Buffers.Binary;

namespace Pachyderm.RecordStores.Snapshot;

/// <summary>
/// The leases of a snapshot and those granted since. Not safe for concurrent use: its owner holds a lock, and tells the time as what has
/// passed since the opening. The snapshot's own leases do not expire while it is a file, as they do not for an etcd that is stopped; etcd
/// counts anew when it starts.
/// </summary>
internal sealed class SnapshotLeases
{
    private readonly HashSet<long> _stored = [];
    private readonly HashSet<long> _revoked = [];
    private readonly Dictionary<long, Granted> _granted = [];

    public SnapshotLeases(EtcdSnapshotFile file)
    {
        if (EtcdBuckets.Find(file.Buckets, EtcdBuckets.Lease) is { } bucket)
        {
            foreach ((ReadOnlyMemory<byte> key, _) in file.Reader.ReadItems(bucket))
            {
                if (key.Length != sizeof(long))
                {
                    throw BoltFormat.Damaged(file.Path, "the bucket of leases holds something that is no lease");
                }

                _stored.Add(BinaryPrimitives.ReadInt64BigEndian(key.Span));
            }
        }
    }

    /// <summary>Whether leases differ from the snapshot's.</summary>
    public bool Changed => _granted.Count > 0 || _revoked.Count > 0;

    public bool Exists(long lease) => IsStored(lease) || _granted.ContainsKey(lease);

    /// <summary>Whether the lease is one of the snapshot.</summary>
    public bool IsStored(long lease) => _stored.Contains(lease) && !_revoked.Contains(lease);

    public void Grant(long lease, TimeSpan timeToLive, TimeSpan now, ITimer timer) =>
        _granted.Add(lease, new Granted(timeToLive, timer) { Expiry = now + timeToLive });

    public bool Renew(long lease, TimeSpan now)
    {
        if (!_granted.TryGetValue(lease, out Granted? granted))
        {
            return IsStored(lease);
        }

        granted.Expiry = now + granted.TimeToLive;
        granted.Timer.Change(granted.TimeToLive, Timeout.InfiniteTimeSpan);
        return true;
    }

    /// <summary>To be called when the lease's timer fires; one that fires too early, or before a renewal, is set again.</summary>
    public void Rearm(long lease, TimeSpan now)
    {
        if (_granted.TryGetValue(lease, out Granted? granted) && granted.Expiry > now)
        {
            granted.Timer.Change(granted.Expiry - now + TimeSpan.FromMilliseconds(1), Timeout.InfiniteTimeSpan);
        }
    }

    public void Remove(long lease)
    {
        if (_granted.Remove(lease, out Granted? granted))
        {
            granted.Timer.Dispose();
        }
        else if (_stored.Contains(lease))
        {
            _revoked.Add(lease);
        }
    }

    /// <summary>Granted leases whose time is over.</summary>
    public List<long> Expired(TimeSpan now) => [.. _granted.Where(each => each.Value.Expiry <= now).Select(each => each.Key).Order()];

    /// <summary>The changes to the bucket of leases.</summary>
    public SortedDictionary<byte[], byte[]?> Edits()
    {
        SortedDictionary<byte[], byte[]?> edits = new(ByteOrder.Instance);
        foreach (long lease in _revoked)
        {
            edits[Key(lease)] = null;
        }

        foreach ((long lease, Granted granted) in _granted)
        {
            edits[Key(lease)] = Encode(lease, (long)Math.Ceiling(granted.TimeToLive.TotalSeconds));
        }

        return edits;
    }

    public void DisposeTimers()
    {
        foreach (Granted granted in _granted.Values)
        {
            granted.Timer.Dispose();
        }
    }

    private static byte[] Key(long lease)
    {
        byte[] key = new byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(key, lease);
        return key;
    }

    /// <summary>etcd's <c>leasepb.Lease</c>: 1 ID, 2 TTL in seconds.</summary>
    private static byte[] Encode(long lease, long seconds)
    {
        using MemoryStream message = new();
        using Google.Protobuf.CodedOutputStream output = new(message);
        output.WriteTag(1, Google.Protobuf.WireFormat.WireType.Varint);
        output.WriteInt64(lease);
        output.WriteTag(2, Google.Protobuf.WireFormat.WireType.Varint);
        output.WriteInt64(seconds);
        output.Flush();
        return message.ToArray();
    }

    private sealed class Granted(TimeSpan timeToLive, ITimer timer)
    {
        public TimeSpan TimeToLive => timeToLive;

        public ITimer Timer => timer;

        public TimeSpan Expiry { get; set; }
    }
}
