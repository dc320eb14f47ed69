using Pachyderm.Storage.Content;

namespace Pachyderm.Storage.Trees.Nodes;

/// <summary>A node as its parent names it, apart from the last name in it.</summary>
/// <param name="Id">The node.</param>
/// <param name="Size">Bytes of all files in and below its entries.</param>
/// <param name="Files">Number of those files.</param>
/// <param name="Entries">Number of entries of the directory that are in it and below.</param>
internal readonly record struct ChildReference(ChunkId Id, long Size, long Files, long Entries);
