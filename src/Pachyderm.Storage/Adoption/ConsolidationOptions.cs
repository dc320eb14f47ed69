using Pachyderm.Storage.Content;

namespace Pachyderm.Storage.Adoption;

/// <summary>What is copied out of a source, and how much at once.</summary>
public sealed record ConsolidationOptions
{
    /// <summary>
    /// Says which chunks are needed, such as <see cref="Maintenance.ChunkMarks.Contains"/>; the others stay where they are. Null for all.
    /// </summary>
    public Predicate<ChunkId>? Needed { get; init; }

    /// <summary>Ends the run after about so many bytes; the next one goes on.</summary>
    public long MaximumBytes { get; init; } = long.MaxValue;

    /// <summary>Chunks that are read at a time, each of at most 16 MiB.</summary>
    public int Parallelism { get; init; } = Math.Clamp(Environment.ProcessorCount, 2, 8);

    /// <summary>Told now and then how far it is.</summary>
    public IProgress<ConsolidationProgress>? Progress { get; init; }
}

/// <summary>How far a consolidation is.</summary>
/// <param name="Chunks">Chunks copied in this run.</param>
/// <param name="Bytes">Their bytes.</param>
/// <param name="LeftBytes">Bytes still to be copied, at most: what nobody needs is among them until its pack was looked at.</param>
public readonly record struct ConsolidationProgress(long Chunks, long Bytes, long LeftBytes);

/// <summary>What a consolidation did.</summary>
/// <param name="Chunks">Chunks copied in this run.</param>
/// <param name="Bytes">Their bytes, before compression.</param>
/// <param name="PacksDropped">Adopted packs of which everything is copied, and which are gone now.</param>
/// <param name="FailedChunks">
/// Chunks that could not be read, each told to <see cref="Packs.PackStoreOptions.OnFinding"/>; they stay adopted.
/// </param>
/// <param name="LeftChunks">Chunks that are still adopted, those that nobody needs and those that failed included.</param>
/// <param name="LeftBytes">Their bytes.</param>
/// <param name="IsComplete">Whether every chunk was looked at, so that another run would only try again what failed.</param>
public readonly record struct ConsolidationResult(
    long Chunks, long Bytes, int PacksDropped, long FailedChunks, long LeftChunks, long LeftBytes, bool IsComplete);
