using Pachyderm.Errors;
using Pachyderm.Storage.Content;

namespace Pachyderm.Storage.Trees.Nodes;

/// <summary>The bytes of a node (doc/trees.md).</summary>
internal static class NodeFormat
{
    internal const byte Version = 1;
    internal const byte MinReader = 1;
    internal const byte Leaf = 1;
    internal const byte Inner = 2;
    internal const int HeaderLength = 12;

    /// <summary>Where the header holds the number of entries.</summary>
    internal const int CountPosition = 8;

    private static ReadOnlySpan<byte> Magic => "PT"u8;

    internal static void WriteHeader(ByteBuffer target, int level)
    {
        target.Bytes(Magic);
        target.Byte(Version);
        target.Byte(MinReader);
        target.Byte(level == 0 ? Leaf : Inner);
        target.Byte((byte)level);
        target.Byte(0);
        target.Byte(0);
        target.Fixed32(0);
    }

    /// <summary>Decodes and checks a node.</summary>
    /// <param name="source">Any bytes.</param>
    /// <param name="id">Their name.</param>
    /// <exception cref="CorruptionException">They are not a node that this release can read.</exception>
    internal static TreeNode Read(ReadOnlySpan<byte> source, ChunkId id)
    {
        ByteReader reader = new(source, id);
        if (source.Length is < HeaderLength or > TreeLimits.MaximumNodeLength || !reader.Bytes(2).SequenceEqual(Magic))
        {
            throw reader.Damaged("these bytes are not a tree node");
        }
        byte version = reader.Byte();
        byte minReader = reader.Byte();
        if (version < Version || minReader > Version)
        {
            throw reader.Damaged($"it has format {version}, readable from format {minReader} on, and this release reads format {Version}");
        }
        byte kind = reader.Byte();
        int level = reader.Byte();
        bool reservedUsed = reader.Byte() != 0 | reader.Byte() != 0;
        if (kind != (level == 0 ? Leaf : Inner) || level > TreeLimits.MaximumLevel || reservedUsed)
        {
            throw reader.Damaged($"it has kind {kind} at level {level}");
        }
        // An entry has at least three bytes of name and two of value.
        int count = reader.Fixed32();
        return count > reader.Remaining / 5 || (count == 0 && level > 0)
            ? throw reader.Damaged($"it claims {count} entries")
            : ReadEntries(ref reader, id, level, count);
    }

    private static TreeNode ReadEntries(ref ByteReader reader, ChunkId id, int level, int count)
    {
        byte[] values = new byte[reader.Remaining];
        byte[] names = new byte[Math.Min(TreeLimits.MaximumNodeLength, 64 + 32 * count)];
        (int Name, int Value)[] ends = new (int Name, int Value)[count];
        (int Name, int Value) end = (0, 0);
        int previousStart = 0;
        long size = 0;
        long files = 0;
        long entries = 0;
        for (int i = 0; i < count; i++)
        {
            int shared = reader.Number(0, end.Name - previousStart);
            ReadOnlySpan<byte> suffix = reader.Bytes(reader.Number(1, TreeLimits.MaximumNameLength - Math.Min(shared, TreeLimits.MaximumNameLength - 1)));
            int nameEnd = end.Name + shared + suffix.Length;
            if (nameEnd > TreeLimits.MaximumNodeLength)
            {
                throw reader.Damaged("its names are too long together");
            }
            if (nameEnd > names.Length)
            {
                Array.Resize(ref names, Math.Max(nameEnd, Math.Min(2 * names.Length, TreeLimits.MaximumNodeLength)));
            }
            Span<byte> name = names.AsSpan(end.Name, shared + suffix.Length);
            ReadOnlySpan<byte> previous = names.AsSpan(previousStart, end.Name - previousStart);
            previous[..shared].CopyTo(name);
            suffix.CopyTo(name[shared..]);
            CheckOrder(ref reader, i, previous, shared, suffix);
            if (!TreeLimits.IsName(name))
            {
                throw reader.Damaged("it has a name that is not allowed");
            }

            int valueStart = reader.Position;
            (long entrySize, long entryFiles, long entryCount) = ReadValue(ref reader, level);
            size += entrySize;
            files += entryFiles;
            entries += entryCount;
            if ((size | files | entries) < 0)
            {
                throw reader.Damaged("its sums are out of range");
            }
            ReadOnlySpan<byte> value = reader.Since(valueStart);
            value.CopyTo(values.AsSpan(end.Value));
            previousStart = end.Name;
            end = (nameEnd, end.Value + value.Length);
            ends[i] = end;
        }
        if (reader.Remaining > 0)
        {
            throw reader.Damaged($"{reader.Remaining} bytes follow its last entry");
        }
        return new TreeNode(id, level, names.AsSpan(0, end.Name).ToArray(), values.AsSpan(0, end.Value).ToArray(), ends, size, files, entries);
    }

    /// <summary>Names ascend, and share with the one before exactly what is said.</summary>
    private static void CheckOrder(ref ByteReader reader, int index, ReadOnlySpan<byte> previous, int shared, ReadOnlySpan<byte> suffix)
    {
        if (index > 0 && shared < previous.Length && suffix[0] <= previous[shared])
        {
            throw reader.Damaged("its names are not in order");
        }
    }

    private static (long Size, long Files, long Entries) ReadValue(ref ByteReader reader, int level)
    {
        if (level == 0)
        {
            EntryEncoding.Skip(ref reader, out long size, out long files);
            return (size, files, 1);
        }
        reader.Id();
        (long Size, long Files, long Entries) sums = (reader.Number(), reader.Number(), reader.Number());
        return sums.Entries > 0 ? sums : throw reader.Damaged("it has a child without entries");
    }
}
