namespace Pachyderm.Metadata;

/// <summary>
/// A transaction: reads see its own writes. Nothing is checked beyond the identity of records; rules are the caller's. A record's
/// revision is assigned at each write, ascending over all records.
/// </summary>
public interface IMetadataWriter : IMetadataReader
{
    /// <summary>Creates or replaces a repo.</summary>
    void PutRepo(RepoRecord repo);

    /// <summary>Deletes a repo's record with its commits, branches and pending writes, if they are there.</summary>
    void DeleteRepo(string name);

    /// <summary>Creates or replaces a commit with its provenance.</summary>
    void PutCommit(CommitRecord commit);

    /// <summary>Replaces the tree of a commit and nothing else; its revision stays.</summary>
    /// <exception cref="KeyNotFoundException">There is no such commit.</exception>
    void SetTree(CommitKey commit, ReadOnlyMemory<byte>? tree);

    /// <summary>Deletes a commit and its pending writes, if it is there.</summary>
    void DeleteCommit(CommitKey key);

    /// <summary>Creates or replaces a branch.</summary>
    void PutBranch(BranchRecord branch);

    /// <summary>Deletes a branch, if it is there.</summary>
    void DeleteBranch(string repo, string name);

    /// <summary>Appends a write to a commit.</summary>
    void AddPendingWrite(CommitKey commit, ReadOnlyMemory<byte> payload);

    /// <summary>Deletes the writes of a commit up to and with a sequence.</summary>
    void DeletePendingWrites(CommitKey commit, long through);

    /// <summary>Creates or replaces an object.</summary>
    void PutObject(ObjectRecord obj);

    /// <summary>Deletes an object, if it is there.</summary>
    void DeleteObject(string hash);

    /// <summary>Creates or replaces a tag.</summary>
    void PutTag(TagRecord tag);

    /// <summary>Deletes a tag, if it is there.</summary>
    void DeleteTag(string name);

    /// <summary>Creates or replaces a row.</summary>
    void PutRow(int space, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value);

    /// <summary>Deletes a row, if it is there.</summary>
    void DeleteRow(int space, ReadOnlySpan<byte> key);

    /// <summary>The next revision, for a row that is ordered by its last write among other records.</summary>
    long TakeRevision();

    /// <summary>Appends to the feed.</summary>
    void AddChange(Change change);
}
