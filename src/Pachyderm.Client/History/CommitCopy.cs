using System.Runtime.CompilerServices;
using Grpc.Core;
using Pachyderm.Errors;
using Pachyderm.Wire.Native;
using Pachyderm.Wire.Pfs;

namespace Pachyderm.Client.History;

/// <summary>Copies one commit on top of its predecessor.</summary>
internal sealed class CommitCopy(SourceCluster source, PachClient target, CommitRef branch, int parallelism)
{
    private const int DeletesAtOnce = 32;
    private const string Placeholder = "placeholder";

    /// <summary>Told of what was sent.</summary>
    public IProgress<Transfer>? Progress { get; init; }

    /// <summary>Makes the copy. If that fails, nothing is left of it, as far as the target can be reached.</summary>
    /// <param name="parent">The commit before it, whose copy the branch points to; null if there is none.</param>
    /// <param name="commit">The commit.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public async Task<Transfer> RunAsync(SourceCommit? parent, SourceCommit commit, CancellationToken cancellationToken)
    {
        CommitRef copy = await StartAsync(commit, cancellationToken);
        try
        {
            await CheckParentAsync(copy, parent, cancellationToken);
            IAsyncEnumerable<TreeChange> changes = TreeChanges.FindAsync(source, parent?.Id, commit.Id, cancellationToken);
            IAsyncEnumerable<LocalFile> files = ApplyAsync(copy, changes, commit, cancellationToken);
            Transfer sent = await target.Files.PutManyAsync(copy, files, parallelism, Progress, cancellationToken);
            await CheckAsync(copy, commit, cancellationToken);
            FinishCommitCopyRequest finish = new() { Commit = copy.ToWire(), Finished = commit.Finished };
            await target.Commits.FinishCopyAsync(finish, cancellationToken);
            return sent;
        }
        catch
        {
            await AbandonAsync(copy);
            throw;
        }
    }

    private async Task<CommitRef> StartAsync(SourceCommit commit, CancellationToken cancellationToken)
    {
        StartCommitCopyRequest request = new()
        {
            Start = new StartCommitRequest { Parent = (branch with { Id = "" }).ToWire(), Branch = branch.Id },
            Id = commit.CopyId,
            Started = commit.Started,
        };
        try
        {
            return CommitRef.From(await target.Commits.StartCopyAsync(request, cancellationToken));
        }
        catch (PachException exception) when (exception.Status == StatusCode.Unimplemented)
        {
            throw new OperatorException(
                "target-too-old",
                target.Address.ToString(),
                "this pachd cannot take commits with their identifiers",
                "copy to a pachd of this release, or leave out --history",
                exception);
        }
    }

    private async Task CheckParentAsync(CommitRef copy, SourceCommit? parent, CancellationToken cancellationToken)
    {
        CommitInfo started = await target.Commits.InspectAsync(copy, cancellationToken);
        if (!string.Equals(started.ParentCommit?.Id ?? "", parent?.CopyId ?? "", StringComparison.Ordinal))
        {
            throw new OperatorException(
                "history-differs",
                $"branch {branch}",
                "somebody else moved it while it was copied to",
                "see what is on it now; then run the command again, or copy to another branch");
        }
    }

    // What is in the way is gone before a file that needs its place is handed out.
    private async IAsyncEnumerable<LocalFile> ApplyAsync(
        CommitRef copy, IAsyncEnumerable<TreeChange> changes, SourceCommit commit,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        List<string> deletes = [];
        await foreach (TreeChange change in changes.WithCancellation(cancellationToken))
        {
            if (change.Kind == TreeChangeKind.Delete)
            {
                deletes.Add(change.Path);
                if (deletes.Count < DeletesAtOnce)
                {
                    continue;
                }
            }

            await DeleteAsync(copy, deletes, cancellationToken);
            if (change.Kind == TreeChangeKind.MakeDirectory)
            {
                await MakeDirectoryAsync(copy, change.Path, cancellationToken);
            }
            else if (change.Kind == TreeChangeKind.Put)
            {
                yield return new LocalFile(change.Path, async cancel => await source.ReadAsync(commit.Id, change.Path, cancel))
                {
                    Overwrite = true,
                };
            }
        }

        await DeleteAsync(copy, deletes, cancellationToken);
    }

    private async Task DeleteAsync(CommitRef copy, List<string> paths, CancellationToken cancellationToken)
    {
        await Task.WhenAll(paths.Select(path => target.Files.DeleteAsync(copy, path, cancellationToken)));
        paths.Clear();
    }

    // A directory comes with a file, and stays when the file goes.
    private async Task MakeDirectoryAsync(CommitRef copy, string path, CancellationToken cancellationToken)
    {
        string file = $"{path}/{Placeholder}";
        await target.Files.PutAsync(copy, file, Stream.Null, cancellationToken: cancellationToken);
        await target.Files.DeleteAsync(copy, file, cancellationToken);
    }

    // Before it is finished, for then it could not be undone.
    private async Task CheckAsync(CommitRef copy, SourceCommit commit, CancellationToken cancellationToken)
    {
        if (commit.Size is null)
        {
            return;
        }

        Wire.Pfs.FileInfo root = await target.Files.InspectAsync(copy, "/", cancellationToken);
        if (!await source.HasSizeAsync(commit, root.SizeBytes, cancellationToken))
        {
            throw new OperatorException(
                "copy-differs",
                $"commit {copy}",
                $"its copy has {root.SizeBytes} bytes and the source {commit.Size}",
                "nothing of it is left; see that no second copy runs and nobody writes to the branch, then run the command again");
        }
    }

    private async Task AbandonAsync(CommitRef copy)
    {
        try
        {
            await target.Commits.DeleteAsync(copy, CancellationToken.None);
        }
        catch (Exception exception) when (exception is PachException or PachConnectionException)
        {
            // The first failure is told by whoever called. The next run recognizes what is left, and removes it.
            _ = exception;
        }
    }
}
