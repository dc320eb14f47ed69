namespace Pachyderm.Storage.Adoption;

/// <summary>What an adoption did.</summary>
/// <param name="Objects">Objects that were given, empty ones included.</param>
/// <param name="Bytes">Their bytes. None of them were read.</param>
/// <param name="NewChunks">Chunks that are stored now and were not before.</param>
/// <param name="Packs">Adopted packs that were written.</param>
public readonly record struct AdoptionResult(long Objects, long Bytes, long NewChunks, int Packs);
