using System.Collections.Immutable;
using Pachyderm.Metadata;
using Pachyderm.Storage.Trees;

namespace Pachyderm.Pfs;

/// <summary>
/// Changes of repos, commits and branches inside a transaction of the metadata store, for a room that has to change records of its own at
/// the
/// same time. The rules are those of <see cref="Repos"/>, <see cref="Commits"/> and <see cref="Branches"/>; what throws undoes the whole
/// transaction.
/// </summary>
/// <param name="writer">The transaction.</param>
/// <param name="now">When what is created here was created.</param>
public sealed class RepoTransaction(IMetadataWriter writer, DateTimeOffset now)
{
    /// <summary>The repo, or null.</summary>
    public RepoInfo? FindRepo(RepoName repo) => writer.FindRepo(repo.Value) is { } record ? RepoInfo.Of(record) : null;

    /// <summary>The commit, or null.</summary>
    public CommitInfo? FindCommit(CommitName commit) => writer.FindCommit(commit.Key) is { } record ? CommitInfo.Of(record) : null;

    /// <summary>The head of a branch, or null.</summary>
    public CommitName? FindHead(RepoName repo, BranchName branch) =>
        writer.FindBranch(repo.Value, branch.Value) is { } record ? new CommitName(repo, new CommitId(record.Head)) : null;

    /// <summary>Creates a repo; see <see cref="Repos.CreateAsync"/>.</summary>
    /// <exception cref="PfsException">The name is not allowed or taken, or a repo of the provenance is missing.</exception>
    public void CreateRepo(RepoName repo, IReadOnlyList<RepoName> provenance, string description) =>
        Repos.Create(writer, repo, provenance, description, now);

    /// <summary>Replaces the provenance of a repo by the given repos and everything that these come from.</summary>
    /// <exception cref="PfsException">A repo is missing, or comes from this one.</exception>
    public void SetProvenance(RepoName repo, IReadOnlyList<RepoName> provenance)
    {
        RepoRecord record = Repos.Find(writer, repo);
        ImmutableArray<string> closure = Repos.Closure(writer, provenance);
        Repos.Update(writer, repo, [.. closure.Select(static name => new RepoName(name))], record.Description);
    }

    /// <summary>Deletes a repo even if others come from it.</summary>
    /// <exception cref="PfsException">It is missing.</exception>
    public void DeleteRepo(RepoName repo) => Repos.Delete(writer, Repos.Find(writer, repo).Name);

    /// <summary>Makes a finished commit; see <see cref="Commits.BuildAsync"/>.</summary>
    /// <exception cref="PfsException">The repo, the parent or a commit of the provenance is missing.</exception>
    public CommitName BuildCommit(CommitOrigin origin, DirectoryReference? tree) => Commits.Build(writer, origin, tree, now);

    /// <summary>Lets a branch point to a commit, and creates it if it is missing.</summary>
    public void MoveBranch(CommitName head, BranchName branch)
    {
        Branches.Check(branch);
        Branches.Move(writer, head.Repo, branch, head.Id.Value);
    }

    /// <summary>Deletes a branch; that it is missing is no error.</summary>
    public void DeleteBranch(RepoName repo, BranchName branch)
    {
        if (writer.FindBranch(repo.Value, branch.Value) is not null)
        {
            Branches.Delete(writer, repo, branch);
        }
    }
}
