namespace Pachyderm.Pfs;

/// <summary>A branch.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Head">The commit that it points to.</param>
public sealed record BranchInfo(BranchName Name, CommitName Head);
