using System.Runtime.CompilerServices;
using Pachyderm.Errors;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Trees.Nodes;

namespace Pachyderm.Storage.Trees;

/// <summary>
/// Reads trees: finds, lists, walks, globs, compares. Costs are those of the answer, never of the tree: sequences are read as they are
/// consumed, in byte order of the names on each level. Every method throws <see cref="CorruptionException"/> where a node is missing or
/// damaged. Safe for concurrent use.
/// </summary>
/// <param name="store">Where nodes are read.</param>
/// <param name="cache">Nodes that were read last; share it among the editors and readers of one store.</param>
public sealed partial class TreeReader(IChunkStore store, NodeCache cache)
{
    private readonly NodeSource nodes = new(store, cache);

    /// <summary>A directory without entries. Its node is known to every reader, and never stored.</summary>
    public static DirectoryReference EmptyDirectory => NodeSource.EmptyDirectory;

    /// <summary>The root of a tree as an entry.</summary>
    /// <param name="root">The tree; null for an empty one.</param>
    public static TreeEntry RootEntry(DirectoryReference? root) => new(TreePath.Root, null, root ?? EmptyDirectory);

    /// <summary>Finds what is at a path. Reads one or a few nodes of each directory on the way.</summary>
    /// <param name="root">The tree; null for an empty one.</param>
    /// <param name="path">The path.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    public async ValueTask<TreeLookup> FindAsync(DirectoryReference? root, TreePath path, CancellationToken cancellationToken)
    {
        DirectoryReference directory = root ?? EmptyDirectory;
        TreeEntry entry = RootEntry(directory);
        NameSequence names = path.Names();
        int length = 0;
        while (names.MoveNext())
        {
            if (entry.Directory is null)
            {
                return new TreeLookup(null, entry);
            }
            length += 1 + names.Current.Length;
            TreeNode node = await FindLeafAsync(entry.Directory.Value, names.Current, cancellationToken).ConfigureAwait(false);
            int index = node.LowerBound(names.Current.Span);
            if (index == node.Count || !node.Name(index).SequenceEqual(names.Current.Span))
            {
                return default;
            }
            entry = Entry(path.Front(length), node.Value(index));
        }
        return new TreeLookup(entry, null);
    }

    /// <summary>The children of a directory in byte order, without reading more of it than is consumed.</summary>
    /// <param name="directory">A directory, such as <see cref="FindAsync"/> returns it.</param>
    /// <param name="after">Only names that sort after this one; empty for all.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="ArgumentException">The entry is a file.</exception>
    public async IAsyncEnumerable<TreeEntry> ListAsync(
        TreeEntry directory, ReadOnlyMemory<byte> after, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        DirectoryReference reference = Reference(directory);
        NodeSource sequence = nodes.ForSequence();
        DirectoryCursor cursor = await DirectoryCursor.SeekAsync(sequence, reference, after, cancellationToken).ConfigureAwait(false);
        if (!cursor.AtEnd && cursor.Name.SequenceEqual(after.Span))
        {
            cursor.Advance();
        }
        while (await cursor.MoveToEntryAsync(cancellationToken).ConfigureAwait(false))
        {
            yield return Entry(directory.Path.Child(cursor.Name), cursor.Value);
            cursor.Advance();
        }
    }

    /// <summary>The last child of a directory in byte order; null if it has none.</summary>
    /// <param name="directory">A directory.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="ArgumentException">The entry is a file.</exception>
    public async ValueTask<TreeEntry?> LastChildAsync(TreeEntry directory, CancellationToken cancellationToken)
    {
        DirectoryReference reference = Reference(directory);
        DirectoryCursor cursor = await DirectoryCursor.OpenAtLastAsync(nodes, reference, cancellationToken).ConfigureAwait(false);
        return cursor.AtEnd ? null : Entry(directory.Path.Child(cursor.Name), cursor.Value);
    }

    /// <summary>
    /// An entry and everything below it: each directory before its children, the children of each in byte order. That is not the byte order
    /// of whole paths, in which <c>/a-b</c> sorts between <c>/a</c> and <c>/a/b</c>.
    /// </summary>
    /// <param name="start">A file or a directory.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    public async IAsyncEnumerable<TreeEntry> WalkAsync(TreeEntry start, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(start);
        yield return start;
        if (start.Directory is not { } top)
        {
            yield break;
        }
        NodeSource sequence = nodes.ForSequence();
        Stack<(TreePath Path, DirectoryCursor Cursor)> open = new();
        open.Push((start.Path, await DirectoryCursor.OpenAsync(sequence, top, cancellationToken).ConfigureAwait(false)));
        while (open.TryPeek(out (TreePath Path, DirectoryCursor Cursor) current))
        {
            if (!await current.Cursor.MoveToEntryAsync(cancellationToken).ConfigureAwait(false))
            {
                open.Pop();
                continue;
            }
            TreeEntry entry = Entry(current.Path.Child(current.Cursor.Name), current.Cursor.Value);
            current.Cursor.Advance();
            yield return entry;
            if (entry.Directory is { } directory)
            {
                CheckDepth(open.Count, directory);
                open.Push((entry.Path, await DirectoryCursor.OpenAsync(sequence, directory, cancellationToken).ConfigureAwait(false)));
            }
        }
    }

    /// <summary>The leaf that holds a name if its directory does; an empty node if all names sort before.</summary>
    private async ValueTask<TreeNode> FindLeafAsync(
        DirectoryReference directory, ReadOnlyMemory<byte> name, CancellationToken cancellationToken)
    {
        TreeNode node = await nodes.ReadAsync(directory, cancellationToken).ConfigureAwait(false);
        while (node.Level > 0)
        {
            int index = node.LowerBound(name.Span);
            if (index == node.Count)
            {
                return NodeSource.EmptyNode;
            }
            node = await nodes.ReadChildAsync(node, index, cancellationToken).ConfigureAwait(false);
        }
        return node;
    }

    private static DirectoryReference Reference(TreeEntry entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        return entry.Directory ?? throw new ArgumentException($"{entry.Path} is not a directory.", nameof(entry));
    }

    private static TreeEntry Entry(TreePath path, ReadOnlySpan<byte> value) =>
        EntryEncoding.IsDirectory(value)
            ? new TreeEntry(path, null, EntryEncoding.Directory(value))
            : new TreeEntry(path, EntryEncoding.File(value), null);

    /// <summary>Refuses what no writer makes.</summary>
    private static void CheckDepth(int depth, DirectoryReference directory)
    {
        if (depth >= TreeLimits.MaximumDepth)
        {
            throw NodeDamage.Of(directory.Node, $"it is below {depth} directories");
        }
    }
}
