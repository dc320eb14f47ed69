namespace Pachyderm.Metadata;

/// <summary>An object of the object API.</summary>
/// <param name="Hash">Its name: 128 lower-case hexadecimal digits, the SHA-512 of its bytes.</param>
/// <param name="SizeBytes">Length in bytes.</param>
/// <param name="Content">The encoded reference to its bytes.</param>
/// <param name="Created">
/// When it was put or tagged last, UTC. The beginning of time if a store of format 1 is read, which does not know.
/// </param>
public sealed record ObjectRecord(string Hash, long SizeBytes, ReadOnlyMemory<byte> Content, DateTimeOffset Created);
