namespace Pachyderm.Storage.Packs;

/// <summary>What a <see cref="PackChunkStore"/> holds and has done.</summary>
/// <param name="Packs">Number of packs, open ones included.</param>
/// <param name="StoredBytes">Bytes in the object store.</param>
/// <param name="WaitingBytes">Bytes of full packs that wait in the spool for the object store.</param>
/// <param name="AppendedBytes">Bytes appended since the start.</param>
/// <param name="Flushes">Disk flushes since the start.</param>
/// <param name="OpenWriters">Writers not disposed yet.</param>
/// <param name="AdoptedPacks">Those among the packs that refer to bytes elsewhere.</param>
/// <param name="AdoptedChunks">Chunks that they hold.</param>
/// <param name="AdoptedBytes">Bytes of these chunks, in their sources; not part of <paramref name="StoredBytes"/>.</param>
public readonly record struct PackStoreStatistics(
    int Packs, long StoredBytes, long WaitingBytes, long AppendedBytes, long Flushes, int OpenWriters, int AdoptedPacks, long AdoptedChunks,
    long AdoptedBytes);
