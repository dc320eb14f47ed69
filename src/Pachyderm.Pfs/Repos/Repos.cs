using System.Collections.Immutable;
using Pachyderm.Metadata;

namespace Pachyderm.Pfs;

/// <summary>Repos and what comes from what among them (spec/pfs.md section 1).</summary>
/// <param name="metadata">Where the records are.</param>
/// <param name="time">Tells when a repo is created.</param>
public sealed class Repos(IMetadataStore metadata, TimeProvider time)
{
    /// <summary>Creates a repo. Its provenance becomes the given repos and everything that these come from.</summary>
    /// <param name="repo">The name, which is checked.</param>
    /// <param name="provenance">Repos that exist.</param>
    /// <param name="description">Free text.</param>
    /// <param name="cancellationToken">Ends the waiting before the change has begun.</param>
    /// <exception cref="PfsException">The name is not allowed or taken, or a repo of the provenance is missing.</exception>
    public Task CreateAsync(RepoName repo, IReadOnlyList<RepoName> provenance, string description, CancellationToken cancellationToken)
    {
        Check(repo);
        DateTimeOffset now = time.GetUtcNow();
        return metadata.WriteAsync(
            writer =>
            {
                Create(writer, repo, provenance, description, now);
                return true;
            },
            cancellationToken);
    }

    /// <summary>
    /// Replaces description and provenance of a repo by what is given, word for word. Repos that come from it gain what was added and lose
    /// what
    /// was removed.
    /// </summary>
    /// <param name="repo">The repo.</param>
    /// <param name="provenance">Repos that exist; not extended by what these come from.</param>
    /// <param name="description">Free text.</param>
    /// <param name="cancellationToken">Ends the waiting before the change has begun.</param>
    /// <exception cref="PfsException">The repo or an added one is missing, or an added one comes from this repo.</exception>
    public Task UpdateAsync(RepoName repo, IReadOnlyList<RepoName> provenance, string description, CancellationToken cancellationToken)
    {
        Check(repo);
        return metadata.WriteAsync(
            writer =>
            {
                Update(writer, repo, provenance, description);
                return true;
            },
            cancellationToken);
    }

    /// <summary>The repo.</summary>
    /// <exception cref="PfsException">It is missing.</exception>
    public Task<RepoInfo> InspectAsync(RepoName repo, CancellationToken cancellationToken) =>
        metadata.ReadAsync(reader => RepoInfo.Of(Find(reader, repo)), cancellationToken);

    /// <summary>The repos that come from all the given ones, last written first; all repos if none is given.</summary>
    /// <exception cref="PfsException">A given repo is missing.</exception>
    public Task<IReadOnlyList<RepoInfo>> ListAsync(IReadOnlyList<RepoName> provenance, CancellationToken cancellationToken) =>
        metadata.ReadAsync<IReadOnlyList<RepoInfo>>(
            reader =>
            {
                foreach (RepoName name in provenance)
                {
                    Find(reader, name);
                }
                return
                [
                    .. reader.ListRepos()
                        .Where(record => provenance.All(name => record.Provenance.Contains(name.Value, StringComparer.Ordinal)))
                        .Select(RepoInfo.Of),
                ];
            },
            cancellationToken);

    /// <summary>Deletes a repo with its commits and branches.</summary>
    /// <param name="repo">The repo.</param>
    /// <param name="force">Whether it is deleted even if others come from it; these keep its name in their provenance.</param>
    /// <param name="cancellationToken">Ends the waiting before the change has begun.</param>
    /// <exception cref="PfsException">It is missing, or others come from it.</exception>
    public Task DeleteAsync(RepoName repo, bool force, CancellationToken cancellationToken) => metadata.WriteAsync(
        writer =>
        {
            if (writer.FindRepo(repo.Value) is null)
            {
                throw force ? PfsErrors.RepoNotFound(repo) : PfsErrors.DeletedRepoNotFound(repo);
            }
            if (!force && writer.ListReposWithProvenance(repo.Value) is { Count: > 0 } users)
            {
                throw PfsErrors.RepoIsProvenance(repo, users);
            }
            Delete(writer, repo.Value);
            return true;
        },
        cancellationToken);

    /// <summary>Deletes every repo, in one transaction.</summary>
    public Task DeleteAllAsync(CancellationToken cancellationToken) => metadata.WriteAsync(
        writer =>
        {
            foreach (RepoRecord repo in writer.ListRepos())
            {
                Delete(writer, repo.Name);
            }
            return true;
        },
        cancellationToken);

    internal static RepoRecord Find(IMetadataReader reader, RepoName repo) =>
        reader.FindRepo(repo.Value) ?? throw PfsErrors.RepoNotFound(repo);

    internal static void Create(
        IMetadataWriter writer, RepoName repo, IReadOnlyList<RepoName> provenance, string description, DateTimeOffset now)
    {
        Check(repo);
        ImmutableArray<string> closure = Closure(writer, provenance);
        if (writer.FindRepo(repo.Value) is not null)
        {
            throw PfsErrors.RepoExists(repo);
        }
        writer.PutRepo(new RepoRecord(repo.Value, now, description, SizeBytes: 0, closure));
        writer.AddChange(new Change(0, ChangeKind.RepoCreated, repo.Value));
    }

    internal static void Update(IMetadataWriter writer, RepoName repo, IReadOnlyList<RepoName> provenance, string description)
    {
        RepoRecord record = Find(writer, repo);
        ImmutableArray<string> wanted = [.. provenance.Select(name => name.Value).Distinct(StringComparer.Ordinal)];
        string[] added = [.. wanted.Except(record.Provenance, StringComparer.Ordinal)];
        string[] removed = [.. record.Provenance.Except(wanted, StringComparer.Ordinal)];
        foreach (string name in added)
        {
            RepoRecord source = Find(writer, new RepoName(name));
            if (string.Equals(name, repo.Value, StringComparison.Ordinal)
                || source.Provenance.Contains(repo.Value, StringComparer.Ordinal))
            {
                throw PfsErrors.ProvenanceCycle(repo, new RepoName(name));
            }
        }
        foreach (string name in writer.ListReposWithProvenance(repo.Value))
        {
            RepoRecord downstream = Find(writer, new RepoName(name));
            writer.PutRepo(downstream with
            {
                Provenance =
                [
                    .. downstream.Provenance.Except(removed, StringComparer.Ordinal).Union(added, StringComparer.Ordinal),
                ],
            });
        }
        writer.PutRepo(record with { Description = description, Provenance = wanted });
    }

    internal static void Delete(IMetadataWriter writer, string repo)
    {
        writer.DeleteRepo(repo);
        writer.AddChange(new Change(0, ChangeKind.RepoDeleted, repo));
    }

    private static void Check(RepoName repo)
    {
        if (!repo.IsValid)
        {
            throw PfsErrors.InvalidRepoName(repo);
        }
    }

    internal static ImmutableArray<string> Closure(IMetadataReader reader, IReadOnlyList<RepoName> provenance)
    {
        RepoRecord[] direct = [.. provenance.Select(name => Find(reader, name))];
        return
        [
            .. direct.Select(record => record.Name).Concat(direct.SelectMany(record => record.Provenance)).Distinct(StringComparer.Ordinal),
        ];
    }
}
