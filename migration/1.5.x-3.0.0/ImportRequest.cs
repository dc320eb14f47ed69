using Pachyderm.Migration.Releases;
using Pachyderm.Migration.Targets;

namespace Pachyderm.Migration.Steps.Native;

/// <summary>What an operator asks of an import into a data directory of this release.</summary>
public sealed record ImportRequest
{
    /// <summary>The data directory that is made: new, empty, or left by an import that was interrupted.</summary>
    public required string Data { get; init; }

    /// <summary>Where the cluster's records are; null if an import goes on, which knows.</summary>
    public StoreAddress? Source { get; init; }

    /// <summary>The storage root of the cluster (PACH_ROOT); null if an import goes on, which knows.</summary>
    public string? Storage { get; init; }

    /// <summary>Release that the operator says the cluster is of; null to go by the data alone.</summary>
    public ReleaseVersion? From { get; init; }

    /// <summary>Key prefix of file-system records.</summary>
    public string PfsPrefix { get; init; } = "pachyderm_pfs";

    /// <summary>Key prefix of pipeline records.</summary>
    public string PpsPrefix { get; init; } = "pachyderm_pps";

    /// <summary>Whether content is copied; else old objects are used where they are.</summary>
    public bool Copy { get; init; }

    /// <summary>How much is verified before the stamp.</summary>
    public ImportVerification Verification { get; init; } = ImportVerification.Default;

    /// <summary>Whether unreadable records are left behind instead of refused.</summary>
    public bool Quarantine { get; init; }

    /// <summary>Blocking findings that the operator accepts, by identifier.</summary>
    public IReadOnlySet<string> Accepted { get; init; } = new HashSet<string>(StringComparer.Ordinal);

    /// <summary>
    /// The file that gets everything as one portable stream before an undo drops what was written since the import; null for none.
    /// </summary>
    public string? ExtractTo { get; init; }

    /// <summary>Whether an undo drops what was written since the import without a stream of it.</summary>
    public bool DiscardLaterWrites { get; init; }
}
