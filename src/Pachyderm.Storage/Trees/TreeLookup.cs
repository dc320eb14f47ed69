namespace Pachyderm.Storage.Trees;

/// <summary>What was found at a path.</summary>
/// <param name="Entry">The file or directory, if there is one.</param>
/// <param name="BlockedBy">The file on the way to the path, if that is why there is none: a path cannot go on below a file.</param>
public readonly record struct TreeLookup(TreeEntry? Entry, TreeEntry? BlockedBy);
