using Pachyderm.Migration.Releases;

namespace Pachyderm.Migration.Engine;

/// <summary>What an operator asks of a migration.</summary>
public sealed record MigrationRequest
{
    /// <summary>Identifiers of the blocking findings that an operator may accept.</summary>
    public static IReadOnlyList<string> Acceptable { get; } =
        ["open-commit", "running-job", "registered-worker", "registered-master", "access-control", "source-changed"];

    /// <summary>Release that the operator says the data is of; null to go by the data alone.</summary>
    public ReleaseVersion? From { get; init; }

    /// <summary>Release to carry the data to; null for the newest that can be reached.</summary>
    public ReleaseVersion? To { get; init; }

    /// <summary>Key prefix of file-system records.</summary>
    public string PfsPrefix { get; init; } = "pachyderm_pfs";

    /// <summary>Key prefix of pipeline records.</summary>
    public string PpsPrefix { get; init; } = "pachyderm_pps";

    /// <summary>Directory of the backup repository.</summary>
    public required string BackupDirectory { get; init; }

    /// <summary>Name of a backup of this store that exists already and is used instead of a new one; null to make one.</summary>
    public string? UseBackup { get; init; }

    /// <summary>Whether the content of the storage root is copied into the backup, too.</summary>
    public bool BackupContent { get; init; }

    /// <summary>Passphrase of the backup repository; null if it is not encrypted.</summary>
    public string? Passphrase { get; init; }

    /// <summary>Storage root of the cluster; null to leave content unchecked and tags as they are.</summary>
    public string? Storage { get; init; }

    /// <summary>Identifiers of findings that the operator accepts, such as <c>open-commit</c>.</summary>
    public IReadOnlySet<string> Accepted { get; init; } = new HashSet<string>(StringComparer.Ordinal);

    /// <summary>Whether unreadable records are set aside instead of stopping the migration.</summary>
    public bool Quarantine { get; init; }

    /// <summary>Most records written a second; null for no limit.</summary>
    public long? RateLimit { get; init; }

    /// <summary>Whether undo may discard what was written after the migration.</summary>
    public bool DiscardLaterWrites { get; init; }
}
