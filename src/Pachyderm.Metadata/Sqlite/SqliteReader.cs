using System.Collections.Immutable;
using Pachyderm.ObjectStores;

namespace Pachyderm.Metadata.Sqlite;

/// <summary>Reads records inside the transaction of a connection.</summary>
internal class SqliteReader(Database database, int format) : IMetadataReader
{
    private const string CommitColumns = "repo, id, parent, started, finished, size_bytes, tree, revision";

    private Database? _database = database;

    /// <inheritdoc/>
    public long LastChange => Sequences.Change;

    /// <inheritdoc/>
    public long LastPendingWrite => Sequences.PendingWrite;

    /// <summary>The connection.</summary>
    protected Database Connection =>
        _database ?? throw new InvalidOperationException("A view of the metadata is valid only inside the function that it was given to.");

    /// <summary>The sequences as this view sees them.</summary>
    protected virtual Sequences Sequences => Sequences.Read(Connection);

    // Format 1 did not have them.
    private bool HasTimesOfObjects => format > 1;

    /// <summary>Ends the view: whoever kept it gets exceptions from now on.</summary>
    public void End() => _database = null;

    /// <inheritdoc/>
    public RepoRecord? FindRepo(string name)
    {
        using Query query = Connection
            .Prepare("SELECT name, created, description, size_bytes, revision FROM repos WHERE name = ?1").Bind(1, name);
        return query.Step() ? Repo(query) : null;
    }

