using System.Security.Cryptography;
using System.Text;
using Pachyderm.Errors;
using Pachyderm.Formats.Content;
using Pachyderm.Metadata;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Trees;

namespace Pachyderm.Migration.Steps.Native;

/// <summary>
/// Makes trees of this release of hash trees. Directories and files keep the hashes that they had. A directory that was made before is not
/// made again, so that a commit costs what differs from the commits before it, beside the reading of its old tree. For one caller at a time.
/// </summary>
/// <param name="source">Where the old trees are.</param>
/// <param name="metadata">Knows the objects.</param>
/// <param name="objects">Makes contents of objects.</param>
internal sealed class TreeImport(LegacyContentStore source, IMetadataStore metadata, ObjectImport objects)
{
    // About 150 bytes each. When the newer half is full, the older one is dropped.
    private const int RememberedDirectories = 100_000;
    private const int RememberedObjects = 100_000;

    private readonly TwoGenerations<ChunkId, DirectoryReference> known = new(RememberedDirectories);
    private readonly TwoGenerations<string, FileContent> contents = new(RememberedObjects);

    /// <summary>Makes the tree of a commit.</summary>
    /// <param name="objectHash">The object that is its hash tree.</param>
    /// <param name="writer">Takes the nodes.</param>
    /// <param name="cancellationToken">Stops.</param>
    /// <exception cref="OperatorException">An object is missing, or the tree is damaged.</exception>
    public async Task<(DirectoryReference Tree, SourceRoot Root)> BuildAsync(
        string objectHash, IChunkWriter writer, CancellationToken cancellationToken)
    {
        HashTree old = await source.ReadHashTreeAsync(objectHash, cancellationToken);
        string thing = $"tree {objectHash}";
        if (old.Root is not { } root)
        {
            DirectoryReference nothing = TreeReader.EmptyDirectory with { Hash = ChunkId.Of([]) };
            return (nothing, new SourceRoot(nothing.Hash, 0, 0));
        }
        await FindObjectsAsync(old, thing, cancellationToken);
        (DirectoryReference tree, _) = await BuildAsync(new Context(old, thing, writer), root, 1, cancellationToken);
        return (tree, new SourceRoot(HashOf(root, thing), root.SizeBytes, old.Walk().LongCount(static node => !node.IsDirectory)));
    }

    private async ValueTask<(DirectoryReference Directory, bool CanRecur)> BuildAsync(
        Context context, HashTreeNode directory, int depth, CancellationToken cancellationToken)
    {
        ChunkId hash = HashOf(directory, context.Thing);
        if (known.TryGet(hash, out DirectoryReference stored))
        {
            return (stored, true);
        }
        if (depth > TreeLimits.MaximumDepth)
        {
            throw Damaged(context.Thing, $"{directory.Path} is below more than {TreeLimits.MaximumDepth} directories");
        }
        TreeBuilder builder = new(context.Writer);
        await builder.AddDirectoryAsync(TreePath.Root, hash, cancellationToken);
        // An empty directory and a file without objects have the same hash: what has one of them in it is not known by its hash alone.
        bool canRecur = true;
        int children = 0;
        using IncrementalHash sum = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (HashTreeNode child in context.Tree.GetChildren(directory))
        {
            children++;
            ReadOnlySpan<byte> name = child.PathBytes.Span[(directory.PathBytes.Length + 1)..];
            AppendChild(sum, name, child);
            TreePath path = TreePath.Root.Child(name);
            if (TreeLimits.Check(path) is { } problem)
            {
                throw Damaged(context.Thing, $"{child.Path}: {problem}");
            }
            if (child.IsDirectory)
            {
                (DirectoryReference below, bool recurs) = await BuildAsync(context, child, depth + 1, cancellationToken);
                canRecur &= recurs;
                await builder.AddStoredAsync(path, below, cancellationToken);
            }
            else
            {
                canRecur &= child.Objects.Count > 0;
                await builder.AddFileAsync(path, await ContentOfAsync(context, child, cancellationToken), cancellationToken);
            }
        }
        DirectoryReference made = await builder.FinishAsync(cancellationToken);
        if (made.Size != directory.SizeBytes)
        {
            throw Damaged(context.Thing, $"{directory.Path}/ has {made.Size} bytes instead of {directory.SizeBytes}");
        }
        // What is not built again was compared when it was: so every hash of every commit is, once.
        if (new ChunkId(sum.GetHashAndReset()) != hash || children != directory.ChildCount)
        {
            throw Damaged(context.Thing, $"{directory.Path}/ does not have the hash of what is in it");
        }
        canRecur &= children > 0;
        if (canRecur)
        {
            known.Set(hash, made);
        }
        return (made, canRecur);
    }

