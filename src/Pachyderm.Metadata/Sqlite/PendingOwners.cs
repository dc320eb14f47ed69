namespace Pachyderm.Metadata.Sqlite;

/// <summary>
/// The owners of pending writes that the writer met lately. Counters change here and reach the table once a change, however many writes
/// it adds.
/// </summary>
internal sealed class PendingOwners(Database database)
{
    private const int MostRemembered = 4_096;

    private readonly Dictionary<CommitKey, PendingOwner> _known = [];
    private readonly List<(CommitKey Commit, PendingOwner Owner)> _changed = [];
    private (CommitKey Commit, PendingOwner? Owner) _last;

    /// <summary>The owner, or null if the commit has no pending writes.</summary>
    public PendingOwner? Find(CommitKey commit)
    {
        // Writes come in rows for one commit.
        if (_last.Owner is not null && ReferenceEquals(_last.Commit.Id, commit.Id) && ReferenceEquals(_last.Commit.Repo, commit.Repo))
        {
            return _last.Owner;
        }

        if (!_known.TryGetValue(commit, out PendingOwner? owner))
        {
            owner = PendingOwner.Find(database, commit);
            if (owner is null)
            {
                return null;
            }

            _known.Add(commit, owner);
        }

        _last = (commit, owner);
        return owner;
    }

    /// <summary>The owner, created if need be.</summary>
    public PendingOwner FindOrAdd(CommitKey commit)
    {
        if (Find(commit) is { } known)
        {
            return known;
        }

        using Query query = database.Prepare("INSERT INTO pending_owners (repo, id, writes, bytes) VALUES (?1, ?2, 0, 0) RETURNING number")
            .Bind(1, commit.Repo).Bind(2, commit.Id);
        _ = query.Step();
        PendingOwner owner = new(query.Int64(0), 0, 0);
        _known.Add(commit, owner);
        _last = (commit, owner);
        return owner;
    }

    /// <summary>Counts writes that were added, or deleted where the numbers are negative.</summary>
    public void Count(CommitKey commit, PendingOwner owner, long writes, long bytes)
    {
        owner.Writes += writes;
        owner.Bytes += bytes;
        if (!owner.IsChanged)
        {
            owner.IsChanged = true;
            _changed.Add((commit, owner));
        }
    }

    /// <summary>Brings the table up to date. An owner without writes goes.</summary>
    public void Flush()
    {
        foreach ((CommitKey commit, PendingOwner owner) in _changed)
        {
            if (owner.Writes > 0)
            {
                database.Prepare("UPDATE pending_owners SET writes = ?2, bytes = ?3 WHERE number = ?1")
                    .Bind(1, owner.Number).Bind(2, owner.Writes).Bind(3, owner.Bytes).Run();
                owner.IsChanged = false;
            }
            else
            {
                database.Prepare("DELETE FROM pending_owners WHERE number = ?1").Bind(1, owner.Number).Run();
                _known.Remove(commit);
                _last = default;
            }
        }

        _changed.Clear();
        if (_known.Count > MostRemembered)
        {
            Forget();
        }
    }

    /// <summary>Forgets everything, since the table went back to what it was.</summary>
    public void Forget()
    {
        _known.Clear();
        _changed.Clear();
        _last = default;
    }
}
