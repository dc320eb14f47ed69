using Pachyderm.Storage.Content;
using Pachyderm.Storage.Trees.Nodes;

namespace Pachyderm.Storage.Trees.Editing;

/// <summary>
/// Writes, folded in their order into one tree of what they do to each path. Only splits look at what is stored; otherwise the paths at
/// which a write would be in conflict with it carry the number of that write, to be judged when the tree is merged.
/// </summary>
/// <param name="findAsync">Finds what is stored at a path.</param>
/// <param name="nodes">Reads what is stored.</param>
internal sealed class Overlay(Func<TreePath, CancellationToken, ValueTask<TreeEntry?>> findAsync, NodeSource nodes)
{
    private readonly List<(TreePath Path, OverlayNode Node)> detached = [];

    internal OverlayNode Root { get; } = new(gone: false);

    /// <summary>Folds writes, up to the first that is in conflict with those before.</summary>
    /// <returns>That conflict, if there is one.</returns>
    internal async ValueTask<Conflict?> FoldAsync(IReadOnlyList<TreeWrite> writes, CancellationToken cancellationToken)
    {
        for (int i = 0; i < writes.Count; i++)
        {
            TreeWrite write = writes[i];
            if (TreeLimits.Check(write.Path) is { } problem)
            {
                return new Conflict(i, $"could not write at \"{write.Path}\": {problem}");
            }
            Conflict? conflict = null;
            switch (write)
            {
                case PutFile put:
                    conflict = Put(put, i);
                    break;
                case PutSplit split:
                    conflict = await PutSplitAsync(split, i, cancellationToken).ConfigureAwait(false);
                    break;
                case PutDirectory:
                    conflict = Enter(write.Path, i, SplitTarget(write.Path), out _);
                    break;
                case DeletePath:
                    Delete(write.Path);
                    break;
                default:
                    throw new ArgumentException($"{write.GetType()} is no write that can be applied.", nameof(writes));
            }
            if (conflict is not null)
            {
                return conflict;
            }
        }
        return null;
    }

    /// <summary>Judges uses of what is stored at paths below others that were removed later.</summary>
    internal async ValueTask<Conflict?> JudgeDetachedAsync(IReadOnlyList<TreeWrite> writes, CancellationToken cancellationToken)
    {
        Conflict? first = null;
        foreach ((TreePath path, OverlayNode node) in detached)
        {
            if (Math.Min(node.FileUse, node.DirectoryUse) < (first?.Write ?? OverlayNode.Never)
                && await findAsync(path, cancellationToken).ConfigureAwait(false) is { } stored)
            {
                first = Earlier(first, Judge(node, path, stored.IsDirectory, writes));
            }
        }
        return first;
    }

    /// <summary>The conflict of a node with what is stored at its path.</summary>
    internal static Conflict? Judge(OverlayNode node, TreePath path, bool directoryIsStored, IReadOnlyList<TreeWrite> writes)
    {
        if (directoryIsStored)
        {
            return node.FileUse == OverlayNode.Never ? null : Conflict.DirectoryThere(node.FileUse, path);
        }
        if (node.DirectoryUse == OverlayNode.Never)
        {
            return null;
        }
        TreeWrite write = writes[node.DirectoryUse];
        return Conflict.FileThere(node.DirectoryUse, Through(write is PutFile ? write.Path : SplitTarget(write.Path), path.Bytes.Length));
    }

    internal static Conflict? Earlier(Conflict? left, Conflict? right) =>
        left is null ? right : right is null || left.Write <= right.Write ? left : right;

    private Conflict? Put(PutFile put, int write)
    {
        if (put.Path.IsRoot)
        {
            throw new ArgumentException("A file cannot be put at the root.", nameof(put));
        }
        EntryEncoding.Check(put.Content);
        if (put.Overwrite)
        {
            Delete(put.Path);
        }
        Conflict? conflict = Enter(put.Path.Parent, write, put.Path, out OverlayNode parent);
        return conflict ?? Append(parent, put.Path.Parent, put.Path.Name, put.Content, write);
    }

