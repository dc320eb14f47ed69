using System.Collections.Immutable;

namespace Pachyderm.Metadata.Sqlite;

/// <summary>What the writing connection carries from one change to the next.</summary>
internal sealed class WriterState(Database database)
{
    /// <summary>The connection.</summary>
    public Database Database { get; } = database;

    /// <summary>The owners of pending writes.</summary>
    public PendingOwners Owners { get; } = new(database);

    /// <summary>The last numbers given out.</summary>
    public Sequences Sequences { get; set; } = Sequences.Read(database);
}

/// <summary>Writes records inside the transaction of the writing connection.</summary>
internal sealed class SqliteWriter(WriterState state) : SqliteReader(state.Database, StoreFormat.Version), IMetadataWriter
{
    /// <inheritdoc/>
    protected override Sequences Sequences
    {
        get
        {
            _ = Connection;
            return state.Sequences;
        }
    }

    /// <inheritdoc/>
    public override (long Count, long Bytes) CountPendingWrites(CommitKey commit)
    {
        _ = Connection;
        return state.Owners.Find(commit) is { } owner ? (owner.Writes, owner.Bytes) : default;
    }

    /// <inheritdoc/>
    public void PutRepo(RepoRecord repo)
    {
        ArgumentNullException.ThrowIfNull(repo);
        Connection.Prepare(
                """
                INSERT INTO repos (name, created, description, size_bytes, revision) VALUES (?1, ?2, ?3, ?4, ?5)
                ON CONFLICT (name) DO UPDATE SET created = ?2, description = ?3, size_bytes = ?4, revision = ?5
                """)
            .Bind(1, repo.Name).Bind(2, repo.Created.UtcTicks).Bind(3, repo.Description).Bind(4, repo.SizeBytes)
            .Bind(5, NextRevision()).Run();
        Connection.Prepare("DELETE FROM repo_provenance WHERE repo = ?1").Bind(1, repo.Name).Run();
        int position = 0;
        foreach (string provenance in OrEmpty(repo.Provenance))
        {
            Connection.Prepare("INSERT INTO repo_provenance (repo, position, provenance) VALUES (?1, ?2, ?3)")
                .Bind(1, repo.Name).Bind(2, position++).Bind(3, provenance).Run();
        }
    }

    /// <inheritdoc/>
    public void DeleteRepo(string name)
    {
        Connection.Prepare(
            "DELETE FROM pending_writes WHERE owner IN (SELECT number FROM pending_owners WHERE repo = ?1)").Bind(1, name).Run();
        Connection.Prepare("DELETE FROM pending_owners WHERE repo = ?1").Bind(1, name).Run();
        state.Owners.Flush();
        state.Owners.Forget();
        Connection.Prepare("DELETE FROM commit_provenance WHERE repo = ?1").Bind(1, name).Run();
        Connection.Prepare("DELETE FROM commits WHERE repo = ?1").Bind(1, name).Run();
        Connection.Prepare("DELETE FROM branches WHERE repo = ?1").Bind(1, name).Run();
        Connection.Prepare("DELETE FROM repo_provenance WHERE repo = ?1").Bind(1, name).Run();
        Connection.Prepare("DELETE FROM repos WHERE name = ?1").Bind(1, name).Run();
    }

