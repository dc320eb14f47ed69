using System.Text;
using Google.Protobuf;

namespace Pachyderm.Formats.Content;

/// <summary>One file or directory of a <see cref="HashTree"/>.</summary>
public sealed class HashTreeNode
{
    internal HashTreeNode(ByteString path, ByteString name, ByteString hash, long sizeBytes, string[]? objects, ByteString[] children)
    {
        Key = path;
        StoredName = name;
        StoredHash = hash;
        SizeBytes = sizeBytes;
        Objects = objects ?? [];
        IsDirectory = objects is null;
        Children = children;
    }

    /// <summary>The path as text: empty for the root, else with a leading slash. Bytes that are no UTF-8 show as U+FFFD.</summary>
    public string Path => Encoding.UTF8.GetString(Key.Span);

    /// <summary>The path as it is stored.</summary>
    public ReadOnlyMemory<byte> PathBytes => Key.Memory;

    /// <summary>Last segment of the path; empty for the root.</summary>
    public string Name => Encoding.UTF8.GetString(Key.Span[(Key.Span.LastIndexOf((byte)'/') + 1)..]);

    /// <summary>Whether it is a directory; else it is a file.</summary>
    public bool IsDirectory { get; }

    /// <summary>Stored size of the file, or of all files below, in bytes.</summary>
    public long SizeBytes { get; }

    /// <summary>Stored hash: 32 bytes in a sound tree. See <see cref="HashTree.Verify"/> for the recipe.</summary>
    public ReadOnlyMemory<byte> Hash => StoredHash.Memory;

    /// <summary>Hashes of the objects whose contents, joined, are the file; none for a directory.</summary>
    public IReadOnlyList<string> Objects { get; }

    internal ByteString Key { get; }

    internal ByteString StoredName { get; }

    internal ByteString StoredHash { get; }

    internal ByteString[] Children { get; }
}
