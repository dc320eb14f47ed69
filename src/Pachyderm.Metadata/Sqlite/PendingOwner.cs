namespace Pachyderm.Metadata.Sqlite;

/// <summary>A commit that has pending writes, as the table <c>pending_owners</c> knows it.</summary>
/// <param name="number">The key under which its writes are stored.</param>
/// <param name="writes">How many there are.</param>
/// <param name="bytes">Bytes of their payloads.</param>
internal sealed class PendingOwner(long number, long writes, long bytes)
{
    /// <summary>The key under which its writes are stored.</summary>
    public long Number { get; } = number;

    /// <summary>How many there are.</summary>
    public long Writes { get; set; } = writes;

    /// <summary>Bytes of their payloads.</summary>
    public long Bytes { get; set; } = bytes;

    /// <summary>Whether the table has other numbers.</summary>
    public bool IsChanged { get; set; }

    /// <summary>Looks it up; null if the commit has no pending writes.</summary>
    public static PendingOwner? Find(Database database, CommitKey commit)
    {
        using Query query = database.Prepare("SELECT number, writes, bytes FROM pending_owners WHERE repo = ?1 AND id = ?2")
            .Bind(1, commit.Repo).Bind(2, commit.Id);
        return query.Step() ? new PendingOwner(query.Int64(0), query.Int64(1), query.Int64(2)) : null;
    }
}
