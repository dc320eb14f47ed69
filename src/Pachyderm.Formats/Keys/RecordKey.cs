namespace Pachyderm.Formats;

/// <summary>
/// A key taken apart. Parts that its kind does not have are empty. The parts point into the key that was given to
/// <see cref="ClusterKeys.Parse"/>.
/// </summary>
public readonly ref struct RecordKey
{
    /// <summary>What the key belongs to.</summary>
    public RecordKind Kind { get; init; }

    /// <summary>
    /// Repo name: of Repo, RepoRefCount, Commit, CommitProvenanceIndex, Branch, Scratch and AuthAcl, and the repo that a
    /// RepoProvenanceIndex entry leads to.
    /// </summary>
    public ReadOnlySpan<byte> Repo { get; init; }

    /// <summary>Id of a commit (Commit, CommitProvenanceIndex, OpenCommit, Scratch) or of a job (Job and its indexes).</summary>
    public ReadOnlySpan<byte> Id { get; init; }

    /// <summary>
    /// Branch name, pipeline name (Pipeline, PipelineStoppedIndex, WorkerMasterLock), worker controller, unique part of a scratch key,
    /// hash of a token, or user name of an administrator.
    /// </summary>
    public ReadOnlySpan<byte> Name { get; init; }

    /// <summary>
    /// The indexed value as it stands in the key: cleaned as a path, so that it may differ from the text that was indexed.
    /// </summary>
    public ReadOnlySpan<byte> IndexValue { get; init; }

    /// <summary>Path of a scratch key without slashes at its ends, address of a worker, or what follows the name in a lock.</summary>
    public ReadOnlySpan<byte> Path { get; init; }
}
