using Pachyderm.Storage.Content;

namespace Pachyderm.Storage.Maintenance;

/// <summary>
/// The chunks that a collection has found needed, for work that goes on when it has ended. A bit for each chunk, and the file of the
/// index that says which is whose. Safe for concurrent use until it is disposed.
/// </summary>
public sealed class ChunkMarks : IDisposable
{
    private readonly LiveChunks _live;

    internal ChunkMarks(LiveChunks live) => _live = live;

    /// <summary>Whether a chunk is needed: not if it was stored before the collection began and nobody has marked it.</summary>
    public bool Contains(ChunkId id) => _live.IsNeeded(id);

    /// <inheritdoc/>
    public void Dispose() => _live.Close();
}
