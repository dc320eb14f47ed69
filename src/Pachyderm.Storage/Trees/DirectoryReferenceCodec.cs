using Pachyderm.Errors;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Trees.Nodes;

namespace Pachyderm.Storage.Trees;

/// <summary>
/// Writes the reference to a stored directory, such as that of a commit's tree. Equal references have equal encodings (doc/trees.md).
/// </summary>
public static class DirectoryReferenceCodec
{
    /// <summary>The version that is written, as the first byte.</summary>
    public const byte Version = 1;

    /// <summary>Encodes a reference.</summary>
    public static byte[] Encode(DirectoryReference directory)
    {
        ByteBuffer buffer = new(2 * ChunkId.Length + 20);
        buffer.Byte(Version);
        EntryEncoding.Write(buffer, directory);
        return buffer.Span.ToArray();
    }

    /// <summary>Decodes a reference from the front of some bytes.</summary>
    /// <param name="source">An encoding, which anything may follow.</param>
    /// <param name="read">Length of the encoding.</param>
    /// <exception cref="CorruptionException">The bytes are damaged, or of a later version.</exception>
    public static DirectoryReference Read(ReadOnlySpan<byte> source, out int read)
    {
        ByteReader reader = new(source);
        RecordVersion.Check(ref reader, Version);
        DirectoryReference directory = EntryEncoding.ReadDirectory(ref reader);
        read = reader.Position;
        return directory;
    }

    /// <summary>Decodes a reference from exactly these bytes.</summary>
    /// <exception cref="CorruptionException">The bytes are damaged, or of a later version.</exception>
    public static DirectoryReference Decode(ReadOnlySpan<byte> source)
    {
        DirectoryReference directory = Read(source, out int read);
        RecordVersion.CheckEnd(source.Length - read);
        return directory;
    }
}
