namespace Pachyderm.Migration.Journal;

/// <summary>Says of a store which release its records are of. Written as the last act of a migration.</summary>
public sealed record MigrationStamp
{
    /// <summary>Version of this record's format.</summary>
    public int Version { get; init; } = 1;

    /// <summary>Oldest format version whose readers understand the stamp.</summary>
    public int MinReader { get; init; } = 1;

    /// <summary>Release of the records.</summary>
    public required string Release { get; init; }

    /// <summary>Release that they were carried from.</summary>
    public required string From { get; init; }

    /// <summary>Identifier of the migration.</summary>
    public required string MigrationId { get; init; }

    /// <summary>Digest of the cluster's records before the migration.</summary>
    public required string SourceDigest { get; init; }

    /// <summary>When the migration began.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>Version of the program that wrote it.</summary>
    public required string Program { get; init; }
}
