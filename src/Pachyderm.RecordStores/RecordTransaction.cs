namespace Pachyderm.RecordStores;

/// <summary>Writes that happen together, and only if every guard holds at that moment.</summary>
/// <param name="Guards">Conditions on keys.</param>
/// <param name="Writes">Puts and deletes, each key at most once.</param>
public sealed record RecordTransaction(IReadOnlyList<RecordGuard> Guards, IReadOnlyList<RecordWrite> Writes)
{
    /// <summary>
    /// What is tried in the same moment if a guard does not hold; null for nothing. Only for stores that
    /// <see cref="IRecordStore.TakesAlternatives"/>.
    /// </summary>
    public RecordTransaction? Otherwise { get; init; }
}

/// <summary>What a guard compares.</summary>
public enum RecordGuardKind
{
    /// <summary>The revision that last wrote the key; 0 when the key must not exist.</summary>
    ModRevision,

    /// <summary>The revision that created the key; 0 when the key must not exist.</summary>
    CreateRevision,

    /// <summary>The value; a key that does not exist has none.</summary>
    Value,
}

/// <summary>A condition on one key.</summary>
/// <param name="Key">The key.</param>
/// <param name="Kind">What is compared.</param>
/// <param name="Revision">The revision that it must equal; 0 for a guard of the value.</param>
public readonly record struct RecordGuard(ReadOnlyMemory<byte> Key, RecordGuardKind Kind, long Revision)
{
    /// <summary>The value that it must equal; empty for a guard of a revision.</summary>
    public ReadOnlyMemory<byte> Value { get; private init; }

    /// <summary>The key must not exist.</summary>
    public static RecordGuard Absent(ReadOnlyMemory<byte> key) => new(key, RecordGuardKind.ModRevision, 0);

    /// <summary>The key must be as it was when it was last written at <paramref name="modRevision"/>.</summary>
    public static RecordGuard Unchanged(ReadOnlyMemory<byte> key, long modRevision) => new(key, RecordGuardKind.ModRevision, modRevision);

    /// <summary>The key must be the one that was created at <paramref name="createRevision"/>, whatever was written to it since.</summary>
    public static RecordGuard SameKey(ReadOnlyMemory<byte> key, long createRevision) =>
        new(key, RecordGuardKind.CreateRevision, createRevision);

    /// <summary>The key must exist and have this value, whenever it was written.</summary>
    public static RecordGuard HasValue(ReadOnlyMemory<byte> key, ReadOnlyMemory<byte> value) => new(key, RecordGuardKind.Value, 0)
    {
        Value = value,
    };
}

/// <summary>One write: a put, or a delete when <paramref name="Value"/> is null.</summary>
/// <param name="Key">The key.</param>
/// <param name="Value">The new value, or null to delete the key (deleting an absent key is no error).</param>
/// <param name="Lease">Lease to attach the key to; 0 for none.</param>
public readonly record struct RecordWrite(ReadOnlyMemory<byte> Key, ReadOnlyMemory<byte>? Value, long Lease = 0)
{
    /// <summary>Sets <paramref name="key"/> to <paramref name="value"/>.</summary>
    public static RecordWrite Put(ReadOnlyMemory<byte> key, ReadOnlyMemory<byte> value, long lease = 0) => new(key, value, lease);

    /// <summary>Removes <paramref name="key"/>.</summary>
    public static RecordWrite Delete(ReadOnlyMemory<byte> key) => new(key, null);
}

/// <summary>What became of a transaction.</summary>
/// <param name="Succeeded">Whether all guards held and the writes were made, those of the transaction or those of an alternative.</param>
/// <param name="Revision">The store's revision after the transaction. When it succeeded and wrote, the revision of its writes.</param>
public readonly record struct TransactionResult(bool Succeeded, long Revision);
