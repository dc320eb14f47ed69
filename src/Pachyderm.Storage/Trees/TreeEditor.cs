using Pachyderm.Errors;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Trees.Editing;
using Pachyderm.Storage.Trees.Nodes;

namespace Pachyderm.Storage.Trees;

/// <summary>
/// Applies writes to trees. The same content gives the same tree, whatever the order of the writes and however they are grouped into calls.
/// A call takes memory for its writes, and time for them and for the nodes above what they change. Safe for concurrent use.
/// </summary>
public sealed class TreeEditor
{
    private readonly NodeSource nodes;
    private readonly NodeShape shape;
    private readonly TreeReader reader;

    /// <summary>Edits the trees of a store.</summary>
    /// <param name="store">Where nodes are read.</param>
    /// <param name="cache">Nodes that were read last; share it among the editors and readers of one store.</param>
    public TreeEditor(IChunkStore store, NodeCache cache)
        : this(store, cache, NodeShape.Format1)
    {
    }

    internal TreeEditor(IChunkStore store, NodeCache cache, NodeShape shape)
    {
        this.shape = shape;
        nodes = new NodeSource(store, cache);
        reader = new TreeReader(store, cache);
    }

    /// <summary>Applies writes in their order.</summary>
    /// <param name="root">The tree before; null for an empty one.</param>
    /// <param name="writes">The writes.</param>
    /// <param name="writer">Takes the new nodes. They are durable when it was flushed.</param>
    /// <param name="concatAsync">Puts contents together, of a file and of what is appended to it, in this order; two or more.</param>
    /// <param name="cancellationToken">Stops the work; nodes that were written do no harm.</param>
    /// <returns>The tree after, the very reference before if it is the same.</returns>
    /// <exception cref="TreeConflictException">
    /// A write cannot be applied; it is the first of those, each judged by what the writes before it left. Nothing is changed.
    /// </exception>
    /// <exception cref="ArgumentException">A content does not fit its size, or a file is to be put at the root.</exception>
    /// <exception cref="CorruptionException">A stored node is missing or damaged.</exception>
    public async Task<DirectoryReference> ApplyAsync(
        DirectoryReference? root,
        IReadOnlyList<TreeWrite> writes,
        IChunkWriter writer,
        Func<IReadOnlyList<FileContent>, CancellationToken, ValueTask<FileContent>> concatAsync,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(writes);
        ArgumentNullException.ThrowIfNull(writer);
        ArgumentNullException.ThrowIfNull(concatAsync);
        Overlay overlay = new(async (path, token) => (await reader.FindAsync(root, path, token).ConfigureAwait(false)).Entry, nodes);
        Conflict? conflict = await overlay.FoldAsync(writes, cancellationToken).ConfigureAwait(false);
        TreeMerge merge = new(nodes, shape, writer, concatAsync, writes, cancellationToken);
        DirectoryReference? stored = overlay.Root.Gone ? null : root;
        DirectoryReference result = await merge.DirectoryAsync(TreePath.Root, overlay.Root, stored).ConfigureAwait(false);
        conflict = Overlay.Earlier(merge.Conflict, conflict);
        conflict = Overlay.Earlier(await overlay.JudgeDetachedAsync(writes, cancellationToken).ConfigureAwait(false), conflict);
        return conflict is not null ? throw new TreeConflictException(conflict.Message)
            : root is { } same && same.Node == result.Node ? same
            : result;
    }
}
