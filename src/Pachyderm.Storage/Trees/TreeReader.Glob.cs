using System.Runtime.CompilerServices;
using Pachyderm.Storage.Trees.Globs;
using Pachyderm.Storage.Trees.Nodes;

namespace Pachyderm.Storage.Trees;

public sealed partial class TreeReader
{
    /// <summary>
    /// The files and directories that a pattern matches, in byte order on each level. Reads what can match only: names without wildcards
    /// are looked up, and of the others those that begin as the pattern does.
    /// </summary>
    /// <param name="root">The tree; null for an empty one.</param>
    /// <param name="pattern">The pattern.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    public async IAsyncEnumerable<TreeEntry> GlobAsync(
        DirectoryReference? root, GlobPattern pattern, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(pattern);
        if (pattern.Names.Count == 0)
        {
            yield return RootEntry(root);
            yield break;
        }
        Stack<(TreePath Path, DirectoryCursor Cursor)> open = new();
        open.Push((TreePath.Root, await SeekAsync(root ?? EmptyDirectory, pattern.Names[0], cancellationToken).ConfigureAwait(false)));
        while (open.TryPeek(out (TreePath Path, DirectoryCursor Cursor) current))
        {
            DirectoryCursor cursor = current.Cursor;
            GlobName name = pattern.Names[open.Count - 1];
            if (!await cursor.MoveToEntryAsync(cancellationToken).ConfigureAwait(false) || !cursor.Name.StartsWith(name.Prefix))
            {
                open.Pop();
                continue;
            }
            bool last = open.Count == pattern.Names.Count;
            bool wanted = name.Matches(cursor.Name) && (last || EntryEncoding.IsDirectory(cursor.Value));
            TreeEntry? entry = wanted ? Entry(current.Path.Child(cursor.Name), cursor.Value) : null;
            if (name.IsLiteral)
            {
                cursor.Finish();
            }
            else
            {
                cursor.Advance();
            }
            if (entry is not null && last)
            {
                yield return entry;
            }
            else if (entry is not null)
            {
                DirectoryReference below = entry.Directory!.Value;
                open.Push((entry.Path, await SeekAsync(below, pattern.Names[open.Count], cancellationToken).ConfigureAwait(false)));
            }
        }
    }

    private ValueTask<DirectoryCursor> SeekAsync(DirectoryReference directory, GlobName name, CancellationToken cancellationToken) =>
        DirectoryCursor.SeekAsync(nodes, directory, name.Prefix, cancellationToken);
}
