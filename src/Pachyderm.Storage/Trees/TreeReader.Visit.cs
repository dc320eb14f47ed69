using Pachyderm.Storage.Content;
using Pachyderm.Storage.Trees.Nodes;

namespace Pachyderm.Storage.Trees;

public sealed partial class TreeReader
{
    /// <summary>
    /// Goes through everything that a tree needs, its nodes and its files, for the garbage collector and checks; give those a reader with a
    /// cache of its own. The node of an empty directory never comes, as it is not stored.
    /// </summary>
    /// <param name="root">The tree.</param>
    /// <param name="isNewNode">
    /// Asked once for each reference to a node. If it answers false, what is below is left out; so answer true the first time only, and
    /// what trees share is visited once.
    /// </param>
    /// <param name="visitFileAsync">
    /// Called for each file. Its chunks, and nodes of its list of chunks, are for the callee to go through.
    /// </param>
    /// <param name="cancellationToken">Stops the reading.</param>
    public async Task VisitAsync(
        DirectoryReference root,
        Func<ChunkId, bool> isNewNode,
        Func<FileContent, CancellationToken, Task> visitFileAsync,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(isNewNode);
        ArgumentNullException.ThrowIfNull(visitFileAsync);
        if (root.Node == EmptyDirectory.Node || !isNewNode(root.Node))
        {
            return;
        }
        Stack<(TreeNode Node, int Next, int Depth)> open = new();
        open.Push((await nodes.ReadAsync(root, cancellationToken).ConfigureAwait(false), 0, 1));
        while (open.TryPop(out (TreeNode Node, int Next, int Depth) at))
        {
            (TreeNode node, int index, int depth) = at;
            if (index == node.Count)
            {
                continue;
            }
            open.Push((node, index + 1, depth));
            if (node.Level == 0 && !EntryEncoding.IsDirectory(node.Value(index)))
            {
                await visitFileAsync(EntryEncoding.File(node.Value(index)), cancellationToken).ConfigureAwait(false);
                continue;
            }
            DirectoryReference? directory = node.Level == 0 ? EntryEncoding.Directory(node.Value(index)) : null;
            ChunkId child = directory?.Node ?? node.ChildId(index);
            if (child == EmptyDirectory.Node || !isNewNode(child))
            {
                continue;
            }
            if (directory is { } below)
            {
                CheckDepth(depth, below);
                open.Push((await nodes.ReadAsync(below, cancellationToken).ConfigureAwait(false), 0, depth + 1));
            }
            else
            {
                open.Push((await nodes.ReadChildAsync(node, index, cancellationToken).ConfigureAwait(false), 0, depth));
            }
        }
    }
}
