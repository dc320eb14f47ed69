using System.Runtime.CompilerServices;
using Pachyderm.Metadata;

namespace Pachyderm.Pfs;

/// <summary>Waits for commits, over the change feed of the metadata store (spec/pfs.md section 8): no polling, nothing missed, nothing twice.</summary>
/// <param name="metadata">Where records and feed are.</param>
public sealed class CommitFeed(IMetadataStore metadata)
{
    /// <summary>The commits that come from all the given ones, one for each repo that is waited for, as soon as they are started.</summary>
    /// <param name="commits">At least one commit, open or finished.</param>
    /// <param name="toRepos">The repos; if empty, those that come from the repos of all commits.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <exception cref="PfsException">A commit or repo is missing, or is deleted while it is waited for.</exception>
    public IAsyncEnumerable<CommitInfo> FlushAsync(
        IReadOnlyList<CommitReference> commits, IReadOnlyList<RepoName> toRepos, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(commits);
        return commits.Count == 0 ? throw PfsErrors.NoCommits() : new CommitFlush(metadata, commits, toRepos).RunAsync(cancellationToken);
    }

    /// <summary>
    /// The finished commits of a branch, oldest first, then each new head once it is finished. Never ends by itself. The branch need not exist yet.
    /// </summary>
    /// <param name="repo">The repo.</param>
    /// <param name="branch">The branch, matched exactly.</param>
    /// <param name="from">A commit of the repo; it and its ancestors are left out. Null for none.</param>
    /// <param name="cancellationToken">Ends the subscription.</param>
    /// <exception cref="PfsException">The repo or commit is missing or of another repo, or the repo is deleted meanwhile.</exception>
    public IAsyncEnumerable<CommitInfo> SubscribeAsync(
        RepoName repo, BranchName branch, CommitReference? from, CancellationToken cancellationToken) =>
        from is { } start && start.Repo != repo
            ? throw PfsErrors.FromOtherRepo(repo)
            : new BranchSubscription(metadata, repo, branch, from).RunAsync(cancellationToken);
}

/// <summary>Reads the feed behind a place in it.</summary>
internal static class ChangeReader
{
    private const int PageLength = 1_000;

    /// <summary>The changes behind a place, as they come, without end.</summary>
    /// <exception cref="ChangesTrimmedException">The feed does not go back that far.</exception>
    public static async IAsyncEnumerable<Change> ReadAsync(
        IMetadataStore metadata, long after, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (true)
        {
            await metadata.WaitForChangeAsync(after, cancellationToken).ConfigureAwait(false);
            long start = after;
            foreach (Change change in await metadata.ReadAsync(reader => reader.ListChanges(start, PageLength), cancellationToken).ConfigureAwait(false))
            {
                after = change.Sequence;
                yield return change;
            }
        }
    }
}
