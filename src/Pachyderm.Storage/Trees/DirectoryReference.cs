using Pachyderm.Storage.Content;

namespace Pachyderm.Storage.Trees;

/// <summary>A stored directory, and so a whole tree of files.</summary>
/// <param name="Node">Its top node.</param>
/// <param name="Hash">
/// Identifies names and contents below; the hash of an older release if it came from one, else that of <paramref name="Node"/>.
/// </param>
/// <param name="Size">Sum of the sizes of all files below, in bytes.</param>
/// <param name="Files">Number of files below.</param>
public readonly record struct DirectoryReference(ChunkId Node, ChunkId Hash, long Size, long Files);
