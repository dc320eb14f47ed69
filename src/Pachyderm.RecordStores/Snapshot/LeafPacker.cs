using System.Buffers.Binary;

namespace Pachyderm.RecordStores.Snapshot;

/// <summary>
/// Packs items, in key order, into full leaf pages whose numbers are filled in later. Packers of consecutive parts of a tree can
/// therefore work in parallel, at the price of one page that is not full for each of them.
/// </summary>
internal sealed class LeafPacker(int pageSize)
{
    private readonly List<(int KeyLength, int ValueLength)> _items = [];
    private readonly List<PackedPage> _finished = [];
    private byte[] _pages = [];
    private byte[] _data = new byte[pageSize];
    private int _dataLength;

    /// <summary>Bytes of the finished pages.</summary>
    public int Length { get; private set; }

    /// <summary>The finished pages, in key order.</summary>
    public IReadOnlyList<PackedPage> Finished => _finished;

    /// <summary>The finished pages' bytes.</summary>
    public Span<byte> Bytes => _pages.AsSpan(0, Length);

    /// <summary>Adds an item whose key and value the caller writes, one after the other, into the answer at once.</summary>
    public Span<byte> Reserve(int keyLength, int valueLength)
    {
        int length = checked(keyLength + valueLength);
        if (_items.Count > 0
            && BoltFormat.PageHeaderSize + ((_items.Count + 1) * BoltFormat.ElementSize) + _dataLength + length > pageSize)
        {
            FinishPage(0);
        }

        if (_dataLength + length > _data.Length)
        {
            Array.Resize(ref _data, _dataLength + length);
        }

        _items.Add((keyLength, valueLength));
        _dataLength += length;
        return _data.AsSpan(_dataLength - length, length);
    }

    /// <summary>Adds an item.</summary>
    public void Add(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        Span<byte> destination = Reserve(key.Length, value.Length);
        key.CopyTo(destination);
        value.CopyTo(destination[key.Length..]);
    }

    /// <summary>Finishes the page that was begun, if any; with <paramref name="flags"/> on each of its elements.</summary>
    public void Finish(uint flags = 0)
    {
        if (_items.Count > 0)
        {
            FinishPage(flags);
        }
    }

    /// <summary>Finishes a page without items: the tree of an empty bucket.</summary>
    public void FinishEmpty() => FinishPage(0);

    /// <summary>Forgets the finished pages; their memory is used again.</summary>
    public void Clear()
    {
        _finished.Clear();
        Length = 0;
    }

    private void FinishPage(uint flags)
    {
        int headers = BoltFormat.PageHeaderSize + (_items.Count * BoltFormat.ElementSize);
        int used = headers + _dataLength;
        int count = (used + pageSize - 1) / pageSize;
        int size = checked(count * pageSize);
        if (Length + size > _pages.Length)
        {
            Array.Resize(ref _pages, checked(Math.Max(Length + size, _pages.Length * 2)));
        }

        Span<byte> page = _pages.AsSpan(Length, size);
        BoltFormat.WritePageHeader(page, 0, BoltFormat.LeafFlag, _items.Count, count - 1);
        int dataOffset = headers;
        for (int index = 0; index < _items.Count; index++)
        {
            int elementOffset = BoltFormat.PageHeaderSize + (index * BoltFormat.ElementSize);
            Span<byte> element = page.Slice(elementOffset, BoltFormat.ElementSize);
            BinaryPrimitives.WriteUInt32LittleEndian(element, flags);
            BinaryPrimitives.WriteInt32LittleEndian(element[4..], dataOffset - elementOffset);
            BinaryPrimitives.WriteInt32LittleEndian(element[8..], _items[index].KeyLength);
            BinaryPrimitives.WriteInt32LittleEndian(element[12..], _items[index].ValueLength);
            dataOffset += _items[index].KeyLength + _items[index].ValueLength;
        }

        _data.AsSpan(0, _dataLength).CopyTo(page[headers..]);
        page[used..].Clear();
        _finished.Add(new PackedPage(Length, count, headers, _items.Count == 0 ? 0 : _items[0].KeyLength));
        Length += size;
        _items.Clear();
        _dataLength = 0;
    }
}

/// <summary>A finished leaf page.</summary>
/// <param name="Offset">Where it begins in the packer's bytes.</param>
/// <param name="PageCount">Its length in pages.</param>
/// <param name="KeyOffset">Where its first key lies, counted from <paramref name="Offset"/>.</param>
/// <param name="KeyLength">Length of the first key.</param>
internal readonly record struct PackedPage(int Offset, int PageCount, int KeyOffset, int KeyLength);
