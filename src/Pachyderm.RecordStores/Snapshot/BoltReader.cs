using System.Buffers.Binary;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Pachyderm.Errors;

namespace Pachyderm.RecordStores.Snapshot;

/// <summary>
/// Reads a bbolt database with positional reads into its own buffers, never by mapping the file, so that memory stays small. Whatever
/// the bytes say, the outcome is data or a <see cref="CorruptionException"/>. Safe for concurrent use.
/// </summary>
internal sealed class BoltReader : IDisposable
{
    /// <summary>Bytes that one read fetches when leaves lie side by side; below the size where buffers become long-lived.</summary>
    private const int WindowBytes = 64 * 1024;

    /// <summary>A larger hole between two leaves is cheaper to seek over than to read.</summary>
    private const int LargestGap = 4;

    private const int LargestPageRun = 1 << 30;

    /// <summary>etcd 3.x has a dozen.</summary>
    private const int MostBuckets = 1000;

    private const uint InlinePage = 0;

    private readonly SafeFileHandle _handle;
    private readonly long _length;
    private readonly ulong _pageCount;
    private readonly ulong _root;
    private byte[]? _inlineTree;

    /// <param name="path">Name of the file, for messages.</param>
    /// <param name="handle">The open file; the reader closes it.</param>
    /// <param name="length">Bytes of the database, without anything that follows it.</param>
    public BoltReader(string path, SafeFileHandle handle, long length)
    {
        Path = path;
        _handle = handle;
        _length = length;
        (PageSize, _root, ulong pages) = ReadMeta();
        _pageCount = Math.Min(pages, (ulong)(length / PageSize));
        if (_pageCount > uint.MaxValue)
        {
            throw BoltFormat.Damaged(path, "the database claims more pages than any etcd holds");
        }
    }

    public string Path { get; }

    public int PageSize { get; }

    public void Dispose() => _handle.Dispose();

    /// <summary>Lists the buckets of the database, in the order of their names.</summary>
    public IReadOnlyList<BoltBucket> ReadBuckets()
    {
        List<BoltBucket> buckets = [];
        foreach (uint leaf in CollectLeaves(_root))
        {
            BoltPage page = ReadPage(leaf);
            page.CheckItems();
            if (buckets.Count + page.Count > MostBuckets)
            {
                throw BoltFormat.Damaged(Path, $"the database has more than {MostBuckets} buckets, so it is not etcd's");
            }

            for (int index = 0; index < page.Count; index++)
            {
                buckets.Add(ReadBucket(page, page.GetItem(index)));
            }
        }

        return buckets;
    }

    /// <summary>Reads the items of a bucket in key order. Each item's memory stays valid.</summary>
    public IEnumerable<KeyValuePair<ReadOnlyMemory<byte>, ReadOnlyMemory<byte>>> ReadItems(BoltBucket bucket)
    {
        IEnumerable<BoltPage> pages = bucket.Inline is byte[] inline
            ? [new BoltPage(Path, inline, 0, inline.Length, 0)]
            : CollectLeaves(bucket.Root).Select(leaf => ReadPage(leaf));
        byte[]? previous = null;
        foreach (BoltPage page in pages)
        {
            page.CheckItems();
            for (int index = 0; index < page.Count; index++)
            {
                BoltItem item = page.GetItem(index);
                ReadOnlyMemory<byte> key = page.Buffer.AsMemory(item.KeyOffset, item.KeyLength);
                if (!page.IsLeaf || item.Flags != 0 || (previous is not null && previous.AsSpan().SequenceCompareTo(key.Span) >= 0))
                {
                    throw BoltFormat.Damaged(Path, $"bucket '{bucket.Name}' is not a plain, ordered list of keys");
                }

                previous = key.ToArray();
                yield return new(key, page.Buffer.AsMemory(item.ValueOffset, item.ValueLength));
            }
        }
    }

    /// <summary>Lists the leaves of the one bucket that is read by windows. Page 0 stands for the page of an inline bucket.</summary>
    public uint[] OpenTree(BoltBucket bucket)
    {
        _inlineTree = bucket.Inline;
        return bucket.Inline is null ? CollectLeaves(bucket.Root) : [InlinePage];
    }

