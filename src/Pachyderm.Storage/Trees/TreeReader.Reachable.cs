using System.Runtime.CompilerServices;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Trees.Nodes;

namespace Pachyderm.Storage.Trees;

public sealed partial class TreeReader
{
    /// <summary>
    /// Every chunk that a tree needs: its nodes, and the chunks of its files. A chunk that several files share comes as often. The node of an empty
    /// directory never comes, as it is not stored. For the garbage collector and checks, whose reader better has a cache of its own.
    /// </summary>
    /// <param name="root">The tree.</param>
    /// <param name="shouldDescend">
    /// Asked once for each reference to a tree node. If it answers false, neither the node nor what is below comes; so answer true the first time only,
    /// and subtrees that trees share are visited once.
    /// </param>
    /// <param name="expand">Called for each file with lists of chunks (<see cref="FileContent.Depth"/> above 0): all its list nodes and chunks.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    public async IAsyncEnumerable<ChunkId> ReachableAsync(
        DirectoryReference root,
        Func<ChunkId, bool> shouldDescend,
        Func<FileContent, IAsyncEnumerable<ChunkReference>> expand,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(shouldDescend);
        ArgumentNullException.ThrowIfNull(expand);
        if (root.Node == EmptyDirectory.Node || !shouldDescend(root.Node))
        {
            yield break;
        }
        yield return root.Node;
        Stack<(TreeNode Node, int Next, int Depth)> open = new();
        open.Push((await nodes.ReadAsync(root, cancellationToken).ConfigureAwait(false), 0, 0));
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
                FileContent file = EntryEncoding.File(node.Value(index));
                if (file.Depth == 0)
                {
                    foreach (ChunkReference chunk in file.Chunks)
                    {
                        yield return chunk.Id;
                    }
                    continue;
                }
                await foreach (ChunkReference chunk in expand(file).WithCancellation(cancellationToken).ConfigureAwait(false))
                {
                    yield return chunk.Id;
                }
                continue;
            }
            DirectoryReference? directory = node.Level == 0 ? EntryEncoding.Directory(node.Value(index)) : null;
            ChunkId child = directory?.Node ?? node.ChildId(index);
            if (child != EmptyDirectory.Node && shouldDescend(child))
            {
                yield return child;
                CheckDepth(depth, directory ?? root);
                open.Push(directory is { } below
                    ? (await nodes.ReadAsync(below, cancellationToken).ConfigureAwait(false), 0, depth + 1)
                    : (await nodes.ReadChildAsync(node, index, cancellationToken).ConfigureAwait(false), 0, depth));
            }
        }
    }
}
