using System.Buffers.Binary;

namespace Pachyderm.RecordStores.Snapshot;

/// <summary>
/// Writes one tree of a bbolt database from its leaves, which come in key order. A branch page is written as soon as it is full, so that
/// memory holds one unfinished branch page a level.
/// </summary>
internal sealed class BoltTreeWriter(BoltPageAllocator pages)
{
    private readonly List<Level> _levels = [];
    private readonly LeafPacker _packer = new(pages.PageSize);

    /// <summary>Adds leaves that follow all that were added before, and empties the packer.</summary>
    public void Append(LeafPacker packer)
    {
        foreach (PackedPage leaf in packer.Finished)
        {
            Span<byte> bytes = packer.Bytes.Slice(leaf.Offset, leaf.PageCount * pages.PageSize);
            ulong id = pages.Append(bytes);
            AddChild(0, bytes.Slice(leaf.KeyOffset, leaf.KeyLength), id);
        }

        packer.Clear();
    }

    /// <summary>Writes a whole tree of items that are few enough for one thread.</summary>
    /// <returns>The root page.</returns>
    public ulong Write(IEnumerable<KeyValuePair<ReadOnlyMemory<byte>, ReadOnlyMemory<byte>>> items)
    {
        foreach ((ReadOnlyMemory<byte> key, ReadOnlyMemory<byte> value) in items)
        {
            _packer.Add(key.Span, value.Span);
            if (_packer.Length > 0)
            {
                Append(_packer);
            }
        }

        _packer.Finish();
        Append(_packer);
        return Finish();
    }

    /// <summary>Writes the branch pages that are left.</summary>
    /// <returns>The root page.</returns>
    public ulong Finish()
    {
        if (_levels.Count == 0)
        {
            _packer.FinishEmpty();
            Append(_packer);
        }

        for (int level = 0; ; level++)
        {
            if (level == _levels.Count - 1 && _levels[level].Children.Count == 1)
            {
                return _levels[level].Children[0].Page;
            }

            WriteBranch(level);
        }
    }

    private void AddChild(int level, ReadOnlySpan<byte> key, ulong page)
    {
        if (level == _levels.Count)
        {
            _levels.Add(new Level());
        }

        List<(byte[] Key, ulong Page)> children = _levels[level].Children;
        int size = BoltFormat.PageHeaderSize + ((children.Count + 1) * BoltFormat.ElementSize) + _levels[level].KeyBytes + key.Length;
        if (children.Count > 1 && size > pages.PageSize)
        {
            WriteBranch(level);
        }

        children.Add((key.ToArray(), page));
        _levels[level].KeyBytes += key.Length;
    }

    private void WriteBranch(int level)
    {
        List<(byte[] Key, ulong Page)> children = _levels[level].Children;
        int keyOffset = BoltFormat.PageHeaderSize + (children.Count * BoltFormat.ElementSize);
        int used = keyOffset + _levels[level].KeyBytes;
        int count = (used + pages.PageSize - 1) / pages.PageSize;
        byte[] page = new byte[count * pages.PageSize];
        BoltFormat.WritePageHeader(page, 0, BoltFormat.BranchFlag, children.Count, count - 1);
        for (int index = 0; index < children.Count; index++)
        {
            int elementOffset = BoltFormat.PageHeaderSize + (index * BoltFormat.ElementSize);
            Span<byte> element = page.AsSpan(elementOffset, BoltFormat.ElementSize);
            (byte[] key, ulong child) = children[index];
            BinaryPrimitives.WriteInt32LittleEndian(element, keyOffset - elementOffset);
            BinaryPrimitives.WriteInt32LittleEndian(element[4..], key.Length);
            BinaryPrimitives.WriteUInt64LittleEndian(element[8..], child);
            key.CopyTo(page.AsSpan(keyOffset));
            keyOffset += key.Length;
        }

        byte[] firstKey = children[0].Key;
        children.Clear();
        _levels[level].KeyBytes = 0;
        AddChild(level + 1, firstKey, pages.Append(page));
    }

    private sealed class Level
    {
        public List<(byte[] Key, ulong Page)> Children { get; } = [];

        public int KeyBytes { get; set; }
    }
}
