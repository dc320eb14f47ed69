using System.Security.Cryptography;
using System.Text;
using Google.Protobuf;
using Pachyderm.Errors;
using Pachyderm.Formats.V1_5;

namespace Pachyderm.Formats.Content;

/// <summary>
/// The tree of a commit or of a datum's output, as 1.4 and 1.5 store it: a <c>HashTreeProto</c> with one node for each path. Immutable.
/// The bytes are not trusted: <see cref="Parse"/> refuses what could not be walked, and <see cref="Verify"/> finds every inconsistency.
/// </summary>
public sealed class HashTree
{
    /// <summary>The only version that upstream ever wrote.</summary>
    public const int SupportedVersion = 1;

    private const int MaxPathBytes = 64 * 1024;
    private const int HashBytes = 32;

    private readonly Dictionary<ByteString, HashTreeNode> _nodes;

    private HashTree(Dictionary<ByteString, HashTreeNode> nodes) => _nodes = nodes;

    /// <summary>Number of nodes, the root included.</summary>
    public int Count => _nodes.Count;

    /// <summary>The root directory; null only in a tree without any node.</summary>
    public HashTreeNode? Root => _nodes.GetValueOrDefault(ByteString.Empty);

    /// <summary>Reads a tree.</summary>
    /// <param name="serialized">The bytes of a <c>HashTreeProto</c>.</param>
    /// <param name="thing">What the bytes are, for messages: <c>object 3f...</c>.</param>
    /// <exception cref="OperatorException"><c>hashtree-version</c>: a version that is not 1.</exception>
    /// <exception cref="CorruptionException"><c>hashtree-damaged</c>.</exception>
    public static HashTree Parse(ReadOnlyMemory<byte> serialized, string thing)
    {
        HashTreeProto proto;
        try
        {
            proto = HashTreeProto.Parser.ParseFrom(serialized.Span);
        }
        catch (InvalidProtocolBufferException exception)
        {
            throw Damaged(thing, "its bytes are no HashTreeProto", exception);
        }

        if (proto.Version != SupportedVersion)
        {
            throw new OperatorException(
                "hashtree-version", thing, $"unsupported HashTreeProto version {proto.Version}", "use a release that knows this version");
        }

        Dictionary<ByteString, HashTreeNode> nodes = new(proto.Fs.Count);
        foreach (HashTreeProto.Types.FsEntry entry in proto.Fs)
        {
            HashTreeNode node = ReadNode(entry, thing);
            if (!nodes.TryAdd(node.Key, node))
            {
                throw Damaged(thing, $"path \"{node.Path}\" occurs twice");
            }
        }

        if (nodes.Count > 0 && (!nodes.TryGetValue(ByteString.Empty, out HashTreeNode? root) || !root.IsDirectory))
        {
            throw Damaged(thing, "it has no root directory");
        }

        return new HashTree(nodes);
    }

    /// <summary>The node of a path (cleaned first, see <see cref="NodePath.Clean"/>); null if there is none.</summary>
    public HashTreeNode? Find(string path) => _nodes.GetValueOrDefault(ByteString.CopyFromUtf8(NodePath.Clean(path)));

    /// <summary>The node of a path in its stored form; null if there is none.</summary>
    public HashTreeNode? Find(ReadOnlyMemory<byte> path) => _nodes.GetValueOrDefault(ByteString.CopyFrom(path.Span));

    /// <summary>
    /// The children of a directory, in stored order, which is byte order in a sound tree. A child that has no node is left out.
    /// </summary>
    public IEnumerable<HashTreeNode> GetChildren(HashTreeNode directory)
    {
        ArgumentNullException.ThrowIfNull(directory);
        foreach (ByteString name in directory.Children)
        {
            if (_nodes.TryGetValue(Join(directory.Key, name), out HashTreeNode? child))
            {
                yield return child;
            }
        }
    }

