using System.Buffers;
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
        if (version < Version || minReader is 0 or > Version)
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
        // An entry has at least three bytes of name and an identifier.
        int count = reader.Fixed32();
        return count > reader.Remaining / (3 + ChunkId.Length) || (count == 0 && level > 0)
            ? throw reader.Damaged($"it claims {count} entries")
            : ReadEntries(ref reader, id, level, count);
    }

    private static TreeNode ReadEntries(ref ByteReader reader, ChunkId id, int level, int count)
    {
        byte[] names = ArrayPool<byte>.Shared.Rent(Math.Min(TreeLimits.MaximumNodeLength, 64 + 32 * count));
        byte[] values = ArrayPool<byte>.Shared.Rent(reader.Remaining);
        try
        {
            return ReadEntries(ref reader, id, level, new (int Name, int Value)[count], ref names, values);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(names);
            ArrayPool<byte>.Shared.Return(values);
        }
    }

    private static TreeNode ReadEntries(
        ref ByteReader reader, ChunkId id, int level, (int Name, int Value)[] ends, ref byte[] names, byte[] values)
    {
        (int Name, int Value) end = (0, 0);
        int previousStart = 0;
        long size = 0;
        long files = 0;
        long entries = 0;
        for (int i = 0; i < ends.Length; i++)
        {
            int shared = reader.Number(0, end.Name - previousStart);
            int longest = TreeLimits.MaximumNameLength - shared;
            ReadOnlySpan<byte> suffix = reader.Bytes(reader.Number(1, Math.Max(1, longest)));
            int nameEnd = end.Name + shared + suffix.Length;
            if (nameEnd > TreeLimits.MaximumNodeLength)
            {
                throw reader.Damaged("its names are too long together");
            }
            if (nameEnd > names.Length)
            {
                names = Larger(names, end.Name, nameEnd);
            }
            Span<byte> name = names.AsSpan(end.Name, shared + suffix.Length);
            ReadOnlySpan<byte> previous = names.AsSpan(previousStart, end.Name - previousStart);
            previous[..shared].CopyTo(name);
            suffix.CopyTo(name[shared..]);
            if (i > 0 && shared < previous.Length && suffix[0] <= previous[shared])
            {
                // Either they do not ascend, or they share more than is said.
                throw reader.Damaged("its names are not in order");
            }
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
        return new TreeNode(id, level, names[..end.Name], values[..end.Value], ends, size, files, entries);
    }

    private static byte[] Larger(byte[] rented, int used, int needed)
    {
        byte[] larger = ArrayPool<byte>.Shared.Rent(Math.Max(needed, 2 * rented.Length));
        rented.AsSpan(0, used).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(rented);
        return larger;
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
