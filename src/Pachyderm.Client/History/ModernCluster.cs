using System.Runtime.CompilerServices;
using Pachyderm.Wire.Native;
using Pachyderm.Wire.Pfs;
using FileInfo = Pachyderm.Wire.Pfs.FileInfo;

namespace Pachyderm.Client.History;

/// <summary>
/// A cluster of 1.4, 1.5 or this release. Of the first two only ListCommit, ListFile, InspectFile and GetFile are asked, and only what all of
/// their releases have.
/// </summary>
internal sealed class ModernCluster(PachClient client, string repo) : SourceCluster(client, repo)
{
    /// <inheritdoc/>
    public override async Task<CommitHistory> HistoryAsync(string commit, CancellationToken cancellationToken)
    {
        List<SourceCommit> commits = [];
        List<string> open = [];
        IAsyncEnumerable<CommitInfo> found = Client.Commits.ListAsync(Repo, commit, cancellationToken: cancellationToken);
        await foreach (CommitInfo info in TryAllAsync($"{Repo}/{commit}", found, cancellationToken))
        {
            string id = info.Commit?.Id ?? "";
            if (info.Finished is null)
            {
                open.Add(id);
                continue;
            }

            string copy = SourceCommit.IsIdentifier(id) ? id : SourceCommit.Derive(Repo, id, info.Started);
            commits.Add(new SourceCommit(id, copy, info.Started, info.Finished, info.SizeBytes));
        }

        commits.Reverse();
        return new CommitHistory(commits, open, []);
    }

    /// <inheritdoc/>
    public override async IAsyncEnumerable<TreeItem> ListAsync(
        string commit, string directory, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        string path = directory.Length == 0 ? "/" : directory;
        IAsyncEnumerable<FileInfo> files = Client.Files.ListAsync(new CommitRef(Repo, commit), path, cancellationToken: cancellationToken);
        await foreach (FileInfo file in TryAllAsync($"{Repo}/{commit}:{path}", files, cancellationToken))
        {
            yield return Item(directory, file);
        }
    }

    /// <inheritdoc/>
    public override async IAsyncEnumerable<ItemChange> DiffAsync(
        string oldCommit, string newCommit, string directory, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        string path = directory.Length == 0 ? "/" : directory;
        DiffFileRequest request = new()
        {
            NewFile = new CommitRef(Repo, newCommit).ToWire(path),
            OldFile = new CommitRef(Repo, oldCommit).ToWire(path),
            Shallow = true,
        };
        Files.FilesClient native = new(Client.Connection.Invoker);
        bool isKnown = true;

        // A cluster that can compare has the cost of what differs, not of what is there; one that lacks the call is asked for both lists.
        IAsyncEnumerable<DiffFileResponse?> pieces = Client.Connection.ReadOrFallBackAsync<DiffFileResponse?>(
            nameof(native.DiffFiles), () => native.DiffFiles(request, cancellationToken: cancellationToken)!, Lack, cancellationToken);
        await foreach (DiffFileResponse? piece in TryAllAsync($"{Repo}/{newCommit}:{path}", pieces, cancellationToken))
        {
            foreach (ItemChange change in piece is null ? [] : Changes(directory, piece))
            {
                yield return change;
            }
        }

        if (!isKnown)
        {
            await foreach (ItemChange change in base.DiffAsync(oldCommit, newCommit, directory, cancellationToken))
            {
                yield return change;
            }
        }

        IAsyncEnumerable<DiffFileResponse?> Lack()
        {
            isKnown = false;
            return AsyncEnumerable.Empty<DiffFileResponse?>();
        }
    }

    /// <inheritdoc/>
    public override async IAsyncEnumerable<string> FilesAsync(
        string commit, string path, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        CommitRef reference = new(Repo, commit);
        await using IAsyncEnumerator<FileInfo> files = Client.Files.ListAsync(reference, path, recursive: true, cancellationToken)
            .GetAsyncEnumerator(cancellationToken);
        bool isFile = false;
        while (await TryAsync($"{reference}:{path}", MoveNextAsync))
        {
            if (files.Current.FileType == FileType.File)
            {
                yield return files.Current.File.Path;
            }
        }

        if (isFile)
        {
            yield return path;
        }

        // The servers of 1.4 and 1.5 list nothing but directories.
        async Task<bool> MoveNextAsync()
        {
            try
            {
                return await files.MoveNextAsync();
            }
            catch (PachException exception) when (exception.Message.Contains("is not a directory", StringComparison.Ordinal))
            {
                isFile = true;
                return false;
            }
        }
    }

    // Both sides of a name are in one piece.
    private IEnumerable<ItemChange> Changes(string directory, DiffFileResponse piece)
    {
        Dictionary<string, TreeItem> before = piece.OldFiles.Select(file => Item(directory, file))
            .ToDictionary(item => item.Name, StringComparer.Ordinal);
        foreach (TreeItem item in piece.NewFiles.Select(file => Item(directory, file)))
        {
            yield return before.Remove(item.Name, out TreeItem old) ? new ItemChange(old, item) : new ItemChange(null, item);
        }

        foreach (TreeItem item in before.Values)
        {
            yield return new ItemChange(item, null);
        }
    }

    private TreeItem Item(string directory, FileInfo file) => new(
        NameIn(directory, file.File?.Path ?? ""), file.FileType == FileType.Dir, (long)file.SizeBytes, Convert.ToHexString(file.Hash.Span));
}
