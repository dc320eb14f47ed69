namespace Pachyderm.RecordStores.Snapshot;

/// <summary>A live record together with how the snapshot holds it.</summary>
/// <param name="Record">The record.</param>
/// <param name="Sub">Sub revision: the place of the write within its transaction.</param>
/// <param name="Encoded">The record's bytes in the file, with every field that a later etcd may have added.</param>
internal readonly record struct SnapshotEntry(StoredRecord Record, long Sub, ReadOnlyMemory<byte> Encoded);
