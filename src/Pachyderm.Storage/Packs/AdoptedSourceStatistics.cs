namespace Pachyderm.Storage.Packs;

/// <summary>What is adopted from a source.</summary>
/// <param name="Source">Its name; empty for packs of which it is not known, because their headers are damaged.</param>
/// <param name="Location">Where it is configured to be; null if it is not.</param>
/// <param name="Packs">Adopted packs that refer to it.</param>
/// <param name="Chunks">Chunks in them, those that were copied meanwhile included.</param>
/// <param name="Bytes">Their bytes.</param>
public readonly record struct AdoptedSourceStatistics(string Source, string? Location, int Packs, long Chunks, long Bytes);
