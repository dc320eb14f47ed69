using System.Runtime.CompilerServices;
using Pachyderm.Metadata;

namespace Pachyderm.Pfs;

/// <summary>Lists commits of a repo, a page at a time, so that a list of any length takes constant memory here.</summary>
/// <param name="metadata">Where the records are.</param>
public sealed class CommitList(IMetadataStore metadata)
{
    private const int PageLength = 1_000;

    /// <summary>Lists commits, newest first (spec/pfs.md section 3).</summary>
    /// <param name="repo">The repo.</param>
    /// <param name="to">The commit to begin with, whose ancestors follow; null for all commits of the repo, last written first.</param>
    /// <param name="from">The ancestor to stop before; null to go back to the first.</param>
    /// <param name="limit">Largest number of commits; 0 for no limit.</param>
    /// <param name="cancellationToken">Ends the listing.</param>
    /// <exception cref="PfsException">
    /// The repo or a named commit is missing or of another repo, or <paramref name="from"/> is given alone.
    /// </exception>
    public IAsyncEnumerable<CommitInfo> ListAsync(
        RepoName repo, CommitReference? to, CommitReference? from, ulong limit, CancellationToken cancellationToken)
    {
        if ((to is { } last && last.Repo != repo) || (from is { } first && first.Repo != repo))
        {
            throw PfsErrors.OtherRepo(repo);
        }
        IAsyncEnumerable<CommitInfo> commits = (to, from) switch
        {
            (null, null) => ListAllAsync(repo, cancellationToken),
            (null, _) => throw PfsErrors.FromWithoutTo(),
            ({ } start, _) => ListAncestryAsync(repo, start, from, cancellationToken),
        };
        return limit is > 0 and < int.MaxValue ? commits.Take((int)limit) : commits;
    }

    private async IAsyncEnumerable<CommitInfo> ListAllAsync(RepoName repo, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await metadata.ReadAsync(reader => Repos.Find(reader, repo), cancellationToken).ConfigureAwait(false);
        // A commit that is finished between two pages moves to the front, which has been listed already: it is looked for at the end.
        HashSet<UInt128> listed = [];
        long? before = null;
        long newest = 0;
        while (true)
        {
            IReadOnlyList<CommitRecord> page = await ReadPageAsync(repo, before, cancellationToken).ConfigureAwait(false);
            if (page.Count == 0)
            {
                break;
            }
            newest = before is null ? page[0].Revision : newest;
            before = page[^1].Revision;
            foreach (CommitRecord record in page)
            {
                if (listed.Add(CommitSet.Digest(record.Key.Id)))
                {
                    yield return CommitInfo.Of(record);
                }
            }
        }
        for (before = null; ;)
        {
            IReadOnlyList<CommitRecord> page = await ReadPageAsync(repo, before, cancellationToken).ConfigureAwait(false);
            foreach (CommitRecord record in page)
            {
                if (record.Revision <= newest)
                {
                    yield break;
                }
                if (listed.Add(CommitSet.Digest(record.Key.Id)))
                {
                    yield return CommitInfo.Of(record);
                }
            }
            if (page.Count == 0)
            {
                yield break;
            }
            before = page[^1].Revision;
        }
    }

    private Task<IReadOnlyList<CommitRecord>> ReadPageAsync(RepoName repo, long? before, CancellationToken cancellationToken) =>
        metadata.ReadAsync(reader => reader.ListCommits(repo.Value, before, PageLength), cancellationToken);

    private async IAsyncEnumerable<CommitInfo> ListAncestryAsync(
        RepoName repo, CommitReference to, CommitReference? from, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        (string? next, string? stop) = await metadata.ReadAsync<(string?, string?)>(
            reader =>
            {
                Repos.Find(reader, repo);
                return (Resolution.Find(reader, to).Key.Id, from is { } ancestor ? Resolution.Find(reader, ancestor).Key.Id : null);
            },
            cancellationToken).ConfigureAwait(false);
        while (next is not null && !string.Equals(next, stop, StringComparison.Ordinal))
        {
            string start = next;
            List<CommitRecord> page = await metadata.ReadAsync(reader => ReadAncestry(reader, repo, start, stop), cancellationToken).ConfigureAwait(false);
            foreach (CommitRecord record in page)
            {
                yield return CommitInfo.Of(record);
            }
            next = page.Count == 0 ? null : page[^1].Parent;
        }
    }

    private static List<CommitRecord> ReadAncestry(IMetadataReader reader, RepoName repo, string? next, string? stop)
    {
        List<CommitRecord> page = [];
        while (page.Count < PageLength && next is not null && !string.Equals(next, stop, StringComparison.Ordinal)
            && reader.FindCommit(new CommitKey(repo.Value, next)) is { } record)
        {
            page.Add(record);
            next = record.Parent;
        }
        return page;
    }
}