    private async ValueTask<Conflict?> PutSplitAsync(PutSplit split, int write, CancellationToken cancellationToken)
    {
        if (split.Overwrite)
        {
            Delete(split.Path);
        }
        if (split.Contents.IsEmpty)
        {
            return null;
        }
        Conflict? conflict = Enter(split.Path, write, SplitTarget(split.Path), out OverlayNode directory);
        if (conflict is not null)
        {
            return conflict;
        }
        if (directory.Split is null)
        {
            TreeEntry? stored = directory.Gone ? null : await findAsync(split.Path, cancellationToken).ConfigureAwait(false);
            DirectoryCursor? last = stored?.Directory is { } there
                ? await DirectoryCursor.OpenAtLastAsync(nodes, there, cancellationToken).ConfigureAwait(false)
                : null;
            directory.Split = new SplitPosition(directory, last);
        }
        (long next, string? notANumber) = await directory.Split.NextAsync(directory, cancellationToken).ConfigureAwait(false);
        if (notANumber is not null)
        {
            return new Conflict(
                write,
                $"error parsing filename {notANumber} as int, this likely means you're using split on a directory which contains "
                + "other data that wasn't put with split");
        }
        for (int i = 0; i < split.Contents.Length && conflict is null; i++)
        {
            EntryEncoding.Check(split.Contents[i]);
            conflict = Append(directory, split.Path, SplitPosition.Name(next + i), split.Contents[i], write);
        }
        return conflict;
    }

    /// <summary>Goes to a directory, and makes it and those above where they are missing.</summary>
    /// <param name="path">The directory.</param>
    /// <param name="write">The number of the write.</param>
    /// <param name="target">What is to be put, below the directory: for messages.</param>
    /// <param name="directory">The directory.</param>
    private Conflict? Enter(TreePath path, int write, TreePath target, out OverlayNode directory)
    {
        directory = Root;
        int length = 0;
        foreach (ReadOnlyMemory<byte> name in path.Names())
        {
            OverlayNode child = directory.GetOrAdd(name);
            length += 1 + name.Length;
            if (child.First is not null)
            {
                return Conflict.FileThere(write, Through(target, length));
            }
            child.BecomeDirectory(write);
            directory.Split?.Added(name);
            directory = child;
        }
        return null;
    }

    private static TreePath SplitTarget(TreePath directory) => directory.Child(SplitPosition.Name(0));

    /// <summary>The front of a path, up to and with the name after this many bytes.</summary>
    private static TreePath Through(TreePath path, int length)
    {
        int end = path.Bytes[(length + 1)..].IndexOf((byte)'/');
        return end < 0 ? path : path.Front(length + 1 + end);
    }

    private static Conflict? Append(OverlayNode directory, TreePath path, ReadOnlyMemory<byte> name, FileContent content, int write)
    {
        OverlayNode file = directory.GetOrAdd(name);
        if (file.IsDirectory)
        {
            return Conflict.DirectoryThere(write, path.Child(name.Span));
        }
        file.Append(content, write);
        directory.Split?.Added(name);
        return null;
    }

    private void Delete(TreePath path)
    {
        OverlayNode node = Root;
        OverlayNode? parent = null;
        foreach (ReadOnlyMemory<byte> name in path.Names())
        {
            if (node.First is not null || (node.Gone && node.Find(name) is null))
            {
                return;
            }
            parent = node;
            node = node.GetOrAdd(name);
        }
        Detach(path, node.Remove());
        if (parent is not null)
        {
            parent.Split?.Removed(path.Name);
            if (parent.Gone)
            {
                parent.Children!.Remove(path.Name);
            }
        }
    }

    private void Detach(TreePath path, Dictionary<ReadOnlyMemory<byte>, OverlayNode>? children)
    {
        foreach ((ReadOnlyMemory<byte> name, OverlayNode child) in children ?? [])
        {
            bool used = child.FileUse != OverlayNode.Never || child.DirectoryUse != OverlayNode.Never;
            if (used || child.Children is not null)
            {
                TreePath childPath = path.Child(name.Span);
                if (used)
                {
                    detached.Add((childPath, child));
                }
                Detach(childPath, child.Children);
            }
        }
    }
}
