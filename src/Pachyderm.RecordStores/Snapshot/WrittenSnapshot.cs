namespace Pachyderm.RecordStores.Snapshot;

/// <summary>What was written.</summary>
/// <param name="RecordCount">Number of records.</param>
/// <param name="SizeBytes">Size of the file in bytes, with the hash at its end.</param>
/// <param name="Sha256">The file's SHA-256 in lower-case hexadecimal digits.</param>
/// <param name="Revision">The revision that an etcd restored from the file continues from.</param>
public sealed record WrittenSnapshot(long RecordCount, long SizeBytes, string Sha256, long Revision);
