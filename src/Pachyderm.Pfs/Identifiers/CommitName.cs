using Pachyderm.Metadata;

namespace Pachyderm.Pfs;

/// <summary>Names one commit.</summary>
/// <param name="Repo">Its repo.</param>
/// <param name="Id">Its identifier.</param>
public readonly record struct CommitName(RepoName Repo, CommitId Id)
{
    internal CommitKey Key => new(Repo.Value, Id.Value);

    internal static CommitName Of(CommitKey key) => new(new RepoName(key.Repo), new CommitId(key.Id));

    /// <summary>Repo and identifier with a slash between.</summary>
    public override string ToString() => $"{Repo}/{Id}";
}
