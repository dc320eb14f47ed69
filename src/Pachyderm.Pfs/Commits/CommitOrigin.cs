namespace Pachyderm.Pfs;

/// <summary>Where a new commit begins.</summary>
/// <param name="Repo">The repo that gets the commit.</param>
/// <param name="Parent">Identifier or branch of the parent in that repo; null for the branch's head if there is a branch, else for no parent.</param>
/// <param name="Branch">The branch that is moved, or created, to point to the new commit; null for none.</param>
/// <param name="Provenance">The commits it comes from, by identifier; what these come from is added.</param>
public sealed record CommitOrigin(RepoName Repo, string? Parent, BranchName? Branch, IReadOnlyList<CommitName> Provenance);
