namespace Pachyderm.Migration.Journal;

/// <summary>
/// What a store knows of the migration under way, so that another process can take it up or undo it. Stored as JSON: under
/// <c>pachyderm_migration/.../journal</c> of a live store, beside the output of a snapshot.
/// </summary>
public sealed record MigrationJournal
{
    /// <summary>Version of this record's format.</summary>
    public const int CurrentVersion = 1;

    /// <summary>Version of the format that wrote the journal.</summary>
    public int Version { get; init; } = CurrentVersion;

    /// <summary>Oldest format version whose readers understand the journal.</summary>
    public int MinReader { get; init; } = 1;

    /// <summary>Identifier of the migration.</summary>
    public required string Id { get; init; }

    /// <summary>Release that the data was found to be of.</summary>
    public required string From { get; init; }

    /// <summary>Release that it is carried to.</summary>
    public required string To { get; init; }

    /// <summary>Folder of the step below <c>migration/</c>.</summary>
    public required string Step { get; init; }

    /// <summary>How far it has come.</summary>
    public required MigrationPhase Phase { get; init; }

    /// <summary>Key prefix of file-system records.</summary>
    public required string PfsPrefix { get; init; }

    /// <summary>Key prefix of pipeline records.</summary>
    public required string PpsPrefix { get; init; }

    /// <summary>Identifiers of the findings that the operator accepted.</summary>
    public IReadOnlyList<string> Accepted { get; init; } = [];

    /// <summary>Whether unreadable records are set aside.</summary>
    public bool Quarantine { get; init; }

    /// <summary>Storage root whose tags are carried over, or null.</summary>
    public string? Storage { get; init; }

    /// <summary>Directory of the backup repository.</summary>
    public required string BackupRepository { get; init; }

    /// <summary>Name of the backup in it; null until it exists.</summary>
    public string? BackupName { get; init; }

    /// <summary>SHA-256 of the metadata in the backup, in hexadecimal.</summary>
    public string? BackupSha256 { get; init; }

    /// <summary>Digest of the plan: it must come out the same when the migration is resumed.</summary>
    public required string PlanDigest { get; init; }

    /// <summary>Digest of all of the cluster's records before the migration.</summary>
    public required string DigestBefore { get; init; }

    /// <summary>Digest of all of the cluster's records after it; null until they are rewritten.</summary>
    public string? DigestAfter { get; init; }

    /// <summary>
    /// Revision of the store when the verification began to read it; 0 until then. A later write that is not the migration's own is
    /// foreign.
    /// </summary>
    public long VerifiedRevision { get; init; }

    /// <summary>Revision of the store when it was stamped; 0 until then. Records written later are not the migration's.</summary>
    public long StampRevision { get; init; }

    /// <summary>SHA-256 that the published snapshot bears, in hexadecimal; null for a live store.</summary>
    public string? OutputSha256 { get; init; }

    /// <summary>When the migration began.</summary>
    public required DateTimeOffset Started { get; init; }

    /// <summary>When the journal was last written.</summary>
    public required DateTimeOffset Updated { get; init; }
}
