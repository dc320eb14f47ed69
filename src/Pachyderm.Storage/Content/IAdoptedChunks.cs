namespace Pachyderm.Storage.Content;

/// <summary>A chunk store that has chunks which this release did not cut.</summary>
internal interface IAdoptedChunks
{
    /// <summary>Whether a chunk is an object of an older release, or a slice of one.</summary>
    bool IsAdopted(ChunkId id);
}
