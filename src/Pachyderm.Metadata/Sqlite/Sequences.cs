namespace Pachyderm.Metadata.Sqlite;

/// <summary>The numbers that were given out last.</summary>
/// <param name="Revision">Of records.</param>
/// <param name="PendingWrite">Of pending writes.</param>
/// <param name="Change">Of changes.</param>
/// <param name="TrimmedChange">The last change that was trimmed from the feed; 0 if none was.</param>
internal readonly record struct Sequences(long Revision, long PendingWrite, long Change, long TrimmedChange)
{
    /// <summary>Reads them as the connection sees them.</summary>
    public static Sequences Read(Database database)
    {
        using Query query = database.Prepare("SELECT revision, pending_write, change, trimmed_change FROM sequences");
        return query.Step()
            ? new Sequences(query.Int64(0), query.Int64(1), query.Int64(2), query.Int64(3))
            : throw SqliteErrors.Damaged(database.Path, "a record of the store is missing", "sequences");
    }

    /// <summary>Writes them.</summary>
    public void Write(Database database) =>
        database.Prepare("UPDATE sequences SET revision = ?1, pending_write = ?2, change = ?3, trimmed_change = ?4")
            .Bind(1, Revision).Bind(2, PendingWrite).Bind(3, Change).Bind(4, TrimmedChange).Run();
}
