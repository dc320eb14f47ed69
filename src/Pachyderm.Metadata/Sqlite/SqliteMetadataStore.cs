using Pachyderm.Errors;

namespace Pachyderm.Metadata.Sqlite;

/// <summary>
/// The metadata store in one SQLite file, embedded in the process: a write-ahead log flushed at each commit, one thread that writes and
/// commits concurrent changes together, and a pool of connections that read snapshots meanwhile. See doc/metadata.md.
/// </summary>
public sealed partial class SqliteMetadataStore : IMetadataStore
{
    private readonly string _path;
    private readonly StoreStamp _stamp;
    private readonly FileStream? _lock;
    private readonly WriterThread? _writer;
    private readonly ReadPool _readers;
    private readonly ChangeSignal _signal;

    private SqliteMetadataStore(
        string path, StoreStamp stamp, FileStream? lockFile, WriterThread? writer, ReadPool readers, ChangeSignal signal)
    {
        _path = path;
        _stamp = stamp;
        _lock = lockFile;
        _writer = writer;
        _readers = readers;
        _signal = signal;
    }

    /// <inheritdoc/>
    public int Format => _stamp.Format;

    /// <summary>When the store was created, UTC.</summary>
    public DateTimeOffset Created => _stamp.Created;

    /// <summary>Identity of the store: 32 hexadecimal digits, drawn when it was created.</summary>
    public string StoreId => _stamp.StoreId;

    /// <summary>How many wait for changes.</summary>
    internal int Waiting => _signal.Waiting;

    /// <summary>
    /// Opens a store, and creates it first if there is none and it may be written. An existing one is not changed by opening it.
    /// A store of a newer format that this release can read opens, but refuses writes.
    /// </summary>
    /// <param name="options">What to open, and how.</param>
    /// <param name="cancellationToken">Ends it before it has begun.</param>
    /// <exception cref="OperatorException">
    /// <c>store-locked</c>: another process writes it. <c>store-missing</c>: there is none and it is to be read only.
    /// <c>store-foreign</c>: the file is not a store. <c>store-format</c>: this release cannot read it.
    /// <c>storage-…</c>: the disk is full, read-only or failing.
    /// </exception>
    /// <exception cref="CorruptionException"><c>store-damaged</c>.</exception>
    public static Task<SqliteMetadataStore> OpenAsync(SqliteMetadataOptions options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(options);
        return Task.Run(() => Open(options, Path.GetFullPath(options.Path)), cancellationToken);
    }

    /// <inheritdoc/>
    public Task<T> ReadAsync<T>(Func<IMetadataReader, T> query, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(query);
        return _readers.RunAsync(database => Read(database, query), cancellationToken);
    }

    /// <inheritdoc/>
    public Task<T> WriteAsync<T>(Func<IMetadataWriter, T> change, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(change);
        if (cancellationToken.IsCancellationRequested)
        {
            return Task.FromCanceled<T>(cancellationToken);
        }

        if (_writer is null)
        {
            return Task.FromException<T>(_stamp.IsWritable
                ? new OperatorException("store-read-only", _path, "the store is open for reading only", "open it for writing")
                : _stamp.Refusal(_path, "write"));
        }

        WriteRequest<T> request = new(change, cancellationToken);
        _writer.Add(request);
        return request.Task;
    }

    /// <inheritdoc/>
    /// <exception cref="OperatorException">
    /// <c>store-read-only</c>: the store is open for reading only, so that it would never hear of the next change.
    /// </exception>
    public Task WaitForChangeAsync(long after, CancellationToken cancellationToken) => _writer is null && _signal.Last <= after
        ? Task.FromException(new OperatorException(
            "store-read-only", _path, "the store is open for reading only and hears of no changes", "open it for writing"))
        : _signal.WaitAsync(after, cancellationToken);

    /// <summary>Finishes the changes and reads that were begun or queued, and closes the store.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_writer is not null)
        {
            await _writer.DrainAsync();
        }

        _signal.Close();
        await _readers.DisposeAsync();
        if (_writer is not null)
        {
            await _writer.DisposeAsync();
        }

        if (_lock is not null)
        {
            await _lock.DisposeAsync();
        }
    }

    private static SqliteMetadataStore Open(SqliteMetadataOptions options, string path)
    {
        FileStream? lockFile = options.ReadOnly ? null : StoreFiles.Lock(path);
        try
        {
            return Open(options, path, lockFile);
        }
        catch
        {
            lockFile?.Dispose();
            throw;
        }
    }

    private static SqliteMetadataStore Open(SqliteMetadataOptions options, string path, FileStream? lockFile)
    {
        if (!StoreFiles.Exists(path))
        {
            if (options.ReadOnly)
            {
                throw new OperatorException("store-missing", path, "there is no metadata store", "check the path");
            }

            StoreFiles.Create(path, options.TimeProvider);
        }

        DatabaseMode mode = options.ReadOnly ? StoreFiles.ReadMode(path) : DatabaseMode.Read;
        (StoreStamp stamp, long lastChange) = Look(path, mode);
        ChangeSignal signal = new(lastChange);
        WriterThread? writer = options.ReadOnly || !stamp.IsWritable ? null : StartWriter(path, signal, options.RetainedChanges);
        return new SqliteMetadataStore(path, stamp, lockFile, writer, new ReadPool(path, mode, options.Readers), signal);
    }

    private static (StoreStamp Stamp, long LastChange) Look(string path, DatabaseMode mode)
    {
        using Database database = Database.Open(path, mode);
        return (StoreStamp.Read(database), Sequences.Read(database).Change);
    }

    private static WriterThread StartWriter(string path, ChangeSignal signal, int retainedChanges)
    {
        Database database = Database.Open(path, DatabaseMode.Write);
        try
        {
            // The last but one keeps before-images for savepoints out of temporary files.
            database.Execute(
                """
                PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 2000;
                PRAGMA temp_store = MEMORY; PRAGMA cache_size = -32000
                """);
            return new WriterThread(database, signal, retainedChanges);
        }
        catch
        {
            database.Dispose();
            throw;
        }
    }

    private T Read<T>(Database database, Func<IMetadataReader, T> query)
    {
        SqliteReader reader = new(database, _stamp.Format);
        database.Prepare("BEGIN").Run();
        try
        {
            // Whoever writes has the lock, without which nobody changes the format.
            if (_writer is null && database.Number("SELECT format FROM store") != _stamp.Format)
            {
                throw new OperatorException(
                    "store-upgraded", _path, "the store has got another format meanwhile", "open it again: restart pachd");
            }

            return query(reader);
        }
        finally
        {
            reader.End();
            if (database.InTransaction)
            {
                database.Prepare("ROLLBACK").Run();
            }
        }
    }
}
