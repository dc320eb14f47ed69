namespace Pachyderm.RecordStores;

/// <summary>What a record store says of itself.</summary>
/// <param name="ServerVersion">Version of the server, such as <c>3.4.23</c>; for a snapshot file <c>snapshot</c>.</param>
/// <param name="Revision">Current revision.</param>
/// <param name="CompactRevision">Revision of the last compaction, where the driver can tell; else 0.</param>
/// <param name="SizeBytes">Size of the database file in bytes.</param>
/// <param name="QuotaBytes">Space that the store may take in bytes, or null where it cannot be told.</param>
/// <param name="Alarms">Alarms that are raised, such as <c>NOSPACE</c>.</param>
public sealed record RecordStoreStatus(
    string ServerVersion,
    long Revision,
    long CompactRevision,
    long SizeBytes,
    long? QuotaBytes,
    IReadOnlyList<string> Alarms);