    private static void AppendChild(IncrementalHash sum, ReadOnlySpan<byte> name, HashTreeNode child)
    {
        sum.AppendData(name);
        sum.AppendData(":"u8);
        sum.AppendData(child.Hash.Span);
        sum.AppendData(":"u8);
    }

    private async ValueTask<FileContent> ContentOfAsync(Context context, HashTreeNode file, CancellationToken cancellationToken)
    {
        if (FileHash(file.Objects) != HashOf(file, context.Thing))
        {
            throw Damaged(context.Thing, $"{file.Path} does not have the hash of its objects");
        }
        FileContent[] parts = new FileContent[file.Objects.Count];
        for (int i = 0; i < parts.Length; i++)
        {
            string name = file.Objects[i];
            if (!contents.TryGet(name, out FileContent? part))
            {
                // A tree of more objects than are remembered.
                part = await metadata.ReadAsync(reader => reader.FindObject(name), cancellationToken) is { } record
                    ? FileContentCodec.Decode(record.Content.Span)
                    : throw Missing(name, context.Thing);
            }
            parts[i] = part;
        }
        FileContent content = await objects.JoinAsync(parts, HashOf(file, context.Thing), context.Writer, cancellationToken);
        return content.Size == file.SizeBytes
            ? content
            : throw Damaged(context.Thing, $"the objects of {file.Path} have {content.Size} bytes, and it says {file.SizeBytes}");
    }

    /// <summary>Finds the objects that a tree names and that are not known yet, in one view of the metadata.</summary>
    private async Task FindObjectsAsync(HashTree tree, string thing, CancellationToken cancellationToken)
    {
        HashSet<string> wanted = new(
            tree.Walk().SelectMany(static node => node.Objects).Where(name => !contents.TryGet(name, out _)), StringComparer.Ordinal);
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
            throw Missing(missing, thing);
        }
    }

    private static ChunkId FileHash(IReadOnlyList<string> objects)
    {
        const int Length = 2 * SHA512.HashSizeInBytes;
        if (objects.Count == 1)
        {
            Span<byte> one = stackalloc byte[Length];
            Encoding.ASCII.GetBytes(objects[0], one);
            return ChunkId.Of(one);
        }
        byte[] all = new byte[objects.Count * Length];
        for (int i = 0; i < objects.Count; i++)
        {
            Encoding.ASCII.GetBytes(objects[i], all.AsSpan(i * Length));
        }
        return ChunkId.Of(all);
    }

    private static ChunkId HashOf(HashTreeNode node, string thing) => node.Hash.Length == ChunkId.Length
        ? new ChunkId(node.Hash.Span)
        : throw Damaged(thing, $"{node.Path} has a hash of {node.Hash.Length} bytes");

    private static OperatorException Missing(string name, string thing) => new(
        "object-missing", $"object {name}", $"it does not exist, and {thing} names it", "restore the object from a backup of the object store");

    private static CorruptionException Damaged(string thing, string problem) => new(
        "hashtree-damaged", thing, problem, "restore the object from a backup of the object store");

    private sealed record Context(HashTree Tree, string Thing, IChunkWriter Writer);
}