    /// <inheritdoc/>
    public void PutCommit(CommitRecord commit)
    {
        ArgumentNullException.ThrowIfNull(commit);
        Connection.Prepare(
                """
                INSERT INTO commits (repo, id, parent, started, finished, size_bytes, tree, revision, inserted)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8)
                ON CONFLICT (repo, id) DO UPDATE SET parent = ?3, started = ?4, finished = ?5, size_bytes = ?6, tree = ?7, revision = ?8
                """)
            .Bind(1, commit.Key.Repo).Bind(2, commit.Key.Id).BindOptional(3, commit.Parent)
            .Bind(4, commit.Started.UtcTicks).BindOptional(5, commit.Finished?.UtcTicks).Bind(6, commit.SizeBytes)
            .BindOptional(7, commit.Tree).Bind(8, NextRevision()).Run();

        // Most writes leave the provenance alone.
        ImmutableArray<CommitKey> provenance = OrEmpty(commit.Provenance);
        ImmutableArray<CommitKey> stored = CommitProvenance(commit.Key);
        if (stored.AsSpan().SequenceEqual(provenance.AsSpan()))
        {
            return;
        }

        if (!stored.IsEmpty)
        {
            DeleteProvenance(commit.Key);
        }

        for (int position = 0; position < provenance.Length; position++)
        {
            Connection.Prepare(
                    "INSERT INTO commit_provenance (repo, id, position, provenance_repo, provenance_id) VALUES (?1, ?2, ?3, ?4, ?5)")
                .Bind(1, commit.Key.Repo).Bind(2, commit.Key.Id).Bind(3, position)
                .Bind(4, provenance[position].Repo).Bind(5, provenance[position].Id).Run();
        }
    }

    /// <inheritdoc/>
    public void SetTree(CommitKey commit, ReadOnlyMemory<byte>? tree)
    {
        using Query query = Connection.Prepare("UPDATE commits SET tree = ?3 WHERE repo = ?1 AND id = ?2 RETURNING 1")
            .Bind(1, commit.Repo).Bind(2, commit.Id).BindOptional(3, tree);
        if (!query.Step())
        {
            throw new KeyNotFoundException($"There is no commit {commit.Repo}/{commit.Id}, so it gets no tree.");
        }
    }

    /// <inheritdoc/>
    public void DeleteCommit(CommitKey key)
    {
        DeletePendingWrites(key, long.MaxValue);
        DeleteProvenance(key);
        Connection.Prepare("DELETE FROM commits WHERE repo = ?1 AND id = ?2").Bind(1, key.Repo).Bind(2, key.Id).Run();
    }

    /// <inheritdoc/>
    public void PutBranch(BranchRecord branch)
    {
        ArgumentNullException.ThrowIfNull(branch);
        Connection.Prepare(
                """
                INSERT INTO branches (repo, name, head, revision) VALUES (?1, ?2, ?3, ?4)
                ON CONFLICT (repo, name) DO UPDATE SET head = ?3, revision = ?4
                """)
            .Bind(1, branch.Repo).Bind(2, branch.Name).Bind(3, branch.Head).Bind(4, NextRevision()).Run();
    }

    /// <inheritdoc/>
    public void DeleteBranch(string repo, string name) =>
        Connection.Prepare("DELETE FROM branches WHERE repo = ?1 AND name = ?2").Bind(1, repo).Bind(2, name).Run();

    /// <inheritdoc/>
    public void AddPendingWrite(CommitKey commit, ReadOnlyMemory<byte> payload)
    {
        Database connection = Connection;
        PendingOwner owner = state.Owners.FindOrAdd(commit);
        long sequence = state.Sequences.PendingWrite + 1;
        state.Sequences = state.Sequences with { PendingWrite = sequence };
        connection.Prepare("INSERT INTO pending_writes (owner, sequence, payload) VALUES (?1, ?2, ?3)")
            .Bind(1, owner.Number).Bind(2, sequence).Bind(3, payload.Span).Run();
        state.Owners.Count(commit, owner, 1, payload.Length);
    }

    /// <inheritdoc/>
    public void DeletePendingWrites(CommitKey commit, long through)
    {
        Database connection = Connection;
        if (state.Owners.Find(commit) is not { } owner)
        {
            return;
        }

        (long writes, long bytes) = Measure(connection, owner, through);
        connection.Prepare("DELETE FROM pending_writes WHERE owner = ?1 AND sequence <= ?2").Bind(1, owner.Number).Bind(2, through).Run();
        state.Owners.Count(commit, owner, -writes, -bytes);
    }

