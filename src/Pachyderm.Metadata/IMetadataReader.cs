namespace Pachyderm.Metadata;

/// <summary>
/// A view of all records at one moment, valid only inside the function it was given to. Lists are in memory when they are returned; those
/// that may be long are read in pages.
/// </summary>
public interface IMetadataReader
{
    /// <summary>The repo, or null.</summary>
    RepoRecord? FindRepo(string name);

    /// <summary>All repos, last written first.</summary>
    IReadOnlyList<RepoRecord> ListRepos();

    /// <summary>Names of the repos whose provenance has the given repo, in byte order.</summary>
    IReadOnlyList<string> ListReposWithProvenance(string repo);

    /// <summary>The commit, or null.</summary>
    CommitRecord? FindCommit(CommitKey key);

    /// <summary>A page of a repo's commits, last written first.</summary>
    /// <param name="repo">The repo.</param>
    /// <param name="before">Only commits whose revision is below this; null to begin with the last written.</param>
    /// <param name="limit">Largest number of commits, above 0.</param>
    IReadOnlyList<CommitRecord> ListCommits(string repo, long? before, int limit);

    /// <summary>The commits of a repo whose provenance has the given commit, in the order in which they were created.</summary>
    IReadOnlyList<CommitKey> ListCommitsWithProvenance(string repo, CommitKey provenance);

    /// <summary>A page of every commit of every repo, in order of key.</summary>
    /// <param name="after">Only commits behind this; null to begin.</param>
    /// <param name="limit">Largest number of commits, above 0.</param>
    IReadOnlyList<CommitRecord> ListAllCommits(CommitKey? after, int limit);

    /// <summary>The branch, or null.</summary>
    BranchRecord? FindBranch(string repo, string name);

    /// <summary>The branches of a repo, last written first.</summary>
    IReadOnlyList<BranchRecord> ListBranches(string repo);

    /// <summary>A page of the writes of an open commit, in order.</summary>
    /// <param name="commit">The commit.</param>
    /// <param name="after">Only writes behind this sequence.</param>
    /// <param name="limit">Largest number of writes, above 0.</param>
    IReadOnlyList<PendingWrite> ListPendingWrites(CommitKey commit, long after, int limit);

    /// <summary>How many writes of an open commit are not folded yet, and the bytes of their payloads. O(1).</summary>
    (long Count, long Bytes) CountPendingWrites(CommitKey commit);

    /// <summary>The object, or null.</summary>
    ObjectRecord? FindObject(string hash);

    /// <summary>A page of the objects in order of hash.</summary>
    IReadOnlyList<ObjectRecord> ListObjects(string? after, int limit);

    /// <summary>The tag, or null.</summary>
    TagRecord? FindTag(string name);

    /// <summary>A page of the tags that begin with a prefix, in byte order.</summary>
    IReadOnlyList<TagRecord> ListTags(string prefix, string? after, int limit);

    /// <summary>The value of a row, or null.</summary>
    /// <param name="space">Number of the space; each kind of record of a room has one of its own.</param>
    /// <param name="key">The key within the space.</param>
    ReadOnlyMemory<byte>? FindRow(int space, ReadOnlySpan<byte> key);

    /// <summary>Whether there is a row. Costs less than to read it.</summary>
    bool HasRow(int space, ReadOnlySpan<byte> key);

    /// <summary>A page of the rows of a space whose keys begin with a prefix, in the order of their keys.</summary>
    /// <param name="space">Number of the space.</param>
    /// <param name="prefix">What the keys begin with; empty for all.</param>
    /// <param name="after">Only keys behind this; null to begin.</param>
    /// <param name="limit">Largest number of rows, above 0.</param>
    IReadOnlyList<StoredRow> ListRows(int space, ReadOnlySpan<byte> prefix, ReadOnlyMemory<byte>? after, int limit);

    /// <summary>Sequence of the last change; 0 before the first.</summary>
    long LastChange { get; }

    /// <summary>Sequence of the last pending write that was ever added, whether it is still there or not; 0 before the first.</summary>
    long LastPendingWrite { get; }

    /// <summary>A page of the feed.</summary>
    /// <param name="after">Only changes behind this sequence.</param>
    /// <param name="limit">Largest number of changes, above 0.</param>
    /// <exception cref="ChangesTrimmedException">Changes behind <paramref name="after"/> are gone from the feed.</exception>
    IReadOnlyList<Change> ListChanges(long after, int limit);
}
