using System.Buffers.Binary;

namespace Pachyderm.RecordStores.Snapshot;

/// <summary>A branch or leaf page within a buffer. Every access is checked against the page's own bounds.</summary>
internal readonly struct BoltPage
{
    private readonly string _path;
    private readonly byte[] _buffer;
    private readonly int _offset;
    private readonly int _length;

    public BoltPage(string path, byte[] buffer, int offset, int length, ulong id)
    {
        _path = path;
        _buffer = buffer;
        _offset = offset;
        _length = length;
        Id = id;
        if (length < BoltFormat.PageHeaderSize)
        {
            throw BoltFormat.Damaged(path, $"page {id} is shorter than its header");
        }

        ReadOnlySpan<byte> header = buffer.AsSpan(offset, BoltFormat.PageHeaderSize);
        ushort flags = BinaryPrimitives.ReadUInt16LittleEndian(header[8..]);
        if (BinaryPrimitives.ReadUInt64LittleEndian(header) != id || flags is not (BoltFormat.LeafFlag or BoltFormat.BranchFlag))
        {
            throw BoltFormat.Damaged(path, $"page {id} is not the branch or leaf page that another page points to");
        }

        IsLeaf = flags == BoltFormat.LeafFlag;
        Count = BinaryPrimitives.ReadUInt16LittleEndian(header[10..]);
        if (BoltFormat.PageHeaderSize + (Count * BoltFormat.ElementSize) > length)
        {
            throw BoltFormat.Damaged(path, $"page {id} claims {Count} elements, which do not fit into its {length} bytes");
        }
    }

    /// <summary>Number of the page; 0 for an inline bucket's.</summary>
    public ulong Id { get; }

    public bool IsLeaf { get; }

    public int Count { get; }

    /// <summary>Bytes of the page with its overflow pages.</summary>
    public int Length => _length;

    /// <summary>The buffer that offsets of elements count in.</summary>
    public byte[] Buffer => _buffer;

    /// <summary>The page and key that a branch element holds.</summary>
    public ulong GetChild(int index)
    {
        ReadOnlySpan<byte> element = Element(index);
        CheckRange(index, BinaryPrimitives.ReadUInt32LittleEndian(element), BinaryPrimitives.ReadUInt32LittleEndian(element[4..]), 0);
        return BinaryPrimitives.ReadUInt64LittleEndian(element[8..]);
    }

    /// <summary>Where in <see cref="Buffer"/> a leaf element's key and value lie.</summary>
    public BoltItem GetItem(int index)
    {
        ReadOnlySpan<byte> element = Element(index);
        uint flags = BinaryPrimitives.ReadUInt32LittleEndian(element);
        uint position = BinaryPrimitives.ReadUInt32LittleEndian(element[4..]);
        uint keyLength = BinaryPrimitives.ReadUInt32LittleEndian(element[8..]);
        uint valueLength = BinaryPrimitives.ReadUInt32LittleEndian(element[12..]);
        int start = CheckRange(index, position, keyLength, valueLength);
        return new BoltItem(flags, start, (int)keyLength, start + (int)keyLength, (int)valueLength);
    }

    /// <summary>
    /// Insists that the items of a leaf do not share bytes, which would let a small file claim any amount of data.
    /// </summary>
    public void CheckItems()
    {
        long total = BoltFormat.PageHeaderSize + ((long)Count * BoltFormat.ElementSize);
        for (int index = 0; index < Count; index++)
        {
            BoltItem item = GetItem(index);
            total += item.KeyLength + item.ValueLength;
        }

        if (total > _length)
        {
            throw BoltFormat.Damaged(_path, $"page {Id} claims {total} bytes of its {_length}");
        }
    }

    private ReadOnlySpan<byte> Element(int index) =>
        _buffer.AsSpan(_offset + BoltFormat.PageHeaderSize + (index * BoltFormat.ElementSize), BoltFormat.ElementSize);

    private int CheckRange(int index, uint position, uint keyLength, uint valueLength)
    {
        long start = BoltFormat.PageHeaderSize + ((long)index * BoltFormat.ElementSize) + position;
        if (start + keyLength + valueLength > _length)
        {
            throw BoltFormat.Damaged(_path, $"element {index} of page {Id} lies outside of the page");
        }

        return _offset + (int)start;
    }
}

/// <summary>One key and value of a leaf page, as places in the page's buffer.</summary>
internal readonly record struct BoltItem(uint Flags, int KeyOffset, int KeyLength, int ValueOffset, int ValueLength);
