using Pachyderm.Storage.Content;

namespace Pachyderm.Storage.Trees.Nodes;

/// <summary>
/// A position in a directory, at an entry or in front of a whole node of entries that can be passed over without reading it, or expanded.
/// </summary>
internal sealed class DirectoryCursor
{
    private readonly NodeSource nodes;
    private readonly List<(TreeNode Node, int Index)> path = [];

    private DirectoryCursor(NodeSource nodes) => this.nodes = nodes;

    /// <summary>Whether everything was passed.</summary>
    internal bool AtEnd => path.Count == 0;

    /// <summary>Whether this is in front of a node rather than at an entry.</summary>
    internal bool AtNode => path.Count > 0 && path[^1].Node.Level > 0;

    /// <summary>The level of the node ahead.</summary>
    internal int Level => path[^1].Node.Level - 1;

    internal ChunkId NodeId => path[^1].Node.ChildId(path[^1].Index);

    internal ChildReference Child => path[^1].Node.Child(path[^1].Index);

    /// <summary>Name of the entry, or the last name in the node ahead.</summary>
    internal ReadOnlySpan<byte> Name => path[^1].Node.Name(path[^1].Index);

    /// <summary>Encoded value of the entry.</summary>
    internal ReadOnlySpan<byte> Value => path[^1].Node.Value(path[^1].Index);

    /// <summary>Whether nothing follows the node or entry ahead.</summary>
    internal bool AtLast
    {
        get
        {
            foreach ((TreeNode node, int index) in path)
            {
                if (index < node.Count - 1)
                {
                    return false;
                }
            }
            return true;
        }
    }

    /// <summary>Opens a directory in front of its first node or entry.</summary>
    internal static async ValueTask<DirectoryCursor> OpenAsync(
        NodeSource nodes, DirectoryReference directory, CancellationToken cancellationToken)
    {
        DirectoryCursor cursor = new(nodes);
        cursor.Push(await nodes.ReadAsync(directory, cancellationToken).ConfigureAwait(false), 0);
        return cursor;
    }

    /// <summary>Opens a directory at the first entry that does not sort before a name; at the end if there is none.</summary>
    internal static async ValueTask<DirectoryCursor> SeekAsync(
        NodeSource nodes, DirectoryReference directory, ReadOnlyMemory<byte> name, CancellationToken cancellationToken)
    {
        DirectoryCursor cursor = new(nodes);
        TreeNode node = await nodes.ReadAsync(directory, cancellationToken).ConfigureAwait(false);
        cursor.Push(node, node.LowerBound(name.Span));
        while (cursor.AtNode)
        {
            (TreeNode parent, int index) = cursor.path[^1];
            node = await nodes.ReadChildAsync(parent, index, cancellationToken).ConfigureAwait(false);
            cursor.Push(node, node.LowerBound(name.Span));
        }
        return cursor;
    }

    /// <summary>Opens a directory at its last entry; at the end if it is empty.</summary>
    internal static async ValueTask<DirectoryCursor> OpenAtLastAsync(
        NodeSource nodes, DirectoryReference directory, CancellationToken cancellationToken)
    {
        DirectoryCursor cursor = new(nodes);
        TreeNode node = await nodes.ReadAsync(directory, cancellationToken).ConfigureAwait(false);
        cursor.Push(node, Math.Max(0, node.Count - 1));
        await cursor.DescendToLastAsync(cancellationToken).ConfigureAwait(false);
        return cursor;
    }

    /// <summary>Moves in front of the first child, or first entry, of the node ahead.</summary>
    internal async ValueTask ExpandAsync(CancellationToken cancellationToken)
    {
        (TreeNode parent, int index) = path[^1];
        path.Add((await nodes.ReadChildAsync(parent, index, cancellationToken).ConfigureAwait(false), 0));
    }

    /// <summary>Passes the entry, or the node ahead.</summary>
    internal void Advance()
    {
        while (path.Count > 0)
        {
            (TreeNode node, int index) = path[^1];
            if (++index < node.Count)
            {
                path[^1] = (node, index);
                return;
            }
            path.RemoveAt(path.Count - 1);
        }
    }

    /// <summary>Passes everything.</summary>
    internal void Finish() => path.Clear();

    /// <summary>Goes back to the entry before; to the end if this was the first.</summary>
    internal async ValueTask RetreatAsync(CancellationToken cancellationToken)
    {
        while (path.Count > 0)
        {
            (TreeNode node, int index) = path[^1];
            if (--index >= 0)
            {
                path[^1] = (node, index);
                await DescendToLastAsync(cancellationToken).ConfigureAwait(false);
                return;
            }
            path.RemoveAt(path.Count - 1);
        }
    }

    /// <summary>Expands until this is at an entry.</summary>
    /// <returns>False if everything was passed.</returns>
    internal ValueTask<bool> MoveToEntryAsync(CancellationToken cancellationToken) =>
        AtNode ? DescendToFirstAsync(cancellationToken) : ValueTask.FromResult(!AtEnd);

    private async ValueTask<bool> DescendToFirstAsync(CancellationToken cancellationToken)
    {
        while (AtNode)
        {
            await ExpandAsync(cancellationToken).ConfigureAwait(false);
        }
        return !AtEnd;
    }

    private async ValueTask DescendToLastAsync(CancellationToken cancellationToken)
    {
        while (AtNode)
        {
            await ExpandAsync(cancellationToken).ConfigureAwait(false);
            (TreeNode node, _) = path[^1];
            path[^1] = (node, node.Count - 1);
        }
    }

    private void Push(TreeNode node, int index)
    {
        path.Add((node, index));
        if (index >= node.Count)
        {
            // Only a name past the last one of the directory leads here, or an empty directory.
            path.Clear();
        }
    }
}
