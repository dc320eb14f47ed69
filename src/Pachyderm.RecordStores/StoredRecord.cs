namespace Pachyderm.RecordStores;

/// <summary>One live key of a record store, with the attributes that etcd keeps for it.</summary>
/// <param name="Key">The key's bytes.</param>
/// <param name="Value">The value's bytes; may be empty.</param>
/// <param name="CreateRevision">Revision that created the key.</param>
/// <param name="ModRevision">Revision that last wrote the key. Upstream lists records by it, newest first.</param>
/// <param name="Version">Number of writes since the key was created.</param>
/// <param name="Lease">Lease that the key is attached to; 0 for none.</param>
/// <remarks>The memory belongs to the page that delivered the record and stays valid as long as the record is referenced.</remarks>
public readonly record struct StoredRecord(
    ReadOnlyMemory<byte> Key,
    ReadOnlyMemory<byte> Value,
    long CreateRevision,
    long ModRevision,
    long Version,
    long Lease);
