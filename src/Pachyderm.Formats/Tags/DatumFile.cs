namespace Pachyderm.Formats;

/// <summary>One file of a datum, as far as it counts for the datum's tag.</summary>
/// <param name="InputName">Name of the input that the file comes from, UTF-8.</param>
/// <param name="Path">Path of the file or directory in its repo, starting with a slash; empty for the root.</param>
/// <param name="Hash">Hash of its node in the hash tree, 32 bytes.</param>
public readonly record struct DatumFile(ReadOnlyMemory<byte> InputName, ReadOnlyMemory<byte> Path, ReadOnlyMemory<byte> Hash);
