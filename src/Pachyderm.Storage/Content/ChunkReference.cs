namespace Pachyderm.Storage.Content;

/// <summary>A chunk and its length.</summary>
/// <param name="Id">The chunk.</param>
/// <param name="Length">Length of its bytes, uncompressed.</param>
public readonly record struct ChunkReference(ChunkId Id, int Length);
