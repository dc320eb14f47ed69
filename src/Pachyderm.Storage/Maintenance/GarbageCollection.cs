namespace Pachyderm.Storage.Maintenance;

/// <summary>When a collection moves what lives in a pack elsewhere.</summary>
public sealed record GarbageCollectionOptions
{
    /// <summary>A pack is rewritten when a larger share of its bytes than this is dead; from 0 to 1.</summary>
    public double DeadShare { get; init; } = 0.3;

    /// <summary>Packs shorter than a quarter of the full length become one when there are at least so many.</summary>
    public int SmallPacks { get; init; } = 8;
}

/// <summary>What a collection did.</summary>
/// <param name="Chunks">Chunks that were stored when it began.</param>
/// <param name="Live">Those among them that are needed.</param>
/// <param name="PacksDeleted">Packs in which nothing was needed.</param>
/// <param name="PacksRewritten">Packs whose needed chunks went to new packs.</param>
/// <param name="BytesFreed">By how much the store became smaller.</param>
/// <param name="Missing">Chunks that were marked and are not stored: the store is damaged, and fsck says how.</param>
public sealed record GarbageCollectionResult(
    long Chunks, long Live, int PacksDeleted, int PacksRewritten, long BytesFreed, long Missing);
