using System.Runtime.CompilerServices;
using System.Text;
using Pachyderm.Pps.Datums;
using Pachyderm.Pps.Outputs;
using Pachyderm.Storage.Trees;
using Pachyderm.Workers;

namespace Pachyderm.Scheduling;

/// <summary>
/// One file or directory of a datum as a worker lays it out. Directories are read as they are laid out; small ones are remembered from the
/// listing of their empty directories to that of their files.
/// </summary>
/// <param name="trees">The store.</param>
/// <param name="part">The file or directory.</param>
/// <param name="root">The tree that it is in; null for an empty one.</param>
internal sealed class DatumInputTree(StoredTrees trees, DatumPart part, DirectoryReference? root) : IInputTree
{
    private const int MaxRemembered = 4_096;

    private List<OutputEntry>? remembered;

    /// <inheritdoc/>
    public string Name => part.Input.Name;

    /// <inheritdoc/>
    public bool Lazy => part.Input.Lazy;

    /// <summary>Where the file or directory is in its commit.</summary>
    public TreePath Place => part.File.Path;

    /// <summary>
    /// If only what changed is shown: the tree before, where the same path is. Null shows everything.
    /// </summary>
    public (DirectoryReference? Root, bool IsSet) Before { get; init; }

    /// <inheritdoc/>
    public async IAsyncEnumerable<IInputFile> FilesAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (OutputEntry entry in EntriesAsync(cancellationToken))
        {
            if (entry.File is { } file)
            {
                yield return new StoredInputFile(trees.Contents, entry.Path.ToString(), file);
            }
        }
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<string> EmptyDirectoriesAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (!part.File.IsDirectory || Before.IsSet)
        {
            if (part.File.IsDirectory)
            {
                yield return part.File.Path.ToString();
            }
            yield break;
        }
        List<OutputEntry>? seen = [];
        await foreach (OutputEntry entry in EntriesAsync(cancellationToken))
        {
            if (seen?.Count == MaxRemembered)
            {
                seen = null;
            }
            seen?.Add(entry);
            if (entry.File is null)
            {
                yield return entry.Path.ToString();
            }
        }
        remembered = seen;
    }

    /// <summary>What the program was shown at a path and below, as it is stored.</summary>
    /// <param name="path">A path in the commit.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <returns>
    /// Files and directories that do not contain each other, in the order of a walk. A directory stands for everything in it. Nothing if
    /// the program was shown nothing there that is stored.
    /// </returns>
    public async IAsyncEnumerable<TreeEntry> FindAsync(TreePath path, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (Before.IsSet)
        {
            await foreach (OutputEntry entry in EntriesAsync(cancellationToken))
            {
                if (IsAtOrBelow(entry.Path, path) && entry.File is not null)
                {
                    yield return new TreeEntry(entry.Path, entry.File, null);
                }
            }
            yield break;
        }
        // A link to a directory above shows the datum's part of it only.
        TreePath? wanted = IsAtOrBelow(path, Place) ? path : IsAtOrBelow(Place, path) ? Place : null;
        if (wanted is { } found && (await trees.Reader.FindAsync(root, found, cancellationToken)).Entry is { } stored)
        {
            yield return stored;
        }
    }

    private static bool IsAtOrBelow(TreePath path, TreePath top) =>
        path.Bytes.StartsWith(top.Bytes) && (path.Bytes.Length == top.Bytes.Length || path.Bytes[top.Bytes.Length] == (byte)'/');

    private async IAsyncEnumerable<OutputEntry> EntriesAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (remembered is { } known)
        {
            foreach (OutputEntry entry in known)
            {
                yield return entry;
            }
            yield break;
        }
        TreeEntry top = await InspectAsync(cancellationToken);
        IAsyncEnumerable<OutputEntry> entries = Before.IsSet
            ? ChangedAsync(top, cancellationToken)
            : top.File is { } file ? AsyncEnumerable.Empty<OutputEntry>().Append(new OutputEntry(top.Path, file))
            : OutputEntry.FromTreeAsync(trees.Reader.WalkAsync(top, cancellationToken), cancellationToken);
        await foreach (OutputEntry entry in entries.WithCancellation(cancellationToken))
        {
            yield return entry;
        }
    }

    private async IAsyncEnumerable<OutputEntry> ChangedAsync(TreeEntry top, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        TreeEntry? before = (await trees.Reader.FindAsync(Before.Root, Place, cancellationToken)).Entry;
        await foreach (TreeDifference difference in trees.Reader.DiffAsync(top, before, shallow: false, cancellationToken))
        {
            if (difference.New is { File: { } file } changed)
            {
                yield return new OutputEntry(changed.Path, file);
            }
        }
    }

    public async ValueTask<TreeEntry> InspectAsync(CancellationToken cancellationToken) =>
        (await trees.Reader.FindAsync(root, Place, cancellationToken)).Entry
        ?? throw new InvalidOperationException($"{Encoding.UTF8.GetString(Place.Bytes)} is no longer in {part.Input.Commit}.");
}
