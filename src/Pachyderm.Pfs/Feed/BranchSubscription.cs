using System.Runtime.CompilerServices;
using Pachyderm.Metadata;

namespace Pachyderm.Pfs;

/// <summary>One call of SubscribeCommit.</summary>
internal sealed class BranchSubscription(IMetadataStore metadata, RepoName repo, BranchName branch, CommitReference? from)
{
    // Commits that were sent, or that the caller does not want: 16 bytes each, for as long as the subscription lasts.
    private readonly HashSet<UInt128> settled = [];
    private readonly HashSet<string> awaited = new(StringComparer.Ordinal);
    private bool begun;
    private long position;

    public async IAsyncEnumerable<CommitInfo> RunAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (true)
        {
            foreach (string id in await metadata.ReadAsync(Begin, cancellationToken).ConfigureAwait(false))
            {
                if (await FindAsync(id, cancellationToken).ConfigureAwait(false) is { } commit)
                {
                    yield return CommitInfo.Of(commit);
                }
            }
            await using IAsyncEnumerator<Change> changes = ChangeReader.ReadAsync(metadata, position, cancellationToken).GetAsyncEnumerator(cancellationToken);
            while (true)
            {
                try
                {
                    await changes.MoveNextAsync().ConfigureAwait(false);
                }
                catch (ChangesTrimmedException)
                {
                    break;
                }
                if (await TakeAsync(changes.Current, cancellationToken).ConfigureAwait(false) is { } commit)
                {
                    yield return CommitInfo.Of(commit);
                }
            }
        }
    }

    /// <summary>The finished commits of the branch that are not settled yet, oldest first, at one place in the feed.</summary>
    private List<string> Begin(IMetadataReader reader)
    {
        position = reader.LastChange;
        Repos.Find(reader, repo);
        if (!begun && from is { } known)
        {
            for (CommitRecord? commit = Resolution.Find(reader, known); commit is not null; commit = FindParent(reader, commit))
            {
                settled.Add(CommitSet.Digest(commit.Key.Id));
            }
        }
        begun = true;
        // Of those that were awaited, some may have been finished where the feed was cut.
        List<string> found = [.. awaited.Where(id => reader.FindCommit(new CommitKey(repo.Value, id)) is { IsOpen: false })];
        awaited.RemoveWhere(id => reader.FindCommit(new CommitKey(repo.Value, id)) is not { IsOpen: true });
        List<string> chain = [];
        CommitRecord? head = reader.FindBranch(repo.Value, branch.Value) is { } record ? reader.FindCommit(new CommitKey(repo.Value, record.Head)) : null;
        for (; head is not null && !settled.Contains(CommitSet.Digest(head.Key.Id)); head = FindParent(reader, head))
        {
            if (head.IsOpen)
            {
                awaited.Add(head.Key.Id);
            }
            else
            {
                chain.Add(head.Key.Id);
            }
        }
        chain.Reverse();
        found = [.. found.Concat(chain).Distinct(StringComparer.Ordinal)];
        found.RemoveAll(id => !settled.Add(CommitSet.Digest(id)));
        return found;
    }

    private static CommitRecord? FindParent(IMetadataReader reader, CommitRecord commit) =>
        commit.Parent is { } parent ? reader.FindCommit(commit.Key with { Id = parent }) : null;

    private Task<CommitRecord?> FindAsync(string id, CancellationToken cancellationToken) =>
        metadata.ReadAsync(reader => reader.FindCommit(new CommitKey(repo.Value, id)), cancellationToken);

    private async ValueTask<CommitRecord?> TakeAsync(Change change, CancellationToken cancellationToken)
    {
        if (!string.Equals(change.Repo, repo.Value, StringComparison.Ordinal))
        {
            return null;
        }
        switch (change.Kind)
        {
            case ChangeKind.RepoDeleted:
                throw PfsErrors.RepoNotFound(repo);
            case ChangeKind.CommitDeleted:
                awaited.Remove(change.Commit!);
                return null;
            case ChangeKind.BranchMoved when string.Equals(change.Branch, branch.Value, StringComparison.Ordinal):
                // The commit as it is now: if it was finished since, its change follows in the feed and finds it settled.
                return await SettleAsync(change.Commit!, cancellationToken).ConfigureAwait(false);
            case ChangeKind.CommitFinished when awaited.Contains(change.Commit!):
                return await SettleAsync(change.Commit!, cancellationToken).ConfigureAwait(false);
            default:
                return null;
        }
    }

    private async ValueTask<CommitRecord?> SettleAsync(string id, CancellationToken cancellationToken)
    {
        if (settled.Contains(CommitSet.Digest(id)) || await FindAsync(id, cancellationToken).ConfigureAwait(false) is not { } commit)
        {
            return null;
        }
        if (commit.IsOpen)
        {
            awaited.Add(id);
            return null;
        }
        awaited.Remove(id);
        settled.Add(CommitSet.Digest(id));
        return commit;
    }
}
