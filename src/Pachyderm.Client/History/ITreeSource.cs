namespace Pachyderm.Client.History;

/// <summary>The files of a cluster's commits, as far as their differences are to be found.</summary>
internal interface ITreeSource
{
    /// <summary>What is in a directory, in any order.</summary>
    /// <param name="commit">The commit, as the cluster names it.</param>
    /// <param name="directory">Its path without a slash at the end; empty for the root.</param>
    /// <param name="cancellationToken">Stops it.</param>
    IAsyncEnumerable<TreeItem> ListAsync(string commit, string directory, CancellationToken cancellationToken);

    /// <summary>What differs in a directory that both commits have; of directories in it, only that they differ, or might.</summary>
    /// <param name="oldCommit">One side.</param>
    /// <param name="newCommit">The other side.</param>
    /// <param name="directory">As for <see cref="ListAsync"/>.</param>
    /// <param name="cancellationToken">Stops it.</param>
    IAsyncEnumerable<ItemChange> DiffAsync(string oldCommit, string newCommit, string directory, CancellationToken cancellationToken);
}

/// <summary>A file or directory.</summary>
/// <param name="Name">Its name in the directory.</param>
/// <param name="IsDirectory">Which of the two it is.</param>
/// <param name="Size">Bytes of a file.</param>
/// <param name="Mark">
/// Two of the same kind, size and mark have the same content; what has no mark may differ from everything. The hash since 1.4; of files in
/// 1.3, the last commit that wrote to it.
/// </param>
internal readonly record struct TreeItem(string Name, bool IsDirectory, long Size, string Mark)
{
    /// <summary>Whether the content is known to be the same.</summary>
    public bool IsSameAs(TreeItem other) =>
        Mark.Length > 0 && string.Equals(Mark, other.Mark, StringComparison.Ordinal) && IsDirectory == other.IsDirectory && Size == other.Size;
}

/// <summary>What is different under one name.</summary>
/// <param name="Old">What it was, if it was there.</param>
/// <param name="New">What it is, if it is there.</param>
internal readonly record struct ItemChange(TreeItem? Old, TreeItem? New);
