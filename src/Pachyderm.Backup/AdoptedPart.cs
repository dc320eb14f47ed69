namespace Pachyderm.Backup;

/// <summary>Content of a data directory that lies in an older store and is only referred to.</summary>
/// <param name="Source">Name of the older store, as the data directory knows it.</param>
/// <param name="Chunks">Chunks that are referred to.</param>
/// <param name="Bytes">Their size in bytes.</param>
public sealed record AdoptedPart(string Source, long Chunks, long Bytes);
