namespace Pachyderm.Metadata;

/// <summary>What happened, as an entry of the change feed.</summary>
public enum ChangeKind
{
    /// <summary>A commit was created; it is open unless a <see cref="CommitFinished"/> of the same transaction follows.</summary>
    CommitStarted = 1,

    /// <summary>A commit was finished.</summary>
    CommitFinished = 2,

    /// <summary>A commit was deleted.</summary>
    CommitDeleted = 3,

    /// <summary>A branch was created or points to another commit now.</summary>
    BranchMoved = 4,

    /// <summary>A branch was deleted.</summary>
    BranchDeleted = 5,

    /// <summary>A repo was created.</summary>
    RepoCreated = 6,

    /// <summary>A repo was deleted, with its commits and branches; these have no entries of their own.</summary>
    RepoDeleted = 7,

    /// <summary>
    /// A pipeline was created, updated, started or stopped, or its state changed; <see cref="Change.Repo"/> has its name.
    /// </summary>
    PipelineChanged = 8,

    /// <summary>A pipeline was deleted; <see cref="Change.Repo"/> has its name.</summary>
    PipelineDeleted = 9,

    /// <summary>
    /// A job was created or its state changed; <see cref="Change.Repo"/> has its pipeline, <see cref="Change.Commit"/> its identifier.
    /// </summary>
    JobChanged = 10,

    /// <summary>A job was deleted; <see cref="Change.Repo"/> has its pipeline, <see cref="Change.Commit"/> its identifier.</summary>
    JobDeleted = 11,

    /// <summary>
    /// The log of a job has grown; <see cref="Change.Repo"/> has its pipeline, <see cref="Change.Commit"/> its identifier.
    /// </summary>
    LogAppended = 12,
}

/// <summary>An entry of the change feed, appended by the transaction that made the change.</summary>
/// <param name="Sequence">Its place in the feed, ascending without repetition; gaps occur. 0 in an entry to be appended.</param>
/// <param name="Kind">What happened.</param>
/// <param name="Repo">The repo or pipeline.</param>
/// <param name="Commit">The commit: the one that changed, or the head that a branch got; null where there is none.</param>
/// <param name="Branch">The branch; null where there is none.</param>
public sealed record Change(long Sequence, ChangeKind Kind, string Repo, string? Commit = null, string? Branch = null);
