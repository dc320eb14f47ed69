using System.Buffers.Binary;
using System.Text;

namespace Pachyderm.RecordStores.Snapshot;

/// <summary>
/// Lays out an etcd database from records in ascending order of their revisions. The same records give the same bytes. Pages appear in
/// <see cref="Pending"/> in file order, except for the <see cref="HeaderLength"/> bytes at the start of the file, which
/// <see cref="Finish"/> returns.
/// </summary>
internal sealed class SnapshotImage
{
    private const int PackedBytes = 128 * 1024;

    /// <summary>The number of the transaction that wrote everything. The second meta page names the one after it.</summary>
    private const ulong Transaction = 2;

    private readonly BoltPageAllocator _pages = new(BoltFormat.DefaultPageSize);
    private readonly BoltTreeWriter _keys;
    private readonly LeafPacker _packer = new(BoltFormat.DefaultPageSize);

    public SnapshotImage() => _keys = new BoltTreeWriter(_pages);

    public static int HeaderLength => BoltPageAllocator.ReservedPages * BoltFormat.DefaultPageSize;

    public ReadOnlyMemory<byte> Pending => _pages.Pending;

    public static LeafPacker CreatePacker() => new(BoltFormat.DefaultPageSize);

    /// <summary>Adds a record to a packer.</summary>
    public static void Pack(LeafPacker packer, long main, long sub, in StoredRecord record)
    {
        Span<byte> destination = packer.Reserve(RevisionKey.Length, KeyValueMessage.Measure(record));
        RevisionKey.Write(destination, main, sub);
        KeyValueMessage.Write(destination[RevisionKey.Length..], record);
    }

    /// <summary>Adds an entry to a packer as it was read.</summary>
    public static void Pack(LeafPacker packer, in SnapshotEntry entry)
    {
        Span<byte> destination = packer.Reserve(RevisionKey.Length, entry.Encoded.Length);
        RevisionKey.Write(destination, entry.Record.ModRevision, entry.Sub);
        entry.Encoded.Span.CopyTo(destination[RevisionKey.Length..]);
    }

    public void ClearPending() => _pages.ClearPending();

    public void Add(long main, long sub, in StoredRecord record)
    {
        Pack(_packer, main, sub, record);
        DrainPacker();
    }

    public void Add(in SnapshotEntry entry)
    {
        Pack(_packer, entry);
        DrainPacker();
    }

    /// <summary>Adds records that were packed elsewhere.</summary>
    public void Append(LeafPacker packer)
    {
        _packer.Finish();
        _keys.Append(_packer);
        _keys.Append(packer);
    }

    /// <summary>Writes everything but the header.</summary>
    /// <param name="others">The other buckets, in any order.</param>
    /// <returns>The first <see cref="HeaderLength"/> bytes of the file.</returns>
    public byte[] Finish(IEnumerable<BucketContent> others)
    {
        _packer.Finish();
        _keys.Append(_packer);
        SortedDictionary<string, byte[]> buckets = new(StringComparer.Ordinal)
        {
            [EtcdBuckets.Key] = BucketHeader(_keys.Finish(), 0),
        };
        foreach (BucketContent bucket in others)
        {
            buckets.Add(bucket.Name, BucketHeader(new BoltTreeWriter(_pages).Write(bucket.Items), bucket.Sequence));
        }

        LeafPacker directory = CreatePacker();
        foreach ((string name, byte[] header) in buckets)
        {
            directory.Add(Encoding.Latin1.GetBytes(name), header);
        }

        directory.Finish(BoltFormat.BucketElementFlag);
        BoltTreeWriter tree = new(_pages);
        tree.Append(directory);
        return Header(tree.Finish());
    }

    private static byte[] BucketHeader(ulong root, ulong sequence)
    {
        byte[] header = new byte[BoltFormat.BucketHeaderSize];
        BinaryPrimitives.WriteUInt64LittleEndian(header, root);
        BinaryPrimitives.WriteUInt64LittleEndian(header.AsSpan(8), sequence);
        return header;
    }

    private void DrainPacker()
    {
        if (_packer.Length >= PackedBytes)
        {
            _keys.Append(_packer);
        }
    }

    /// <summary>Two meta pages, of which bbolt takes the one with the higher transaction, and an empty list of free pages.</summary>
    private byte[] Header(ulong root)
    {
        const ulong freelistPage = 2;
        byte[] header = new byte[HeaderLength];
        for (uint id = 0; id < 2; id++)
        {
            Span<byte> page = header.AsSpan((int)id * _pages.PageSize, _pages.PageSize);
            BoltFormat.WritePageHeader(page, id, BoltFormat.MetaFlag, 0, 0);
            Span<byte> meta = page.Slice(BoltFormat.PageHeaderSize, BoltFormat.MetaSize);
            BinaryPrimitives.WriteUInt32LittleEndian(meta, BoltFormat.Magic);
            BinaryPrimitives.WriteUInt32LittleEndian(meta[4..], BoltFormat.Version);
            BinaryPrimitives.WriteInt32LittleEndian(meta[8..], _pages.PageSize);
            BinaryPrimitives.WriteUInt64LittleEndian(meta[16..], root);
            BinaryPrimitives.WriteUInt64LittleEndian(meta[32..], freelistPage);
            BinaryPrimitives.WriteUInt64LittleEndian(meta[40..], _pages.NextPage);
            BinaryPrimitives.WriteUInt64LittleEndian(meta[48..], Transaction + id);
            BinaryPrimitives.WriteUInt64LittleEndian(meta[56..], BoltFormat.Checksum(meta[..56]));
        }

        BoltFormat.WritePageHeader(header.AsSpan((int)freelistPage * _pages.PageSize), freelistPage, BoltFormat.FreelistFlag, 0, 0);
        return header;
    }
}