    /// <summary>Every node that can be reached from the root: parents before children, siblings in stored order.</summary>
    public IEnumerable<HashTreeNode> Walk()
    {
        if (Root is not { } root)
        {
            yield break;
        }

        // A path grows with each step down, and each is visited once: nothing can go round in circles.
        HashSet<ByteString> visited = [];
        Stack<HashTreeNode> pending = new([root]);
        while (pending.TryPop(out HashTreeNode? node))
        {
            if (!visited.Add(node.Key))
            {
                continue;
            }

            yield return node;
            foreach (HashTreeNode child in GetChildren(node).Reverse())
            {
                pending.Push(child);
            }
        }
    }

    /// <summary>The nodes whose whole path matches a pattern (see <see cref="GlobPattern"/>), in byte order of their paths.</summary>
    /// <exception cref="OperatorException"><c>glob-malformed</c>.</exception>
    public IReadOnlyList<HashTreeNode> Glob(string pattern)
    {
        GlobPattern glob = new(pattern);
        return [.. InPathOrder().Where(node => glob.Matches(node.Key.Span))];
    }

    /// <summary>
    /// Recomputes every node from its parts. A file's hash is SHA-256 over the hexadecimal hashes of its objects, joined; a directory's
    /// is SHA-256 over, for each child in byte order, name, <c>:</c>, hash, <c>:</c> (spec/storage.md section 3). A directory's size is
    /// the sum of its children's.
    /// </summary>
    /// <returns>The first wrong node in byte order of the paths, or null.</returns>
    public HashTreeFault? Verify()
    {
        foreach (HashTreeNode node in InPathOrder())
        {
            string? problem = VerifyPlace(node) ?? (node.IsDirectory ? VerifyDirectory(node) : VerifyFile(node));
            if (problem is not null)
            {
                return new HashTreeFault(node.Path, problem);
            }
        }

        return null;
    }

    /// <summary>The tree as upstream would write it.</summary>
    internal byte[] ToBytes()
    {
        HashTreeProto proto = new() { Version = SupportedVersion };
        foreach (HashTreeNode node in _nodes.Values)
        {
            NodeProto value = new() { Name = node.StoredName, Hash = node.StoredHash, SubtreeSize = node.SizeBytes };
            if (node.IsDirectory)
            {
                value.DirNode = new DirectoryNodeProto { Children = { node.Children } };
            }
            else
            {
                value.FileNode = new FileNodeProto
                {
                    Objects = { node.Objects.Select(static name => new V1_5.Object { Hash = ByteString.CopyFromUtf8(name) }) },
                };
            }

            proto.Fs.Add(new HashTreeProto.Types.FsEntry { Key = node.Key, Value = value });
        }

        return proto.ToByteArray();
    }

    private static HashTreeNode ReadNode(HashTreeProto.Types.FsEntry entry, string thing)
    {
        ByteString path = entry.Key ?? ByteString.Empty;
        string shown = Encoding.UTF8.GetString(path.Span[..Math.Min(path.Length, 200)]);
        if (path.Length > MaxPathBytes || !IsNodePath(path.Span))
        {
            throw Damaged(thing, $"\"{shown}\" is no path of a node");
        }

        if (entry.Value is not { } node || node.FileNode is null == node.DirNode is null)
        {
            throw Damaged(thing, $"node \"{shown}\" is neither a file nor a directory");
        }

        if (node.SubtreeSize < 0)
        {
            throw Damaged(thing, $"node \"{shown}\" has a negative size");
        }

        string[]? objects = null;
        if (node.FileNode is { } file)
        {
            objects = new string[file.Objects.Count];
            for (int i = 0; i < objects.Length; i++)
            {
                objects[i] = Encoding.Latin1.GetString(file.Objects[i].Hash.Span);
                if (!LegacyContentStore.IsObjectHash(objects[i]))
                {
                    throw Damaged(thing, $"file \"{shown}\" references something that is no object hash");
                }
            }
        }

        return new HashTreeNode(
            path, node.Name, node.Hash, node.SubtreeSize, objects, node.DirNode is { } directory ? [.. directory.Children] : []);
    }

