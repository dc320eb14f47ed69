using Pachyderm.Errors;
using Pachyderm.Storage.Content;

namespace Pachyderm.Storage.Trees.Nodes;

/// <summary>Reads nodes through the cache, and checks that each is what its parent says.</summary>
internal sealed class NodeSource
{
    // Some ten megabytes.
    private const int NodesOfSequence = 1_024;

    private readonly IChunkStore store;
    private readonly NodeCache cache;
    // How many more may come into the cache; null for any number.
    private int? mayAdd;

    /// <summary>Reads the nodes of a store.</summary>
    internal NodeSource(IChunkStore store, NodeCache cache)
        : this(store, cache, mayAdd: null)
    {
    }

    private NodeSource(IChunkStore store, NodeCache cache, int? mayAdd)
    {
        this.store = store;
        this.cache = cache;
        this.mayAdd = mayAdd;
    }

    /// <summary>The node of an empty directory. Known to everybody, it is never read.</summary>
    internal static TreeNode EmptyNode { get; } = MakeEmptyNode();

    /// <summary>The reference to an empty directory.</summary>
    internal static DirectoryReference EmptyDirectory { get; } = new(EmptyNode.Id, EmptyNode.Id, 0, 0);

    /// <summary>
    /// The same nodes, for one sequence that may read very many: only the first ones come into the cache. The others would drive out
    /// everything else and each other, and live just so long that collecting them is expensive.
    /// </summary>
    internal NodeSource ForSequence() => new(store, cache, NodesOfSequence);

    /// <summary>Reads the top node of a directory.</summary>
    /// <exception cref="CorruptionException">It is missing or damaged.</exception>
    internal async ValueTask<TreeNode> ReadAsync(DirectoryReference directory, CancellationToken cancellationToken)
    {
        TreeNode node = await ReadAsync(directory.Node, cancellationToken).ConfigureAwait(false);
        return node.Size == directory.Size && node.Files == directory.Files
            ? node
            : throw NodeDamage.Of(
                directory.Node,
                $"it has {node.Files} files of {node.Size} bytes, and its parent claims {directory.Files} of {directory.Size}");
    }

    /// <summary>Reads a node below another.</summary>
    /// <exception cref="CorruptionException">It is missing or damaged.</exception>
    internal async ValueTask<TreeNode> ReadChildAsync(TreeNode parent, int index, CancellationToken cancellationToken)
    {
        TreeNode node = await ReadAsync(parent.ChildId(index), cancellationToken).ConfigureAwait(false);
        ChildReference claim = parent.Child(index);
        bool fits = node.Level == parent.Level - 1
            && (node.Size, node.Files, node.Entries) == (claim.Size, claim.Files, claim.Entries)
            && node.LastName.SequenceEqual(parent.Name(index))
            && (index == 0 || node.Name(0).SequenceCompareTo(parent.Name(index - 1)) > 0);
        return fits ? node : throw NodeDamage.Of(node.Id, $"it is not what its parent {parent.Id} claims");
    }

    private async ValueTask<TreeNode> ReadAsync(ChunkId id, CancellationToken cancellationToken)
    {
        if (id == EmptyNode.Id)
        {
            return EmptyNode;
        }
        if (cache.TryGet(id, out TreeNode? node))
        {
            return node;
        }
        using ChunkBuffer chunk = await store.ReadAsync(id, cancellationToken).ConfigureAwait(false);
        node = NodeFormat.Read(chunk.Memory.Span, id);
        if (mayAdd != 0)
        {
            mayAdd--;
            cache.Add(node);
        }
        return node;
    }

    private static TreeNode MakeEmptyNode()
    {
        ByteBuffer buffer = new(NodeFormat.HeaderLength);
        NodeFormat.WriteHeader(buffer, level: 0);
        return NodeFormat.Read(buffer.Span, ChunkId.Of(buffer.Span));
    }
}
