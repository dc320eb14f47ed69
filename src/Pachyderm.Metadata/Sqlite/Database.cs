using System.Diagnostics.CodeAnalysis;
using SQLitePCL;

namespace Pachyderm.Metadata.Sqlite;

/// <summary>How a file is opened.</summary>
internal enum DatabaseMode
{
    /// <summary>For reading; another connection may write.</summary>
    Read,

    /// <summary>For reading on a file system where nothing can be written, by anybody.</summary>
    ReadImmutable,

    /// <summary>For reading and writing; the file exists.</summary>
    Write,

    /// <summary>For reading and writing; the file is created.</summary>
    Create,
}

/// <summary>A connection with its prepared statements. For one thread at a time.</summary>
internal sealed class Database : IDisposable
{
    private static readonly bool Initialized = Initialize();

    private readonly sqlite3 _handle;

    // By reference, since the statements are constants: no hashing of long strings on hot paths.
    private readonly Dictionary<string, sqlite3_stmt> _statements = new(ReferenceEqualityComparer.Instance);

    private Database(string path, sqlite3 handle)
    {
        Path = path;
        _handle = handle;
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>The first failure of a statement since this was last set to null. A caller may have swallowed its exception.</summary>
    public Exception? Failure { get; set; }

    /// <summary>Whether a transaction is open. SQLite ends one by itself on some failures.</summary>
    public bool InTransaction => raw.sqlite3_get_autocommit(_handle) == 0;

    /// <summary>Rows inserted, updated or deleted so far.</summary>
    public long TotalChanges => raw.sqlite3_total_changes(_handle);

    /// <summary>Opens a connection.</summary>
    public static Database Open(string path, DatabaseMode mode)
    {
        int flags = raw.SQLITE_OPEN_NOMUTEX | mode switch
        {
            DatabaseMode.Read => raw.SQLITE_OPEN_READONLY,
            DatabaseMode.ReadImmutable => raw.SQLITE_OPEN_READONLY | raw.SQLITE_OPEN_URI,
            DatabaseMode.Write => raw.SQLITE_OPEN_READWRITE,
            _ => raw.SQLITE_OPEN_READWRITE | raw.SQLITE_OPEN_CREATE,
        };
        string name = mode == DatabaseMode.ReadImmutable ? $"file:{Uri.EscapeDataString(path)}?immutable=1" : path;
        int result = raw.sqlite3_open_v2(name, out sqlite3 handle, Initialized ? flags : 0, null);
        if (result != raw.SQLITE_OK)
        {
            using (handle)
            {
                throw SqliteErrors.Translate(path, result, raw.sqlite3_errstr(result).utf8_to_string());
            }
        }

        _ = raw.sqlite3_extended_result_codes(handle, 1);
        _ = raw.sqlite3_busy_timeout(handle, 2_000);
        return new Database(path, handle);
    }

    /// <summary>Runs statements that return nothing, without keeping them.</summary>
    public void Execute(string sql) => Check(raw.sqlite3_exec(_handle, sql));

    /// <summary>A statement, prepared once and then kept.</summary>
    /// <param name="sql">A constant.</param>
    public Query Prepare(string sql)
    {
        if (!_statements.TryGetValue(sql, out sqlite3_stmt? statement))
        {
            Check(raw.sqlite3_prepare_v3(_handle, sql, raw.SQLITE_PREPARE_PERSISTENT, out statement));
            _statements.Add(sql, statement);
        }

        return new Query(this, statement);
    }

    /// <summary>The single number that a statement yields.</summary>
    public long Number(string sql)
    {
        using Query query = Prepare(sql);
        return query.Step() ? query.Int64(0) : throw SqliteErrors.Damaged(Path, "a record of the store is missing", "no answer to a query");
    }

    /// <summary>Folds the log into the file and empties it, if no reader is in the way.</summary>
    public void Checkpoint()
    {
        int result = raw.sqlite3_wal_checkpoint_v2(_handle, null, raw.SQLITE_CHECKPOINT_TRUNCATE, out _, out _);
        if ((result & 0xff) != raw.SQLITE_BUSY)
        {
            Check(result);
        }
    }

    /// <summary>Throws if a result is a failure.</summary>
    public void Check(int result)
    {
        if (result is not (raw.SQLITE_OK or raw.SQLITE_ROW or raw.SQLITE_DONE))
        {
            Throw(result);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (sqlite3_stmt statement in _statements.Values)
        {
            statement.Dispose();
        }

        _statements.Clear();
        _handle.Dispose();
    }

    private static bool Initialize()
    {
        Batteries_V2.Init();
        return true;
    }

    [DoesNotReturn]
    private void Throw(int result)
    {
        Exception failure = SqliteErrors.Translate(Path, result, raw.sqlite3_errmsg(_handle).utf8_to_string());
        Failure ??= failure;
        throw failure;
    }
}
