using System.Collections.Immutable;
using Pachyderm.Storage.Content;

namespace Pachyderm.Storage.Trees.Nodes;

/// <summary>
/// How a file or a directory is written as the value of an entry. There is one encoding of each value, and readers refuse any other, so
/// equal values have equal bytes. The layout is in doc/trees.md.
/// </summary>
internal static class EntryEncoding
{
    private const byte FileTag = 1;
    private const byte DirectoryTag = 2;
    private const byte KindBits = 3;
    private const byte ExplicitHash = 4;
    private const byte Deep = 8;

    internal static bool IsDirectory(ReadOnlySpan<byte> value) => (value[0] & KindBits) == DirectoryTag;

    internal static void Write(ByteBuffer target, FileContent file)
    {
        target.Byte((byte)(FileTag | (file.Depth > 0 ? Deep : 0)));
        if (file.Depth > 0)
        {
            target.Byte((byte)file.Depth);
        }
        target.Number(file.Chunks.Length);
        foreach (ChunkReference chunk in file.Chunks)
        {
            target.Number(chunk.Length);
            target.Id(chunk.Id);
        }
        target.Id(file.Hash);
    }

    internal static void Write(ByteBuffer target, DirectoryReference directory)
    {
        bool derived = directory.Hash == directory.Node;
        target.Byte((byte)(DirectoryTag | (derived ? 0 : ExplicitHash)));
        target.Id(directory.Node);
        target.Number(directory.Size);
        target.Number(directory.Files);
        if (!derived)
        {
            target.Id(directory.Hash);
        }
    }

    /// <summary>Checks a file that is about to be written.</summary>
    /// <exception cref="ArgumentException">Its parts do not fit each other.</exception>
    internal static void Check(FileContent file)
    {
        bool fits = !file.Chunks.IsDefault
            && file.Chunks.Length is var count && count <= TreeLimits.MaximumInlineChunks
            && (file.Depth == 0 || (file.Depth is > 0 and <= TreeLimits.MaximumListDepth && count > 0));
        if (fits)
        {
            long rest = file.Size;
            foreach (ChunkReference chunk in file.Chunks)
            {
                fits &= chunk.Length > 0 && chunk.Length <= LongestPart(file.Depth);
                rest -= chunk.Length;
            }
            fits &= rest == 0;
        }
        if (!fits)
        {
            throw new ArgumentException($"A file of {file.Size} bytes has chunks that do not fit it.", nameof(file));
        }
    }

    /// <summary>Reads a value, a file or a directory, to check and measure it.</summary>
    internal static void Skip(ref ByteReader reader, out long size, out long files)
    {
        byte tag = reader.Byte();
        if ((tag & KindBits) == DirectoryTag)
        {
            DirectoryReference directory = ReadDirectory(ref reader, tag);
            (size, files) = (directory.Size, directory.Files);
        }
        else
        {
            ReadFile(ref reader, tag, build: false, out size);
            files = 1;
        }
    }

    internal static FileContent ReadFile(ref ByteReader reader) => ReadFile(ref reader, reader.Byte(), build: true, out _)!;

    internal static DirectoryReference ReadDirectory(ref ByteReader reader) => ReadDirectory(ref reader, reader.Byte());

    /// <summary>Reads the value of an entry that was checked when its node was read.</summary>
    internal static FileContent File(ReadOnlySpan<byte> value)
    {
        ByteReader reader = new(value);
        return ReadFile(ref reader);
    }

    /// <inheritdoc cref="File"/>
    internal static DirectoryReference Directory(ReadOnlySpan<byte> value)
    {
        ByteReader reader = new(value);
        return ReadDirectory(ref reader);
    }

    private static DirectoryReference ReadDirectory(ref ByteReader reader, byte tag)
    {
        if ((tag & ~ExplicitHash) != DirectoryTag)
        {
            throw reader.Damaged($"it holds kind {tag} where a directory belongs");
        }
        ChunkId node = reader.Id();
        long size = reader.Number();
        long files = reader.Number();
        ChunkId hash = (tag & ExplicitHash) == 0 ? node : reader.Id();
        return (tag & ExplicitHash) != 0 && hash == node
            ? throw reader.Damaged("it repeats a hash")
            : new DirectoryReference(node, hash, size, files);
    }

    private static FileContent? ReadFile(ref ByteReader reader, byte tag, bool build, out long size)
    {
        if ((tag & ~Deep) != FileTag)
        {
            throw reader.Damaged($"it holds kind {tag} where a file belongs");
        }
        int depth = 0;
        if ((tag & Deep) != 0)
        {
            depth = reader.Byte();
            if (depth is 0 or > TreeLimits.MaximumListDepth)
            {
                throw reader.Damaged($"it holds a file with {depth} levels of lists");
            }
        }
        int count = reader.Number(depth > 0 ? 1 : 0, Math.Min(TreeLimits.MaximumInlineChunks, reader.Remaining / (ChunkId.Length + 1)));
        ImmutableArray<ChunkReference>.Builder? chunks = build ? ImmutableArray.CreateBuilder<ChunkReference>(count) : null;
        size = 0;
        for (int i = 0; i < count; i++)
        {
            long length = reader.Number();
            if (length == 0 || length > LongestPart(depth) || size > long.MaxValue - length)
            {
                throw reader.Damaged($"it holds a file with a chunk of {length} bytes");
            }
            size += length;
            ChunkId id = reader.Id();
            chunks?.Add(new ChunkReference(id, length));
        }
        ChunkId hash = reader.Id();
        return chunks is null ? null : new FileContent(size, hash, chunks.MoveToImmutable(), depth);
    }

    /// <summary>Most bytes that a chunk, or a node of a list, can stand for.</summary>
    private static long LongestPart(int depth) => depth == 0 ? IChunkStore.MaximumLength : long.MaxValue;
}