    /// <summary>
    /// Lists the leaf pages below a page, in key order. Only branch pages are read: all leaves of such a tree are equally deep, and
    /// who reads a leaf finds out if it is none.
    /// </summary>
    public uint[] CollectLeaves(ulong root)
    {
        uint[] level = [CheckPage(root)];
        for (int depth = 0; depth <= BoltFormat.DeepestTree; depth++)
        {
            if (ReadPage(level[0]).IsLeaf)
            {
                return level;
            }

            level = ReadChildren(level);
        }

        throw BoltFormat.Damaged(Path, $"branch pages are nested more than {BoltFormat.DeepestTree} deep, or in a circle");
    }

    /// <summary>Reads one page, with its overflow pages.</summary>
    public BoltPage ReadPage(uint id) => ReadWindow([id], 0, 1, null).GetPage(id);

    /// <summary>The leaf after the last one that is worth reading together with leaf <paramref name="first"/>.</summary>
    public int WindowEnd(ReadOnlySpan<uint> leaves, int first, int limit)
    {
        uint start = leaves[first];
        int end = first + 1;
        while (end < limit
            && leaves[end] > leaves[end - 1]
            && leaves[end] - leaves[end - 1] <= LargestGap
            && (leaves[end] - start + 1L) * PageSize <= WindowBytes)
        {
            end++;
        }

        return end;
    }

    /// <summary>Reads the leaves from one to before another, which <see cref="WindowEnd"/> chose.</summary>
    /// <param name="leaves">Leaf pages in key order.</param>
    /// <param name="first">First leaf to read.</param>
    /// <param name="end">Leaf after the last one to read.</param>
    /// <param name="reusable">A buffer from <see cref="CreateWindowBuffer"/> to read into, or null for a new one.</param>
    public LeafWindow ReadWindow(ReadOnlySpan<uint> leaves, int first, int end, byte[]? reusable)
    {
        uint start = leaves[first];
        if (start == InlinePage && _inlineTree is not null)
        {
            return new LeafWindow(this, _inlineTree, start, _inlineTree.Length);
        }

        int length = checked((int)((leaves[end - 1] - start + 1L) * PageSize));
        byte[] buffer = reusable ?? GC.AllocateUninitializedArray<byte>(length);
        Read(buffer.AsSpan(0, length), (long)start * PageSize);
        return new LeafWindow(this, buffer, start, length);
    }

    public byte[] CreateWindowBuffer() => GC.AllocateUninitializedArray<byte>(Math.Max(WindowBytes, PageSize));

    /// <summary>Reads a page whose overflow pages reach beyond what was read of it.</summary>
    public byte[] ReadPageRun(uint id, long pages)
    {
        if (id + pages > (long)_pageCount || pages * PageSize > LargestPageRun)
        {
            throw BoltFormat.Damaged(Path, $"page {id} claims {pages} pages, more than there are behind it");
        }

        byte[] buffer = GC.AllocateUninitializedArray<byte>((int)(pages * PageSize));
        Read(buffer, (long)id * PageSize);
        return buffer;
    }

    private uint[] ReadChildren(uint[] level)
    {
        List<uint> children = [];
        foreach (uint id in level)
        {
            BoltPage page = ReadPage(id);
            if (page.IsLeaf || page.Count == 0)
            {
                throw BoltFormat.Damaged(Path, $"page {id} is not a branch page with children, unlike its siblings");
            }

            for (int index = 0; index < page.Count; index++)
            {
                children.Add(CheckPage(page.GetChild(index)));
            }

            if ((ulong)children.Count > _pageCount)
            {
                throw BoltFormat.Damaged(Path, "branch pages point to more pages than there are");
            }
        }

        return [.. children];
    }

    private BoltBucket ReadBucket(BoltPage page, BoltItem item)
    {
        ReadOnlySpan<byte> value = page.Buffer.AsSpan(item.ValueOffset, item.ValueLength);
        if (!page.IsLeaf || item.Flags != BoltFormat.BucketElementFlag || value.Length < BoltFormat.BucketHeaderSize)
        {
            throw BoltFormat.Damaged(Path, "the list of buckets holds something that is no bucket");
        }

        ulong root = BinaryPrimitives.ReadUInt64LittleEndian(value);
        return new BoltBucket(
            Encoding.Latin1.GetString(page.Buffer, item.KeyOffset, item.KeyLength),
            root,
            BinaryPrimitives.ReadUInt64LittleEndian(value[8..]),
            root == 0 ? value[BoltFormat.BucketHeaderSize..].ToArray() : null);
    }

    private uint CheckPage(ulong id) =>
        id >= 2 && id < _pageCount ? (uint)id : throw BoltFormat.Damaged(Path, $"a page points to page {id}, which the file does not have");