    private static bool IsNodePath(ReadOnlySpan<byte> path)
    {
        if (path.IsEmpty)
        {
            return true;
        }

        return path[0] == (byte)'/' && path[^1] != (byte)'/' && path.IndexOf("//"u8) < 0;
    }

    private static ByteString Join(ByteString parent, ByteString name)
    {
        byte[] path = new byte[parent.Length + 1 + name.Length];
        parent.Span.CopyTo(path);
        path[parent.Length] = (byte)'/';
        name.Span.CopyTo(path.AsSpan(parent.Length + 1));
        return UnsafeByteOperations.UnsafeWrap(path);
    }

    private static string? VerifyFile(HashTreeNode file)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> text = stackalloc byte[128];
        foreach (string name in file.Objects)
        {
            Encoding.ASCII.GetBytes(name, text);
            hash.AppendData(text);
        }

        return Compare(hash, file);
    }

    private static string? Compare(IncrementalHash computed, HashTreeNode node)
    {
        Span<byte> hash = stackalloc byte[HashBytes];
        computed.GetHashAndReset(hash);
        return hash.SequenceEqual(node.StoredHash.Span)
            ? null
            : $"its hash is {Convert.ToHexStringLower(node.StoredHash.Span)} and should be {Convert.ToHexStringLower(hash)}";
    }

    private static CorruptionException Damaged(string thing, string problem, Exception? inner = null) => new(
        "hashtree-damaged", thing, problem, "restore the object from a backup", inner);

    private HashTreeNode[] InPathOrder()
    {
        HashTreeNode[] nodes = [.. _nodes.Values];
        Array.Sort(nodes, static (a, b) => a.Key.Span.SequenceCompareTo(b.Key.Span));
        return nodes;
    }

    private string? VerifyPlace(HashTreeNode node)
    {
        ReadOnlySpan<byte> path = node.Key.Span;
        int slash = path.LastIndexOf((byte)'/');
        if (!path[(slash + 1)..].SequenceEqual(node.StoredName.Span))
        {
            return "its name is not the last part of its path";
        }

        if (path.IsEmpty)
        {
            return null;
        }

        ByteString name = ByteString.CopyFrom(path[(slash + 1)..]);
        return _nodes.TryGetValue(ByteString.CopyFrom(path[..slash]), out HashTreeNode? parent)
            && Array.BinarySearch(parent.Children, name, ByteOrder.Instance) >= 0
            ? null
            : "no directory lists it";
    }

    private string? VerifyDirectory(HashTreeNode directory)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        UInt128 size = 0;
        for (int i = 0; i < directory.Children.Length; i++)
        {
            ByteString name = directory.Children[i];
            if (name.IsEmpty || name.Span.Contains((byte)'/'))
            {
                return $"\"{name.ToStringUtf8()}\" is no name of a child";
            }

            if (i > 0 && directory.Children[i - 1].Span.SequenceCompareTo(name.Span) >= 0)
            {
                return "its children are not in byte order";
            }

            if (!_nodes.TryGetValue(Join(directory.Key, name), out HashTreeNode? child))
            {
                return $"its child \"{name.ToStringUtf8()}\" does not exist";
            }

            hash.AppendData(name.Span);
            hash.AppendData(":"u8);
            hash.AppendData(child.StoredHash.Span);
            hash.AppendData(":"u8);
            size += (ulong)child.SizeBytes;
        }

        return Compare(hash, directory)
            ?? (size == (ulong)directory.SizeBytes ? null : $"its size is {directory.SizeBytes} and should be {size}");
    }

    private sealed class ByteOrder : IComparer<ByteString>
    {
        public static ByteOrder Instance { get; } = new();

        public int Compare(ByteString? x, ByteString? y) =>
            (x ?? ByteString.Empty).Span.SequenceCompareTo((y ?? ByteString.Empty).Span);
    }
}

/// <summary>A node that is not what its parts say.</summary>
/// <param name="Path">Path of the node; empty for the root.</param>
/// <param name="Problem">What is wrong, without a final full stop.</param>
public sealed record HashTreeFault(string Path, string Problem);
