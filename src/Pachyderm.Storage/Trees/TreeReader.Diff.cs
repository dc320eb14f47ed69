using System.Runtime.CompilerServices;
using Pachyderm.Storage.Trees.Nodes;

namespace Pachyderm.Storage.Trees;

public sealed partial class TreeReader
{
    /// <summary>
    /// What differs between two files or directories (spec/pfs.md section 5, "DiffFile"), in the order of <see cref="WalkAsync"/>. Entries
    /// of the same kind, hash and size are equal, and nodes that both sides share are not read: the cost is that of what differs.
    /// </summary>
    /// <param name="newEntry">The new one; null if it is missing.</param>
    /// <param name="oldEntry">The old one, at the same path or another; null if it is missing.</param>
    /// <param name="shallow">
    /// Whether children of the two directories are reported as they are. Else directories are not reported, but what differs in them: a
    /// file on the side or sides where it is.
    /// </param>
    /// <param name="cancellationToken">Stops the reading.</param>
    public async IAsyncEnumerable<TreeDifference> DiffAsync(
        TreeEntry? newEntry, TreeEntry? oldEntry, bool shallow, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        Stack<DirectoryPair> open = new();
        TreeDifference current = new(newEntry, oldEntry);
        while (true)
        {
            if (!AreSame(current.New, current.Old))
            {
                bool whole = shallow && open.Count > 0;
                TreeDifference reported = whole ? current : new(OnlyFile(current.New), OnlyFile(current.Old));
                if (reported != default)
                {
                    yield return reported;
                }
                if (!whole && (current.New?.IsDirectory == true || current.Old?.IsDirectory == true))
                {
                    CheckDepth(open.Count, (current.New?.Directory ?? current.Old?.Directory)!.Value);
                    open.Push(new DirectoryPair(
                        current.New, await OpenAsync(current.New, cancellationToken).ConfigureAwait(false),
                        current.Old, await OpenAsync(current.Old, cancellationToken).ConfigureAwait(false)));
                }
            }
            current = default;
            while (current == default)
            {
                if (!open.TryPeek(out DirectoryPair? pair))
                {
                    yield break;
                }
                if (await pair.NextAsync(cancellationToken).ConfigureAwait(false) is { } next)
                {
                    current = next;
                }
                else
                {
                    open.Pop();
                }
            }
        }
    }

    private static bool AreSame(TreeEntry? left, TreeEntry? right)
    {
        if (left is null || right is null || left.IsDirectory != right.IsDirectory)
        {
            return left is null && right is null;
        }
        bool sameNode = left.IsDirectory && left.Directory!.Value.Node == right.Directory!.Value.Node;
        return sameNode || (left.Hash == right.Hash && left.Size == right.Size);
    }

    private static TreeEntry? OnlyFile(TreeEntry? entry) => entry is { IsDirectory: false } ? entry : null;

    private async ValueTask<DirectoryCursor?> OpenAsync(TreeEntry? entry, CancellationToken cancellationToken) =>
        entry?.Directory is { } directory
            ? await DirectoryCursor.OpenAsync(nodes, directory, cancellationToken).ConfigureAwait(false)
            : null;

    /// <summary>Two directories that are gone through in step; either may be missing.</summary>
    private sealed class DirectoryPair(TreeEntry? newEntry, DirectoryCursor? newCursor, TreeEntry? oldEntry, DirectoryCursor? oldCursor)
    {
        /// <summary>The next children with the same name, or the next child that only one side has, if their values differ.</summary>
        internal async ValueTask<TreeDifference?> NextAsync(CancellationToken cancellationToken)
        {
            while (newCursor is { AtEnd: false } || oldCursor is { AtEnd: false })
            {
                int newLevel = LevelOf(newCursor);
                int oldLevel = LevelOf(oldCursor);
                if (newLevel == oldLevel && newLevel >= 0 && newCursor!.NodeId == oldCursor!.NodeId)
                {
                    newCursor.Advance();
                    oldCursor.Advance();
                }
                else if (newLevel >= 0 || oldLevel >= 0)
                {
                    // Down to the entries, the higher side first, so that nodes of the same level meet.
                    if (newLevel >= oldLevel)
                    {
                        await newCursor!.ExpandAsync(cancellationToken).ConfigureAwait(false);
                    }
                    if (oldLevel >= newLevel)
                    {
                        await oldCursor!.ExpandAsync(cancellationToken).ConfigureAwait(false);
                    }
                }
                else if (TakeEntries() is { } difference)
                {
                    return difference;
                }
            }
            return null;
        }

        /// <summary>Level of the node ahead; -1 at an entry or the end.</summary>
        private static int LevelOf(DirectoryCursor? cursor) => cursor is { AtNode: true } ? cursor.Level : -1;

        private TreeDifference? TakeEntries()
        {
            int order = newCursor is not { AtEnd: false } ? 1
                : oldCursor is not { AtEnd: false } ? -1
                : newCursor.Name.SequenceCompareTo(oldCursor.Name);
            TreeDifference? difference = order == 0 && newCursor!.Value.SequenceEqual(oldCursor!.Value) ? null : new TreeDifference(
                order <= 0 ? Entry(newEntry!.Path.Child(newCursor!.Name), newCursor.Value) : null,
                order >= 0 ? Entry(oldEntry!.Path.Child(oldCursor!.Name), oldCursor.Value) : null);
            if (order <= 0)
            {
                newCursor!.Advance();
            }
            if (order >= 0)
            {
                oldCursor!.Advance();
            }
            return difference;
        }
    }
}
