using System.Runtime.CompilerServices;
using Pachyderm.Storage.Trees.Globs;
using Pachyderm.Storage.Trees.Nodes;

namespace Pachyderm.Storage.Trees;

public sealed partial class TreeReader
{
    /// <summary>
    /// The files and directories that a pattern matches, in byte order of their whole paths, in which <c>/a-b/c</c> sorts before
    /// <c>/a/c</c>. Reads what can match only: names without wildcards are looked up, and of the others those that begin as the pattern
    /// does.
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
        NodeSource sequence = nodes.ForSequence();
        Stack<GlobLevel> open = new();
        open.Push(new GlobLevel(
            TreePath.Root, await SeekAsync(sequence, root ?? EmptyDirectory, pattern.Names[0], cancellationToken).ConfigureAwait(false)));
        while (open.TryPeek(out GlobLevel? level))
        {
            DirectoryCursor cursor = level.Cursor;
            GlobName name = pattern.Names[open.Count - 1];
            bool more = await cursor.MoveToEntryAsync(cancellationToken).ConfigureAwait(false) && cursor.Name.StartsWith(name.Prefix);
            if (level.Waiting.TryPeek(out TreeEntry? waiting) && !(more && SortsBefore(cursor.Name, waiting.Path.Name.Span)))
            {
                level.Waiting.Pop();
                GlobName below = pattern.Names[open.Count];
                open.Push(new GlobLevel(
                    waiting.Path, await SeekAsync(sequence, waiting.Directory!.Value, below, cancellationToken).ConfigureAwait(false)));
                continue;
            }
            if (!more)
            {
                open.Pop();
                continue;
            }
            bool last = open.Count == pattern.Names.Count;
            bool wanted = name.Matches(cursor.Name) && (last || EntryEncoding.IsDirectory(cursor.Value));
            TreeEntry? entry = wanted ? Entry(level.Path.Child(cursor.Name), cursor.Value) : null;
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
                level.Waiting.Push(entry);
            }
        }
    }

    /// <summary>Whether the paths below a name come before those below the name of an earlier directory, which it begins with.</summary>
    private static bool SortsBefore(ReadOnlySpan<byte> name, ReadOnlySpan<byte> directory) =>
        name.Length > directory.Length && name.StartsWith(directory) && name[directory.Length] < (byte)'/';

    private static ValueTask<DirectoryCursor> SeekAsync(
        NodeSource nodes, DirectoryReference directory, GlobName name, CancellationToken cancellationToken) =>
        DirectoryCursor.SeekAsync(nodes, directory, name.Prefix, cancellationToken);

    /// <summary>A directory in which names are matched.</summary>
    private sealed class GlobLevel(TreePath path, DirectoryCursor cursor)
    {
        internal TreePath Path => path;

        internal DirectoryCursor Cursor => cursor;

        /// <summary>
        /// Directories that match, until it is known that no other goes before: each begins with the name of the one below.
        /// </summary>
        internal Stack<TreeEntry> Waiting { get; } = new();
    }
}
