using Pachyderm.Errors;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Trees.Nodes;

namespace Pachyderm.Storage.Trees;

/// <summary>Writes what a file's bytes are for storing it outside of a tree. Equal contents have equal encodings (doc/trees.md).</summary>
public static class FileContentCodec
{
    /// <summary>The version that is written, as the first byte.</summary>
    public const byte Version = 1;

    /// <summary>Encodes a content.</summary>
    /// <exception cref="ArgumentException">Its parts do not fit each other, or exceed <see cref="TreeLimits"/>.</exception>
    public static byte[] Encode(FileContent file)
    {
        ArgumentNullException.ThrowIfNull(file);
        EntryEncoding.Check(file);
        ByteBuffer buffer = new(16 + (file.Chunks.Length + 1) * (ChunkId.Length + 4));
        buffer.Byte(Version);
        EntryEncoding.Write(buffer, file);
        return buffer.Span.ToArray();
    }

    /// <summary>Decodes a content from the front of some bytes.</summary>
    /// <param name="source">An encoding, which anything may follow.</param>
    /// <param name="read">Length of the encoding.</param>
    /// <exception cref="CorruptionException">The bytes are damaged, or of a later version.</exception>
    public static FileContent Read(ReadOnlySpan<byte> source, out int read)
    {
        ByteReader reader = new(source);
        RecordVersion.Check(ref reader, Version);
        FileContent file = EntryEncoding.ReadFile(ref reader);
        read = reader.Position;
        return file;
    }

    /// <summary>Decodes a content from exactly these bytes.</summary>
    /// <exception cref="CorruptionException">The bytes are damaged, or of a later version.</exception>
    public static FileContent Decode(ReadOnlySpan<byte> source)
    {
        FileContent file = Read(source, out int read);
        RecordVersion.CheckEnd(source.Length - read);
        return file;
    }
}
