namespace Pachyderm.RecordStores;

/// <summary>One change that a watch delivers.</summary>
/// <param name="Record">
/// The record as written. After a delete only <see cref="StoredRecord.Key"/> and <see cref="StoredRecord.ModRevision"/> are set.
/// </param>
/// <param name="Deleted">Whether the key was deleted.</param>
public readonly record struct RecordEvent(StoredRecord Record, bool Deleted);
