using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using Pachyderm.Errors;
using Pachyderm.Formats.Content;
using Pachyderm.Metadata;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Trees;

namespace Pachyderm.Migration.Steps.Native;

/// <summary>
/// Makes trees of this release of hash trees. Directories and files keep the hashes that they had; each is compared with what it is made
/// of.
/// A directory that was made before is neither looked into nor made again, so that a commit costs what differs from the commits before it,
/// beside the reading of its old tree. For one caller at a time.
/// </summary>
/// <param name="metadata">Knows the objects.</param>
/// <param name="objects">Makes contents of objects.</param>
internal sealed class TreeImport(IMetadataStore metadata, ObjectImport objects)
{
    // About 150 bytes each. When the newer half is full, the older one is dropped.
    private const int RememberedDirectories = 100_000;
    private const int RememberedObjects = 50_000;
    private const int HashText = 2 * SHA512.HashSizeInBytes;

    private readonly TwoGenerations<ChunkId, DirectoryReference> known = new(RememberedDirectories);
    private readonly TwoGenerations<string, FileContent> contents = new(RememberedObjects);

    /// <summary>Makes the tree of a commit.</summary>
    /// <param name="old">Its tree in the source.</param>
    /// <param name="objectHash">The object that it was in, for messages.</param>
    /// <param name="writer">Takes the nodes.</param>
    /// <param name="cancellationToken">Stops.</param>
    /// <exception cref="OperatorException">An object is missing, or the tree is damaged.</exception>
    public async Task<(DirectoryReference Tree, SourceRoot Root)> BuildAsync(
        CompactHashTree old, string objectHash, IChunkWriter writer, CancellationToken cancellationToken)
    {
        string thing = $"tree {objectHash}";
        if (old.Find([]) is not { } root)
        {
            DirectoryReference nothing = TreeReader.EmptyDirectory with { Hash = ChunkId.Of([]) };
            return (nothing, new SourceRoot(nothing.Hash, 0, 0));
        }
        if (!root.IsDirectory)
        {
            throw Damaged(thing, "its root is a file");
        }
        Context context = new(old, thing, writer);
        (DirectoryReference tree, _) = await BuildAsync(context, ReadOnlyMemory<byte>.Empty, root, 1, cancellationToken);
        // A node that no directory lists was never shown, so it does not count.
        return (tree, new SourceRoot(HashOf(context, default, root), root.SizeBytes, old.Files == tree.Files
            ? old.Files
            : CountListed(old, [], root)));
    }

    private async ValueTask<(DirectoryReference Directory, bool CanRecur)> BuildAsync(
        Context context, ReadOnlyMemory<byte> at, CompactHashTreeNode directory, int depth, CancellationToken cancellationToken)
    {
        ChunkId hash = HashOf(context, at, directory);
        if (known.TryGet(hash, out DirectoryReference stored))
        {
            return (stored, true);
        }
        if (depth > TreeLimits.MaximumDepth)
        {
            throw Damaged(context, at, $"it is below more than {TreeLimits.MaximumDepth} directories");
        }
        CompactHashTreeNode[] children = FindChildren(context, at, directory);
        await FindObjectsAsync(context, children, cancellationToken);
        TreeBuilder builder = new(context.Writer);
        await builder.AddDirectoryAsync(TreePath.Root, hash, cancellationToken);
        // An empty directory and a file without objects have the same hash: what has one of them in it is not known by its hash alone.
        bool canRecur = children.Length > 0;
        for (int i = 0; i < children.Length; i++)
        {
            TreePath path = TreePath.Root.Child(directory.Parts[i].Span);
            ReadOnlyMemory<byte> below = Join(at.Span, directory.Parts[i].Span);
            if (TreeLimits.Check(path) is { } problem)
            {
                throw Damaged(context, below, problem);
            }
            if (children[i].IsDirectory)
            {
                (DirectoryReference made, bool recurs) = await BuildAsync(context, below, children[i], depth + 1, cancellationToken);
                canRecur &= recurs;
                await builder.AddStoredAsync(path, made, cancellationToken);
            }
            else
            {
                canRecur &= children[i].Parts.Count > 0;
                await builder.AddFileAsync(path, await ContentOfAsync(context, below, children[i], cancellationToken), cancellationToken);
            }
        }
        DirectoryReference built = await builder.FinishAsync(cancellationToken);
        if (built.Size != directory.SizeBytes)
        {
            throw Damaged(context, at, $"it has {built.Size} bytes instead of {directory.SizeBytes}");
        }
        if (canRecur)
        {
            known.Set(hash, built);
        }
        return (built, canRecur);
    }

    /// <summary>Finds the children of a directory, and compares its hash with theirs.</summary>
    private static CompactHashTreeNode[] FindChildren(Context context, ReadOnlyMemory<byte> at, CompactHashTreeNode directory)
    {
        using IncrementalHash sum = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        CompactHashTreeNode[] children = new CompactHashTreeNode[directory.Parts.Count];
        byte[] path = new byte[at.Length + 1 + directory.Parts.Select(static name => name.Length).DefaultIfEmpty().Max()];
        at.Span.CopyTo(path);
        path[at.Length] = (byte)'/';
        ReadOnlySpan<byte> before = default;
        for (int i = 0; i < children.Length; i++)
        {
            ReadOnlySpan<byte> name = directory.Parts[i].Span;
            name.CopyTo(path.AsSpan(at.Length + 1));
            if (i > 0 && before.SequenceCompareTo(name) >= 0)
            {
                throw Damaged(context, at, "its children are not in byte order");
            }
            before = name;
            children[i] = context.Tree.Find(path.AsSpan(0, at.Length + 1 + name.Length))
                ?? throw Damaged(context, at, $"its child \"{Encoding.UTF8.GetString(name)}\" does not exist");
            sum.AppendData(name);
            sum.AppendData(":"u8);
            sum.AppendData(children[i].Hash.Span);
            sum.AppendData(":"u8);
        }
        return new ChunkId(sum.GetHashAndReset()) == HashOf(context, at, directory)
            ? children
            : throw Damaged(context, at, "it does not have the hash of what is in it");
    }

