namespace Pachyderm.Metadata;

/// <summary>Names a commit.</summary>
/// <param name="Repo">Its repo.</param>
/// <param name="Id">Its identifier, unique within the repo.</param>
public readonly record struct CommitKey(string Repo, string Id);