    /// <inheritdoc/>
    public IReadOnlyList<RepoRecord> ListRepos()
    {
        using Query query = Connection.Prepare("SELECT name, created, description, size_bytes, revision FROM repos ORDER BY revision DESC");
        return List(query, Repo);
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> ListReposWithProvenance(string repo)
    {
        using Query query = Connection
            .Prepare("SELECT DISTINCT repo FROM repo_provenance WHERE provenance = ?1 ORDER BY repo").Bind(1, repo);
        return List(query, static row => row.Text(0));
    }

    /// <inheritdoc/>
    public CommitRecord? FindCommit(CommitKey key)
    {
        using Query query = Connection
            .Prepare($"SELECT {CommitColumns} FROM commits WHERE repo = ?1 AND id = ?2").Bind(1, key.Repo).Bind(2, key.Id);
        return query.Step() ? Commit(query) : null;
    }

    /// <inheritdoc/>
    public IReadOnlyList<CommitRecord> ListCommits(string repo, long? before, int limit)
    {
        using Query query = Connection
            .Prepare($"SELECT {CommitColumns} FROM commits WHERE repo = ?1 AND revision < ?2 ORDER BY revision DESC LIMIT ?3")
            .Bind(1, repo).Bind(2, before ?? long.MaxValue).Bind(3, Limit(limit));
        return List(query, Commit);
    }

    /// <inheritdoc/>
    public IReadOnlyList<CommitKey> ListCommitsWithProvenance(string repo, CommitKey provenance)
    {
        using Query query = Connection.Prepare(
                """
                SELECT c.repo, c.id FROM commits c WHERE c.repo = ?1 AND c.id IN
                  (SELECT id FROM commit_provenance WHERE provenance_repo = ?2 AND provenance_id = ?3 AND repo = ?1)
                ORDER BY c.inserted
                """)
            .Bind(1, repo).Bind(2, provenance.Repo).Bind(3, provenance.Id);
        return List(query, static row => new CommitKey(row.Text(0), row.Text(1)));
    }

    /// <inheritdoc/>
    public IReadOnlyList<CommitRecord> ListAllCommits(CommitKey? after, int limit)
    {
        using Query query = after is { } key
            ? Connection.Prepare($"SELECT {CommitColumns} FROM commits WHERE (repo, id) > (?2, ?3) ORDER BY repo, id LIMIT ?1")
                .Bind(1, Limit(limit)).Bind(2, key.Repo).Bind(3, key.Id)
            : Connection.Prepare($"SELECT {CommitColumns} FROM commits ORDER BY repo, id LIMIT ?1").Bind(1, Limit(limit));
        return List(query, Commit);
    }

    /// <inheritdoc/>
    public BranchRecord? FindBranch(string repo, string name)
    {
        using Query query = Connection
            .Prepare("SELECT repo, name, head, revision FROM branches WHERE repo = ?1 AND name = ?2").Bind(1, repo).Bind(2, name);
        return query.Step() ? Branch(query) : null;
    }

    /// <inheritdoc/>
    public IReadOnlyList<BranchRecord> ListBranches(string repo)
    {
        using Query query = Connection
            .Prepare("SELECT repo, name, head, revision FROM branches WHERE repo = ?1 ORDER BY revision DESC").Bind(1, repo);
        return List(query, Branch);
    }

    /// <inheritdoc/>
    public IReadOnlyList<PendingWrite> ListPendingWrites(CommitKey commit, long after, int limit)
    {
        using Query query = Connection.Prepare(
                """
                SELECT sequence, payload FROM pending_writes
                WHERE owner = (SELECT number FROM pending_owners WHERE repo = ?1 AND id = ?2) AND sequence > ?3 ORDER BY sequence LIMIT ?4
                """)
            .Bind(1, commit.Repo).Bind(2, commit.Id).Bind(3, after).Bind(4, Limit(limit));
        return List(query, static row => new PendingWrite(row.Int64(0), row.Blob(1)));
    }

    /// <inheritdoc/>
    public virtual (long Count, long Bytes) CountPendingWrites(CommitKey commit) =>
        PendingOwner.Find(Connection, commit) is { } owner ? (owner.Writes, owner.Bytes) : default;

    /// <inheritdoc/>
    public ObjectRecord? FindObject(string hash)
    {
        using Query query = (HasTimesOfObjects
            ? Connection.Prepare("SELECT hash, size_bytes, content, created FROM objects WHERE hash = ?1")
            : Connection.Prepare("SELECT hash, size_bytes, content, 0 FROM objects WHERE hash = ?1")).BindHash(1, hash, format);
        return query.Step() ? Object(query) : null;
    }

    /// <inheritdoc/>
    public IReadOnlyList<ObjectRecord> ListObjects(string? after, int limit)
    {
        using Query query = (HasTimesOfObjects, after) switch
        {
            (true, null) => Connection.Prepare("SELECT hash, size_bytes, content, created FROM objects ORDER BY hash LIMIT ?1"),
            (false, null) => Connection.Prepare("SELECT hash, size_bytes, content, 0 FROM objects ORDER BY hash LIMIT ?1"),
            (true, _) => Connection.Prepare("SELECT hash, size_bytes, content, created FROM objects WHERE hash > ?2 ORDER BY hash LIMIT ?1")
                .BindHash(2, after, format),
            (false, _) => Connection.Prepare("SELECT hash, size_bytes, content, 0 FROM objects WHERE hash > ?2 ORDER BY hash LIMIT ?1")
                .BindHash(2, after, format),
        };
        query.Bind(1, Limit(limit));
        return List(query, Object);
    }

    /// <inheritdoc/>
    public TagRecord? FindTag(string name)
    {
        using Query query = Connection.Prepare("SELECT name, object_hash FROM tags WHERE name = ?1").Bind(1, name);
        return query.Step() ? Tag(query) : null;
    }

    /// <inheritdoc/>
    public IReadOnlyList<TagRecord> ListTags(string prefix, string? after, int limit)
    {
        // One lower bound, the higher of both, so that the search starts at the right place.
        using Query query = (after is null || Utf8Order.Instance.Compare(after, prefix) < 0
                ? Connection.Prepare("SELECT name, object_hash FROM tags WHERE name >= ?1 AND name < ?2 ORDER BY name LIMIT ?3")
                    .Bind(1, prefix)
                : Connection.Prepare("SELECT name, object_hash FROM tags WHERE name > ?1 AND name < ?2 ORDER BY name LIMIT ?3")
                    .Bind(1, after))
            .BindBehind(2, prefix).Bind(3, Limit(limit));
        return List(query, Tag);
    }

    /// <inheritdoc/>
    public ReadOnlyMemory<byte>? FindRow(int space, ReadOnlySpan<byte> key)
    {
        using Query query = Connection.Prepare("SELECT value FROM rows WHERE space = ?1 AND key = ?2").Bind(1, space).Bind(2, key);

        // Not a conditional expression: there null would become an empty array.
        if (!query.Step())
        {
            return null;
        }

        return query.Blob(0);
    }

    /// <inheritdoc/>
    public bool HasRow(int space, ReadOnlySpan<byte> key)
    {
        using Query query = Connection.Prepare("SELECT 1 FROM rows WHERE space = ?1 AND key = ?2").Bind(1, space).Bind(2, key);
        return query.Step();
    }

    /// <inheritdoc/>
    public IReadOnlyList<StoredRow> ListRows(int space, ReadOnlySpan<byte> prefix, ReadOnlyMemory<byte>? after, int limit)
    {
        // Begins behind the given key, or with the prefix itself, and ends with the first key that does not begin with it.
        bool begins = after is not { } last || last.Span.SequenceCompareTo(prefix) < 0;
        using Query query = begins
            ? Connection.Prepare("SELECT key, value FROM rows WHERE space = ?1 AND key >= ?2 ORDER BY key LIMIT ?3").Bind(2, prefix)
            : Connection.Prepare("SELECT key, value FROM rows WHERE space = ?1 AND key > ?2 ORDER BY key LIMIT ?3")
                .Bind(2, after!.Value.Span);
        query.Bind(1, space).Bind(3, Limit(limit));
        List<StoredRow> rows = [];
        while (query.Step())
        {
            byte[] key = query.Blob(0);
            if (!key.AsSpan().StartsWith(prefix))
            {
                break;
            }

            rows.Add(new StoredRow(key, query.Blob(1)));
        }

        return rows;
    }

    /// <inheritdoc/>
    public IReadOnlyList<Change> ListChanges(long after, int limit)
    {
        long trimmed = Sequences.TrimmedChange;
        if (after < trimmed)
        {
            throw new ChangesTrimmedException($"The change feed begins behind change {trimmed} now, so it cannot go on behind {after}.");
        }

        using Query query = Connection
            .Prepare("SELECT sequence, kind, repo, commit_id, branch FROM changes WHERE sequence > ?1 ORDER BY sequence LIMIT ?2")
            .Bind(1, after).Bind(2, Limit(limit));
        return List(
            query, static row => new Change(row.Int64(0), (ChangeKind)row.Int64(1), row.Text(2), row.OptionalText(3), row.OptionalText(4)));
    }

    /// <summary>The provenance of a commit, in the order stored.</summary>
    protected ImmutableArray<CommitKey> CommitProvenance(CommitKey commit)
    {
        using Query query = Connection
            .Prepare("SELECT provenance_repo, provenance_id FROM commit_provenance WHERE repo = ?1 AND id = ?2 ORDER BY position")
            .Bind(1, commit.Repo).Bind(2, commit.Id);
        return Array(query, static row => new CommitKey(row.Text(0), row.Text(1)));
    }

    private static int Limit(int limit)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(limit);
        return limit;
    }

