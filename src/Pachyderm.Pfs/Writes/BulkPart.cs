namespace Pachyderm.Pfs;

/// <summary>A piece of a file in a stream of many files: one with a path begins a file, those that follow without a path go on with it.</summary>
/// <param name="Path">The path as the caller writes it, if this begins a file; else null.</param>
/// <param name="Value">The bytes, valid until the next piece is asked for.</param>
/// <param name="IsLast">Whether the file ends with this piece.</param>
/// <param name="Overwrite">Whether what is at the path is removed first; of the piece that begins a file.</param>
public readonly record struct BulkPart(string? Path, ReadOnlyMemory<byte> Value, bool IsLast, bool Overwrite);

/// <summary>What a stream of many files came to.</summary>
/// <param name="Files">Files that were written.</param>
/// <param name="Bytes">Their bytes.</param>
public readonly record struct BulkSummary(long Files, long Bytes);