    private async ValueTask<FileContent> ContentOfAsync(
        Context context, ReadOnlyMemory<byte> at, CompactHashTreeNode file, CancellationToken cancellationToken)
    {
        ChunkId hash = HashOf(context, at, file);
        if (HashOfObjects(file.Parts) != hash)
        {
            throw Damaged(context, at, "it does not have the hash of its objects");
        }
        if (file.Parts.Count == 1 && objects.TryMake(file.Parts[0].Span, file.SizeBytes, hash) is { } whole)
        {
            return whole;
        }
        FileContent[] parts = new FileContent[file.Parts.Count];
        for (int i = 0; i < parts.Length; i++)
        {
            string name = Encoding.ASCII.GetString(file.Parts[i].Span);
            if (!contents.TryGet(name, out FileContent? part))
            {
                // A directory of more objects than are remembered.
                part = await metadata.ReadAsync(reader => reader.FindObject(name), cancellationToken) is { } record
                    ? FileContentCodec.Decode(record.Content.Span)
                    : throw Missing(name, context, at);
            }
            parts[i] = part;
        }
        FileContent content = await objects.JoinAsync(parts, hash, context.Writer, cancellationToken);
        return content.Size == file.SizeBytes
            ? content
            : throw Damaged(context, at, $"its objects have {content.Size} bytes, and it says {file.SizeBytes}");
    }

    /// <summary>Finds the objects that files name and that are not known yet, in one view of the metadata.</summary>
    private async Task FindObjectsAsync(Context context, CompactHashTreeNode[] children, CancellationToken cancellationToken)
    {
        HashSet<string> wanted = new(StringComparer.Ordinal);
        foreach (CompactHashTreeNode file in children.Where(static child => !child.IsDirectory))
        {
            if (file.Parts.Count == 1 && objects.TryMake(file.Parts[0].Span, file.SizeBytes, default) is not null)
            {
                continue;
            }
            foreach (ReadOnlyMemory<byte> part in file.Parts)
            {
                string name = Encoding.ASCII.GetString(part.Span);
                if (!contents.TryGet(name, out _))
                {
                    wanted.Add(name);
                }
            }
        }
        if (wanted.Count == 0)
        {
            return;
        }
        string? missing = await metadata.ReadAsync(
            reader =>
            {
                foreach (string name in wanted)
                {
                    if (reader.FindObject(name) is not { } record)
                    {
                        return name;
                    }
                    contents.Set(name, FileContentCodec.Decode(record.Content.Span));
                }
                return null;
            },
            cancellationToken);
        if (missing is not null)
        {
            throw Missing(missing, context, default);
        }
    }

    private static long CountListed(CompactHashTree tree, ReadOnlySpan<byte> at, CompactHashTreeNode node)
    {
        long count = node.IsDirectory ? 0 : 1;
        foreach (ReadOnlyMemory<byte> name in node.IsDirectory ? node.Parts : [])
        {
            byte[] below = Join(at, name.Span);
            count += tree.Find(below) is { } child ? CountListed(tree, below, child) : 0;
        }
        return count;
    }

    private static ChunkId HashOfObjects(IReadOnlyList<ReadOnlyMemory<byte>> objects)
    {
        if (objects.Count == 1)
        {
            return ChunkId.Of(objects[0].Span);
        }
        byte[] all = ArrayPool<byte>.Shared.Rent(objects.Sum(static part => part.Length));
        int length = 0;
        foreach (ReadOnlyMemory<byte> part in objects)
        {
            part.Span.CopyTo(all.AsSpan(length));
            length += part.Length;
        }
        ChunkId hash = ChunkId.Of(all.AsSpan(0, length));
        ArrayPool<byte>.Shared.Return(all);
        return hash;
    }

    private static byte[] Join(ReadOnlySpan<byte> at, ReadOnlySpan<byte> name)
    {
        byte[] path = new byte[at.Length + 1 + name.Length];
        at.CopyTo(path);
        path[at.Length] = (byte)'/';
        name.CopyTo(path.AsSpan(at.Length + 1));
        return path;
    }

    private static ChunkId HashOf(Context context, ReadOnlyMemory<byte> at, CompactHashTreeNode node) => node.Hash.Length == ChunkId.Length
        ? new ChunkId(node.Hash.Span)
        : throw Damaged(context, at, $"its hash has {node.Hash.Length} bytes");

    private static OperatorException Missing(string name, Context context, ReadOnlyMemory<byte> at)
    {
        string shown = name.Length == HashText ? name : $"of a name of {name.Length} characters";
        string file = at.IsEmpty ? "" : $"{Encoding.UTF8.GetString(at.Span)} in ";
        return new OperatorException(
            "object-missing", $"object {shown}", $"it does not exist or cannot be read, and {file}{context.Thing} names it",
            "restore the object from a backup of the object store");
    }

    private static CorruptionException Damaged(Context context, ReadOnlyMemory<byte> at, string problem) =>
        Damaged(context.Thing, $"{(at.IsEmpty ? "/" : Encoding.UTF8.GetString(at.Span))}: {problem}");

    private static CorruptionException Damaged(string thing, string problem) => new(
        "hashtree-damaged", thing, problem, "restore the object from a backup of the object store");

    private sealed record Context(CompactHashTree Tree, string Thing, IChunkWriter Writer);
}