    private static List<T> List<T>(Query query, Func<Query, T> read)
    {
        List<T> list = [];
        while (query.Step())
        {
            list.Add(read(query));
        }

        return list;
    }

    private static ImmutableArray<T> Array<T>(Query query, Func<Query, T> read) => query.Step() ? [read(query), .. List(query, read)] : [];

    private static BranchRecord Branch(Query row) => new(row.Text(0), row.Text(1), row.Text(2), row.Int64(3));

    private static ObjectRecord Object(Query row) => new(row.Hash(0), row.Int64(1), row.Blob(2), row.Time(3));

    private static TagRecord Tag(Query row) => new(row.Text(0), row.Hash(1));

    private RepoRecord Repo(Query row)
    {
        string name = row.Text(0);
        using Query query = Connection.Prepare("SELECT provenance FROM repo_provenance WHERE repo = ?1 ORDER BY position").Bind(1, name);
        return new RepoRecord(
            name, row.Time(1), row.Text(2), row.Int64(3), Array(query, static provenance => provenance.Text(0)), row.Int64(4));
    }

    private CommitRecord Commit(Query row)
    {
        CommitKey key = new(row.Text(0), row.Text(1));
        return new CommitRecord(
            key, row.OptionalText(2), row.Time(3), row.OptionalTime(4), row.Int64(5), row.OptionalBlob(6),
            CommitProvenance(key), row.Int64(7));
    }
}