    /// <inheritdoc/>
    public void PutObject(ObjectRecord obj)
    {
        ArgumentNullException.ThrowIfNull(obj);
        Connection.Prepare(
                """
                INSERT INTO objects (hash, created, size_bytes, content) VALUES (?1, ?2, ?3, ?4)
                ON CONFLICT (hash) DO UPDATE SET created = ?2, size_bytes = ?3, content = ?4
                """)
            .BindHash(1, obj.Hash, StoreFormat.Version)
                .Bind(2, obj.Created.UtcTicks)
                .Bind(3, obj.SizeBytes)
                .Bind(4, obj.Content.Span)
                .Run();
    }

    /// <inheritdoc/>
    public void DeleteObject(string hash) =>
        Connection.Prepare("DELETE FROM objects WHERE hash = ?1").BindHash(1, hash, StoreFormat.Version).Run();

    /// <inheritdoc/>
    public void PutTag(TagRecord tag)
    {
        ArgumentNullException.ThrowIfNull(tag);
        Connection.Prepare("INSERT INTO tags (name, object_hash) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET object_hash = ?2")
            .Bind(1, tag.Name).BindHash(2, tag.ObjectHash, StoreFormat.Version).Run();
    }

    /// <inheritdoc/>
    public void DeleteTag(string name) => Connection.Prepare("DELETE FROM tags WHERE name = ?1").Bind(1, name).Run();

    /// <inheritdoc/>
    public void AddChange(Change change)
    {
        ArgumentNullException.ThrowIfNull(change);
        Database connection = Connection;
        long sequence = state.Sequences.Change + 1;
        state.Sequences = state.Sequences with { Change = sequence };
        connection.Prepare("INSERT INTO changes (sequence, kind, repo, commit_id, branch) VALUES (?1, ?2, ?3, ?4, ?5)")
            .Bind(1, sequence).Bind(2, (long)change.Kind).Bind(3, change.Repo)
            .BindOptional(4, change.Commit).BindOptional(5, change.Branch).Run();
    }

    /// <summary>Runs statements of a repair.</summary>
    public int Repair(string sql)
    {
        state.Owners.Flush();
        Connection.Execute(sql);
        state.Owners.Forget();
        return 0;
    }

    private static ImmutableArray<T> OrEmpty<T>(ImmutableArray<T> array) => array.IsDefault ? [] : array;

    // The length of a payload stands in front of its row, so long ones are not read for this.
    private static (long Writes, long Bytes) Measure(Database connection, PendingOwner owner, long through)
    {
        using Query query = connection
            .Prepare("SELECT count(*), coalesce(sum(length(payload)), 0) FROM pending_writes WHERE owner = ?1 AND sequence <= ?2")
            .Bind(1, owner.Number).Bind(2, through);
        return query.Step() ? (query.Int64(0), query.Int64(1)) : default;
    }

    /// <inheritdoc/>
    public void PutRow(int space, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value) => Connection
        .Prepare("INSERT INTO rows (space, key, value) VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET value = ?3")
        .Bind(1, space).Bind(2, key).Bind(3, value).Run();

    /// <inheritdoc/>
    public void DeleteRow(int space, ReadOnlySpan<byte> key) =>
        Connection.Prepare("DELETE FROM rows WHERE space = ?1 AND key = ?2").Bind(1, space).Bind(2, key).Run();

    /// <inheritdoc/>
    public long TakeRevision()
    {
        _ = Connection;
        return NextRevision();
    }

    private long NextRevision()
    {
        long revision = state.Sequences.Revision + 1;
        state.Sequences = state.Sequences with { Revision = revision };
        return revision;
    }

    private void DeleteProvenance(CommitKey commit) =>
        Connection.Prepare("DELETE FROM commit_provenance WHERE repo = ?1 AND id = ?2").Bind(1, commit.Repo).Bind(2, commit.Id).Run();
}
