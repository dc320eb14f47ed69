using Pachyderm.Migration.Releases;

namespace Pachyderm.Migration.Survey;

/// <summary>What kind of store was found.</summary>
public enum StoreKind
{
    /// <summary>No keys at all.</summary>
    Empty,

    /// <summary>Keys, but none of a Pachyderm cluster under these prefixes.</summary>
    Foreign,

    /// <summary>A cluster of one release line.</summary>
    Cluster,

    /// <summary>
    /// A cluster with records of 1.4 and of 1.5: a migration by upstream's own routine was interrupted, or lost records on its way.
    /// </summary>
    Mixed,
}

/// <summary>The release that the data itself shows.</summary>
/// <param name="Kind">What kind of store it is.</param>
/// <param name="Earliest">Earliest release that writes such data.</param>
/// <param name="Latest">Latest release that writes such data.</param>
/// <param name="Why">What shows it, for people.</param>
public sealed record DetectedRelease(StoreKind Kind, ReleaseVersion Earliest, ReleaseVersion Latest, string Why)
{
    /// <summary>Whether the data may have been written by a release.</summary>
    public bool Allows(ReleaseVersion version) => version >= Earliest && version <= Latest;

    /// <inheritdoc/>
    public override string ToString() => Kind switch
    {
        StoreKind.Empty => "an empty store",
        StoreKind.Foreign => "no Pachyderm cluster under these prefixes",
        _ => (Earliest.CompareTo(Latest) == 0 ? $"{Earliest}" : $"{Earliest} to {Latest}") + (
            Kind == StoreKind.Mixed ? ", partly migrated" : ""),
    };
}
