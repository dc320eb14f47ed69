namespace Pachyderm.RecordStores.Snapshot;

/// <summary>What <see cref="SnapshotRewriter"/> did.</summary>
/// <param name="Kept">Records that stayed as they were.</param>
/// <param name="Replaced">Records with a new value.</param>
/// <param name="Dropped">Records that are gone.</param>
/// <param name="Added">Records that are new.</param>
/// <param name="SizeBytes">Size of the new file in bytes.</param>
/// <param name="Sha256">The new file's SHA-256 in lower-case hexadecimal digits.</param>
/// <param name="Revision">The new file's revision; all below it is compacted.</param>
public sealed record SnapshotRewriteResult(
    long Kept,
    long Replaced,
    long Dropped,
    long Added,
    long SizeBytes,
    string Sha256,
    long Revision);
