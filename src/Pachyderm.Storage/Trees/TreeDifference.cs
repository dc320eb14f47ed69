namespace Pachyderm.Storage.Trees;

/// <summary>A path, from the two that are compared on, at which two trees differ. At least one side is set.</summary>
/// <param name="New">What is there in the new tree; null if nothing, or nothing to report.</param>
/// <param name="Old">The same of the old tree.</param>
public readonly record struct TreeDifference(TreeEntry? New, TreeEntry? Old);
