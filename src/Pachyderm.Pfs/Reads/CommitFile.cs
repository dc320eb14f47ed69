using Pachyderm.Storage.Trees;

namespace Pachyderm.Pfs;

/// <summary>A file or directory of a commit.</summary>
/// <param name="Commit">The commit, by its identifier even if it was asked for by a branch.</param>
/// <param name="Path">Its path in the form that the answer has it.</param>
/// <param name="Entry">What is there.</param>
public sealed record CommitFile(CommitName Commit, string Path, TreeEntry Entry);

/// <summary>A path at which two commits differ. At least one side is set.</summary>
/// <param name="New">What is there in the new one.</param>
/// <param name="Old">What is there in the old one.</param>
public readonly record struct CommitDifference(CommitFile? New, CommitFile? Old);