    private void Read(Span<byte> buffer, long offset)
    {
        try
        {
            while (!buffer.IsEmpty)
            {
                int count = RandomAccess.Read(_handle, buffer, offset);
                if (count == 0)
                {
                    throw BoltFormat.Damaged(Path, $"the file ends at byte {offset}, in the middle of a page");
                }

                buffer = buffer[count..];
                offset += count;
            }
        }
        catch (IOException failure)
        {
            throw new OperatorException("snapshot-unreadable", Path, $"cannot be read: {failure.Message}", "check the disk", failure);
        }
    }

    /// <summary>
    /// Of the two meta pages the newer valid one counts. The second lies at the page size, which a damaged first one cannot tell.
    /// </summary>
    private (int PageSize, ulong Root, ulong Pages) ReadMeta()
    {
        (int PageSize, ulong Root, ulong Pages, ulong Transaction)? best = TryReadMeta(0, null);
        if (best is { } first)
        {
            best = TryReadMeta(first.PageSize, first.PageSize) is { } second && second.Transaction > first.Transaction ? second : first;
        }

        for (int size = BoltFormat.SmallestPageSize; best is null && size <= BoltFormat.LargestPageSize; size *= 2)
        {
            best = TryReadMeta(size, size);
        }

        return best is { } found
            ? (found.PageSize, found.Root, found.Pages)
            : throw new CorruptionException(
                "snapshot-not-bolt",
                Path,
                "is not an etcd database: neither of its first two pages is a valid bbolt meta page",
                "name a file that 'etcdctl snapshot save' wrote");
    }

    private (int PageSize, ulong Root, ulong Pages, ulong Transaction)? TryReadMeta(long offset, int? expectedPageSize)
    {
        if (offset + BoltFormat.PageHeaderSize + BoltFormat.MetaSize > _length)
        {
            return null;
        }

        Span<byte> page = stackalloc byte[BoltFormat.PageHeaderSize + BoltFormat.MetaSize];
        Read(page, offset);
        Span<byte> meta = page[BoltFormat.PageHeaderSize..];
        int pageSize = BinaryPrimitives.ReadInt32LittleEndian(meta[8..]);
        bool valid = BinaryPrimitives.ReadUInt32LittleEndian(meta) == BoltFormat.Magic
            && BinaryPrimitives.ReadUInt32LittleEndian(meta[4..]) == BoltFormat.Version
            && BinaryPrimitives.ReadUInt64LittleEndian(meta[56..]) == BoltFormat.Checksum(meta[..56])
            && pageSize is >= BoltFormat.SmallestPageSize and <= BoltFormat.LargestPageSize
            && int.IsPow2(pageSize)
            && (expectedPageSize is null || expectedPageSize == pageSize);
        return valid
            ? (pageSize,
                BinaryPrimitives.ReadUInt64LittleEndian(meta[16..]),
                BinaryPrimitives.ReadUInt64LittleEndian(meta[40..]),
                BinaryPrimitives.ReadUInt64LittleEndian(meta[48..]))
            : null;
    }
}

/// <summary>A bucket of the database.</summary>
/// <param name="Name">Its name, one character a byte.</param>
/// <param name="Root">Root page of its tree; 0 when it is inline.</param>
/// <param name="Sequence">bbolt's counter for it, which etcd does not use.</param>
/// <param name="Inline">Its only page when it is small enough to live in the list of buckets; else null.</param>
internal sealed record BoltBucket(string Name, ulong Root, ulong Sequence, byte[]? Inline);

/// <summary>Pages that lie side by side and were read at once.</summary>
internal readonly struct LeafWindow(BoltReader reader, byte[] buffer, uint start, int length)
{
    /// <summary>A page of the window, together with its overflow pages.</summary>
    public BoltPage GetPage(uint id)
    {
        if (id == 0)
        {
            return new BoltPage(reader.Path, buffer, 0, length, id);
        }

        int offset = checked((int)((id - start) * reader.PageSize));
        long pages = BinaryPrimitives.ReadUInt32LittleEndian(buffer.AsSpan(offset + 12)) + 1L;
        if (offset + (pages * reader.PageSize) <= length)
        {
            return new BoltPage(reader.Path, buffer, offset, (int)pages * reader.PageSize, id);
        }

        byte[] run = reader.ReadPageRun(id, pages);
        return new BoltPage(reader.Path, run, 0, run.Length, id);
    }
}
