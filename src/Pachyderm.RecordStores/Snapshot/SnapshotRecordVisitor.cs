namespace Pachyderm.RecordStores.Snapshot;

/// <summary>Does something with one record of a snapshot.</summary>
/// <param name="record">The record. Its key and value are valid during the call only.</param>
public delegate void SnapshotRecordVisitor(in StoredRecord record);
