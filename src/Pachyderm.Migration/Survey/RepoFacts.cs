using Google.Protobuf;

namespace Pachyderm.Migration.Survey;

/// <summary>What the survey remembers of a repo.</summary>
public sealed class RepoFacts
{
    /// <summary>Whether a repo record was seen; commits and counts may exist without one.</summary>
    public bool Exists { get; set; }

    /// <summary>Whether there is a repo record that cannot be read.</summary>
    public bool IsUnreadable { get; set; }

    /// <summary>Names of the repos that its record lists as provenance.</summary>
    public IReadOnlyList<ByteString> Provenance { get; set; } = [];

    /// <summary>The reference count as stored; null if there is none, or none that is a number.</summary>
    public long? StoredRefCount { get; set; }

    /// <summary>Whether there is a reference-count record.</summary>
    public bool HasRefCount { get; set; }

    /// <summary>Its commits and branches.</summary>
    public RecordTotals Commits { get; } = new();

    /// <summary>Number of its branches.</summary>
    public long Branches { get; set; }

    /// <summary>Takes in what another worker has seen of the same repo.</summary>
    public void Merge(RepoFacts other)
    {
        if (other.Exists)
        {
            Exists = true;
            Provenance = other.Provenance;
        }

        if (other.HasRefCount)
        {
            HasRefCount = true;
            StoredRefCount = other.StoredRefCount;
        }

        IsUnreadable |= other.IsUnreadable;
        Commits.Add(other.Commits);
        Branches += other.Branches;
    }
}
