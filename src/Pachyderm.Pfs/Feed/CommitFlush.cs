using System.Runtime.CompilerServices;
using Pachyderm.Metadata;

namespace Pachyderm.Pfs;

/// <summary>One call of FlushCommit.</summary>
internal sealed class CommitFlush(IMetadataStore metadata, IReadOnlyList<CommitReference> references, IReadOnlyList<RepoName> toRepos)
{
    private CommitKey[] commits = [];
    private HashSet<string>? waiting;
    private long position;

    public async IAsyncEnumerable<CommitInfo> RunAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (true)
        {
            foreach (CommitInfo commit in await metadata.ReadAsync(Begin, cancellationToken).ConfigureAwait(false))
            {
                yield return commit;
            }
            await using IAsyncEnumerator<Change> changes = ChangeReader.ReadAsync(metadata, position, cancellationToken).GetAsyncEnumerator(cancellationToken);
            while (true)
            {
                if (waiting!.Count == 0)
                {
                    yield break;
                }
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
                    yield return commit;
                }
            }
        }
    }

    /// <summary>What is there already, at one place in the feed.</summary>
    private List<CommitInfo> Begin(IMetadataReader reader)
    {
        position = reader.LastChange;
        commits = [.. (commits.Length > 0 ? commits.Select(key => new CommitReference(CommitName.Of(key))) : references)
            .Select(reference => Resolution.Find(reader, reference).Key).Distinct()];
        waiting ??= Candidates(reader);
        List<CommitRecord> found = [];
        foreach (string repo in waiting.ToArray())
        {
            Repos.Find(reader, new RepoName(repo));
            CommitRecord? first = reader.ListCommitsWithProvenance(repo, commits[0])
                .Select(reader.FindCommit)
                .FirstOrDefault(commit => commit is not null && Qualifies(commit));
            if (first is not null)
            {
                found.Add(first);
                waiting.Remove(repo);
            }
        }
        return [.. found.OrderBy(commit => commit.Started).Select(CommitInfo.Of)];
    }

    private HashSet<string> Candidates(IMetadataReader reader)
    {
        if (toRepos.Count > 0)
        {
            return toRepos.Select(repo => repo.Value).ToHashSet(StringComparer.Ordinal);
        }
        HashSet<string>? repos = null;
        foreach (string repo in commits.Select(commit => commit.Repo).Distinct(StringComparer.Ordinal))
        {
            IReadOnlyList<string> downstream = reader.ListReposWithProvenance(repo);
            repos ??= downstream.ToHashSet(StringComparer.Ordinal);
            repos.IntersectWith(downstream);
        }
        return repos!;
    }

    private bool Qualifies(CommitRecord commit) => commits.All(wanted => commit.Provenance.Contains(wanted));

    private async ValueTask<CommitInfo?> TakeAsync(Change change, CancellationToken cancellationToken)
    {
        switch (change.Kind)
        {
            case ChangeKind.RepoDeleted when waiting!.Contains(change.Repo) || commits.Any(commit => string.Equals(commit.Repo, change.Repo, StringComparison.Ordinal)):
                throw PfsErrors.RepoNotFound(new RepoName(change.Repo));
            case ChangeKind.CommitDeleted when commits.Contains(new CommitKey(change.Repo, change.Commit!)):
                throw PfsErrors.CommitNotFound(new RepoName(change.Repo), change.Commit!);
            case ChangeKind.CommitStarted when waiting!.Contains(change.Repo):
                CommitRecord? record = await metadata.ReadAsync(
                    reader => reader.FindCommit(new CommitKey(change.Repo, change.Commit!)), cancellationToken).ConfigureAwait(false);
                if (record is not null && Qualifies(record))
                {
                    waiting.Remove(change.Repo);
                    return CommitInfo.Of(record);
                }
                return null;
            default:
                return null;
        }
    }
}
