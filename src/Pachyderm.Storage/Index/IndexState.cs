using System.Collections.Concurrent;
using System.Collections.Immutable;
using Pachyderm.Storage.Content;

namespace Pachyderm.Storage.Index;

/// <summary>What a lookup goes through, newest first; replaced as a whole.</summary>
/// <param name="Active">Takes new entries.</param>
/// <param name="Flushing">Full, and being written as a run; null if there is none.</param>
/// <param name="Runs">The runs, newest first.</param>
internal sealed record IndexState(
    ConcurrentDictionary<ChunkId, ChunkLocation> Active,
    ConcurrentDictionary<ChunkId, ChunkLocation>? Flushing,
    ImmutableArray<IndexRun> Runs);
