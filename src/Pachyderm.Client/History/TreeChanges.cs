using System.Runtime.CompilerServices;

namespace Pachyderm.Client.History;

/// <summary>What has to be done to a tree.</summary>
internal enum TreeChangeKind
{
    /// <summary>What is at the path, a directory with everything in it, goes.</summary>
    Delete,

    /// <summary>The path is a file with the content that the source has there, whatever it was.</summary>
    Put,

    /// <summary>The path, where nothing is, becomes a directory without anything in it.</summary>
    MakeDirectory,
}

/// <summary>One thing that has to be done.</summary>
/// <param name="Kind">What.</param>
/// <param name="Path">Where, with a leading slash.</param>
/// <param name="Size">Bytes of a file that is put.</param>
internal readonly record struct TreeChange(TreeChangeKind Kind, string Path, long Size = 0);

/// <summary>Finds what turns the files of one commit into those of another.</summary>
internal static class TreeChanges
{
    /// <summary>
    /// Yields what has to be done, in an order in which it can be done: what is in the way of something goes before it. Directories that are
    /// known to be the same are not looked into, and at most two of them are held in memory.
    /// </summary>
    /// <param name="source">The commits.</param>
    /// <param name="oldCommit">What is there; null if nothing is.</param>
    /// <param name="newCommit">What has to be there.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public static async IAsyncEnumerable<TreeChange> FindAsync(
        ITreeSource source, string? oldCommit, string newCommit, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // Not recursive: how deep it goes is up to another server.
        Stack<(string Path, bool IsNew)> directories = new([("", oldCommit is null)]);
        while (directories.TryPop(out (string Path, bool IsNew) directory))
        {
            bool isEmpty = true;
            IAsyncEnumerable<ItemChange> changes = directory.IsNew
                ? AllAsync(source, newCommit, directory.Path, cancellationToken)
                : source.DiffAsync(oldCommit!, newCommit, directory.Path, cancellationToken);
            await foreach (ItemChange change in changes)
            {
                isEmpty = false;
                string path = $"{directory.Path}/{(change.New ?? change.Old)!.Value.Name}";
                if (change.Old is { } old && (change.New is not { } now || now.IsDirectory != old.IsDirectory))
                {
                    yield return new TreeChange(TreeChangeKind.Delete, path);
                }

                if (change.New is { IsDirectory: true })
                {
                    directories.Push((path, change.Old is not { IsDirectory: true }));
                }
                else if (change.New is { } file)
                {
                    yield return new TreeChange(TreeChangeKind.Put, path, file.Size);
                }
            }

            if (isEmpty && directory.IsNew && directory.Path.Length > 0)
            {
                yield return new TreeChange(TreeChangeKind.MakeDirectory, directory.Path);
            }
        }
    }

    /// <summary>What differs between two lists of a directory; the first is held in memory.</summary>
    public static async IAsyncEnumerable<ItemChange> CompareAsync(
        IAsyncEnumerable<TreeItem> oldItems, IAsyncEnumerable<TreeItem> newItems, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        Dictionary<string, TreeItem> before = new(StringComparer.Ordinal);
        await foreach (TreeItem item in oldItems.WithCancellation(cancellationToken))
        {
            before[item.Name] = item;
        }

        await foreach (TreeItem item in newItems.WithCancellation(cancellationToken))
        {
            if (!before.Remove(item.Name, out TreeItem old))
            {
                yield return new ItemChange(null, item);
            }
            else if (!item.IsSameAs(old))
            {
                yield return new ItemChange(old, item);
            }
        }

        foreach (TreeItem item in before.Values)
        {
            yield return new ItemChange(item, null);
        }
    }

    private static async IAsyncEnumerable<ItemChange> AllAsync(
        ITreeSource source, string commit, string directory, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (TreeItem item in source.ListAsync(commit, directory, cancellationToken))
        {
            yield return new ItemChange(null, item);
        }
    }
}
