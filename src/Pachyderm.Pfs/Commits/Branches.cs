using Pachyderm.Metadata;

namespace Pachyderm.Pfs;

/// <summary>Names for commits (spec/pfs.md section 2).</summary>
/// <param name="metadata">Where the records are.</param>
public sealed class Branches(IMetadataStore metadata)
{
    /// <summary>The branches of a repo, last moved first; none if the repo is missing, as in 1.5.</summary>
    public Task<IReadOnlyList<BranchInfo>> ListAsync(RepoName repo, CancellationToken cancellationToken) =>
        metadata.ReadAsync<IReadOnlyList<BranchInfo>>(
            reader =>
            [
                .. reader.ListBranches(repo.Value)
                    .Select(branch => new BranchInfo(new BranchName(branch.Name), new CommitName(repo, new CommitId(branch.Head)))),
            ],
            cancellationToken);

    /// <summary>Points a branch to a commit, open or finished, and creates it if it is missing.</summary>
    /// <exception cref="PfsException">The commit is missing, or the name is not allowed.</exception>
    public Task SetAsync(CommitReference commit, BranchName branch, CancellationToken cancellationToken)
    {
        Check(branch);
        return metadata.WriteAsync(
            writer =>
            {
                Move(writer, commit.Repo, branch, Resolution.Find(writer, commit).Key.Id);
                return true;
            },
            cancellationToken);
    }

    /// <summary>Deletes a branch; its commits stay.</summary>
    /// <exception cref="PfsException">It is missing.</exception>
    public Task DeleteAsync(RepoName repo, BranchName branch, CancellationToken cancellationToken) => metadata.WriteAsync(
        writer =>
        {
            if (writer.FindBranch(repo.Value, branch.Value) is null)
            {
                throw PfsErrors.BranchNotFound(repo, branch);
            }
            Delete(writer, repo, branch);
            return true;
        },
        cancellationToken);

    internal static void Check(BranchName branch)
    {
        if (!branch.IsValid)
        {
            throw PfsErrors.InvalidBranchName(branch);
        }
    }

    internal static void Move(IMetadataWriter writer, RepoName repo, BranchName branch, string head)
    {
        writer.PutBranch(new BranchRecord(repo.Value, branch.Value, head));
        writer.AddChange(new Change(0, ChangeKind.BranchMoved, repo.Value, head, branch.Value));
    }

    internal static void Delete(IMetadataWriter writer, RepoName repo, BranchName branch)
    {
        writer.DeleteBranch(repo.Value, branch.Value);
        writer.AddChange(new Change(0, ChangeKind.BranchDeleted, repo.Value, Commit: null, branch.Value));
    }
}
