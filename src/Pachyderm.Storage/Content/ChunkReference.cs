namespace Pachyderm.Storage.Content;

/// <summary>A chunk, or a node of a list of chunks, and what it stands for.</summary>
/// <param name="Id">The chunk or node.</param>
/// <param name="Length">Bytes of the file that it stands for: a chunk's own, or the sum of all chunks below a node.</param>
public readonly record struct ChunkReference(ChunkId Id, long Length);
