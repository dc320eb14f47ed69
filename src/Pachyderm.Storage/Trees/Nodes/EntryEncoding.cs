using System.Collections.Immutable;
using Pachyderm.Storage.Content;

namespace Pachyderm.Storage.Trees.Nodes;

/// <summary>
/// How a file or a directory is written as the value of an entry. There is one encoding of each value, and readers refuse any other, so equal
/// values have equal bytes. The layout is in doc/trees.md.
/// </summary>
internal static class EntryEncoding
{
    private const byte FileTag = 1;
    private const byte DirectoryTag = 2;
    private const byte KindBits = 3;
    private const byte ExplicitHash = 4;
    private const byte Deep = 8;

    /// <summary>The hash of a file without bytes.</summary>
    internal static ChunkId EmptyHash { get; } = ChunkId.Of([]);

    internal static bool IsDirectory(ReadOnlySpan<byte> value) => (value[0] & KindBits) == DirectoryTag;

    internal static void Write(ByteBuffer target, FileContent file)
    {
        bool derived = TryDeriveHash(file.Chunks, file.Depth, out ChunkId hash) && hash == file.Hash;
        target.Byte((byte)(FileTag | (derived ? 0 : ExplicitHash) | (file.Depth > 0 ? Deep : 0)));
        if (file.Depth > 0)
        {
            target.Byte((byte)file.Depth);
            target.Number(file.Size);
        }
        target.Number(file.Chunks.Length);
        foreach (ChunkReference chunk in file.Chunks)
        {
            target.Number(chunk.Length);
            target.Id(chunk.Id);
        }
        if (!derived)
        {
            target.Id(file.Hash);
        }
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
        long sum = 0;
        bool fits = !file.Chunks.IsDefault && file.Chunks.Length <= TreeLimits.MaximumInlineChunks && file.Depth is >= 0 and <= TreeLimits.MaximumListDepth;
        if (fits)
        {
            foreach (ChunkReference chunk in file.Chunks)
            {
                fits &= chunk.Length is > 0 and <= IChunkStore.MaximumLength;
                sum += chunk.Length;
            }
            fits &= file.Depth == 0 ? sum == file.Size : file.Size > 0 && file.Chunks.Length > 0;
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
        if ((tag & ~(ExplicitHash | Deep)) != FileTag)
        {
            throw reader.Damaged($"it holds kind {tag} where a file belongs");
        }
        int depth = 0;
        size = 0;
        if ((tag & Deep) != 0)
        {
            depth = reader.Byte();
            size = reader.Number();
            if (depth is 0 or > TreeLimits.MaximumListDepth || size == 0)
            {
                throw reader.Damaged($"it holds a file of {size} bytes with {depth} levels of lists");
            }
        }
        int count = reader.Number(depth > 0 ? 1 : 0, Math.Min(TreeLimits.MaximumInlineChunks, reader.Remaining / (ChunkId.Length + 1)));
        ImmutableArray<ChunkReference>.Builder? chunks = build ? ImmutableArray.CreateBuilder<ChunkReference>(count) : null;
        ChunkId first = default;
        for (int i = 0; i < count; i++)
        {
            int length = reader.Number(1, IChunkStore.MaximumLength);
            ChunkId id = reader.Id();
            first = i == 0 ? id : first;
            size += depth == 0 ? length : 0;
            chunks?.Add(new ChunkReference(id, length));
        }
        bool derivable = depth == 0 && count <= 1;
        ChunkId derived = count == 0 ? EmptyHash : first;
        ChunkId hash = (tag & ExplicitHash) != 0 ? reader.Id() : derived;
        if ((tag & ExplicitHash) == 0 ? !derivable : derivable && hash == derived)
        {
            throw reader.Damaged("a hash is missing or repeated");
        }
        return chunks is null ? null : new FileContent(size, hash, chunks.MoveToImmutable(), depth);
    }

    private static bool TryDeriveHash(ImmutableArray<ChunkReference> chunks, int depth, out ChunkId hash)
    {
        hash = chunks.Length == 1 ? chunks[0].Id : EmptyHash;
        return depth == 0 && chunks.Length <= 1;
    }
}
