using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Immutable;
using Pachyderm.Errors;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Trees;

namespace Pachyderm.Pfs;

/// <summary>
/// The writes of an open commit as they are kept in the metadata store: a byte for the kind, a byte of flags (1: overwrite), the length of the path
/// as 32 bits little-endian, the path, and by kind: the content of a file; the number of contents (32 bits) and the contents; nothing; the
/// 32 bytes of the chunk that holds number and contents.
/// </summary>
internal static class PendingWriteCodec
{
    private const byte File = 1;
    private const byte Split = 2;
    private const byte Delete = 3;
    private const byte SplitInChunk = 4;
    private const byte Overwrite = 1;
    private const int HeaderLength = 6;

    public static ReadOnlyMemory<byte> Encode(TreeWrite write)
    {
        switch (write)
        {
            case PutFile file:
                return Join(File, file.Overwrite, file.Path, FileContentCodec.Encode(file.Content));
            case PutSplit split:
                return Join(Split, split.Overwrite, split.Path, EncodeContents(split.Contents));
            case DeletePath path:
                return Join(Delete, overwrite: false, path.Path, []);
            default:
                throw new ArgumentException($"{write.GetType().Name} is no known write.", nameof(write));
        }
    }

    /// <summary>A <see cref="PutSplit"/> whose contents, being many, are in a chunk.</summary>
    public static ReadOnlyMemory<byte> EncodeSplitInChunk(TreePath path, ChunkId contents, bool overwrite) =>
        Join(SplitInChunk, overwrite, path, contents.ToArray());

    public static byte[] EncodeContents(IReadOnlyCollection<FileContent> contents)
    {
        ArrayBufferWriter<byte> buffer = new(4 + contents.Count * 64);
        BinaryPrimitives.WriteInt32LittleEndian(buffer.GetSpan(4), contents.Count);
        buffer.Advance(4);
        foreach (FileContent content in contents)
        {
            buffer.Write(FileContentCodec.Encode(content));
        }
        return buffer.WrittenSpan.ToArray();
    }

    public static ImmutableArray<FileContent> DecodeContents(ReadOnlySpan<byte> bytes)
    {
        // A content takes more than one byte, which bounds the allocation by what is there.
        int count = bytes.Length < 4 ? -1 : BinaryPrimitives.ReadInt32LittleEndian(bytes);
        bytes = bytes.Length < 4 ? [] : bytes[4..];
        if (count < 0 || count > bytes.Length)
        {
            throw Damaged();
        }
        ImmutableArray<FileContent>.Builder contents = ImmutableArray.CreateBuilder<FileContent>(count);
        for (int index = 0; index < count; index++)
        {
            contents.Add(FileContentCodec.Read(bytes, out int read));
            bytes = bytes[read..];
        }
        return bytes.IsEmpty ? contents.MoveToImmutable() : throw Damaged();
    }

    /// <summary>Decodes a write.</summary>
    /// <returns>
    /// The write; if its contents are in a chunk, a <see cref="PutSplit"/> without contents, and that chunk's name.
    /// </returns>
    /// <exception cref="CorruptionException">The bytes are damaged, or of a later version.</exception>
    public static (TreeWrite Write, ChunkId? Contents) Decode(ReadOnlyMemory<byte> payload)
    {
        ReadOnlySpan<byte> bytes = payload.Span;
        int pathLength = bytes.Length < HeaderLength ? -1 : BinaryPrimitives.ReadInt32LittleEndian(bytes[2..]);
        if (pathLength < 0 || pathLength > bytes.Length - HeaderLength || bytes[1] > Overwrite)
        {
            throw Damaged();
        }
        TreePath path = ReadPath(payload.Slice(HeaderLength, pathLength));
        bool overwrite = bytes[1] == Overwrite;
        ReadOnlySpan<byte> rest = bytes[(HeaderLength + pathLength)..];
        return bytes[0] switch
        {
            File => (new PutFile(path, FileContentCodec.Decode(rest), overwrite), null),
            Split => (new PutSplit(path, DecodeContents(rest), overwrite), null),
            Delete when rest.IsEmpty => (new DeletePath(path), null),
            SplitInChunk when rest.Length == ChunkId.Length => (new PutSplit(path, [], overwrite), new ChunkId(rest)),
            _ => throw Damaged(),
        };
    }

    private static TreePath ReadPath(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            return TreePath.FromBytes(bytes);
        }
        catch (ArgumentException exception)
        {
            throw Damaged(exception);
        }
    }

    private static byte[] Join(byte kind, bool overwrite, TreePath path, ReadOnlySpan<byte> rest)
    {
        ReadOnlySpan<byte> name = path.Bytes;
        byte[] payload = new byte[HeaderLength + name.Length + rest.Length];
        payload[0] = kind;
        payload[1] = overwrite ? Overwrite : (byte)0;
        BinaryPrimitives.WriteInt32LittleEndian(payload.AsSpan(2), name.Length);
        name.CopyTo(payload.AsSpan(HeaderLength));
        rest.CopyTo(payload.AsSpan(HeaderLength + name.Length));
        return payload;
    }

    private static CorruptionException Damaged(Exception? inner = null) => new(
        "pending-write-damaged", "a write of an open commit", "it is damaged, or of a later release", "delete the commit and write it again", inner);
}
