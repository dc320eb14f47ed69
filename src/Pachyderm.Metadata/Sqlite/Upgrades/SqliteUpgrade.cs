using System.Globalization;
using Pachyderm.Errors;
using Pachyderm.ObjectStores;

namespace Pachyderm.Metadata.Sqlite;

/// <summary>
/// Changes the format of a store in place, in steps that are transactions: new tables are made that follow every change of the old ones,
/// rows are copied in batches, all are compared, and then the names are exchanged. From then on the old tables follow the new ones, so that
/// going back loses nothing, until <see cref="Contract"/>. Others may read meanwhile.
/// </summary>
/// <remarks>Killed anywhere, the journal in the store says how far it came, and each step can be called again.</remarks>
public sealed class SqliteUpgrade : IDisposable
{
    private const int BatchRows = 10_000;

    private readonly Database _database;
    private readonly FileStream _lock;

    private SqliteUpgrade(Database database, FileStream lockFile, StoreStampView stamp)
    {
        _database = database;
        _lock = lockFile;
        Stamp = stamp;
    }

    /// <summary>What the store said of itself when it was opened.</summary>
    public StoreStampView Stamp { get; private set; }

    /// <summary>Looks at a store without changing it, beside whoever has it open.</summary>
    /// <exception cref="OperatorException">It is missing, no store, or of a format that this release cannot read.</exception>
    public static (StoreStampView Stamp, UpgradeJournal? Journal) Inspect(string path)
    {
        path = Path.GetFullPath(path);
        RequireStore(path);
        using Database database = Database.Open(path, StoreFiles.ReadMode(path));
        return (View(StoreStamp.Read(database)), ReadJournal(database));
    }

    /// <summary>Opens a store for an upgrade, and keeps every other writer out until it is disposed.</summary>
    /// <exception cref="OperatorException"><c>store-locked</c>: somebody writes it. Else as for <see cref="Inspect"/>.</exception>
    public static SqliteUpgrade Open(string path)
    {
        path = Path.GetFullPath(path);
        RequireStore(path);
        FileStream lockFile = StoreFiles.Lock(path);
        try
        {
            Database database = Database.Open(path, DatabaseMode.Write);
            try
            {
                StoreStampView stamp = View(StoreStamp.Read(database));
                database.Execute(
                    "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 2000; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -64000");
                return new SqliteUpgrade(database, lockFile, stamp);
            }
            catch
            {
                database.Dispose();
                throw;
            }
        }
        catch
        {
            lockFile.Dispose();
            throw;
        }
    }

    /// <summary>The journal of the upgrade under way; null if there is none.</summary>
    public UpgradeJournal? Journal => ReadJournal(_database);

    /// <summary>Rows of the tables of a store that a change is about.</summary>
    public static long CountRows(string path, FormatChange change)
    {
        ArgumentNullException.ThrowIfNull(change);
        using Database database = Database.Open(Path.GetFullPath(path), StoreFiles.ReadMode(path));
        return change.Tables.Sum(table => database.Number($"SELECT count(*) FROM {table.Table}"));
    }

    /// <summary>Writes a copy of the store, as of one moment, durable and whole or not at all. A file of that name is replaced.</summary>
    /// <exception cref="OperatorException">The disk.</exception>
    public void Backup(string path)
    {
        path = Path.GetFullPath(path);
        try
        {
            string partial = StoreFiles.BeginPartial(path);
            _database.Prepare("VACUUM INTO ?1").Bind(1, partial).Run();
            File.Delete(path);
            StoreFiles.Publish(partial, path);
        }
        catch (Exception exception) when (StorageErrors.IsStorageFailure(exception))
        {
            throw StorageErrors.Translate(exception, path);
        }
    }

    /// <summary>The digest of all records of another store file, such as a backup.</summary>
    /// <exception cref="CorruptionException">It is damaged.</exception>
    public static string DigestOf(string path, CancellationToken cancellationToken)
    {
        using Database database = Database.Open(Path.GetFullPath(path), DatabaseMode.ReadImmutable);
        return StoreDigest.Compute(database, change: null, isFlipped: false, cancellationToken);
    }

    /// <summary>
    /// The digest of all records as the format had them that the change begins with: the same before and after it. O(bytes of the store).
    /// </summary>
    public string Digest(FormatChange change, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(change);
        bool isFlipped = Stamp.Format == change.To;
        return Reading(() => StoreDigest.Compute(_database, change, isFlipped, cancellationToken));
    }

    /// <summary>Begins: new tables that follow the old ones, and the journal. One transaction.</summary>
    /// <param name="change">The step.</param>
    /// <param name="id">Identity of the upgrade: 32 hexadecimal digits.</param>
    /// <param name="digest">The digest of all records.</param>
    /// <param name="started">The moment, which new columns may refer to as <c>upgrade_journal.started</c>.</param>
    public void Expand(FormatChange change, string id, string digest, DateTimeOffset started)
    {
        ArgumentNullException.ThrowIfNull(change);
        Write(() =>
        {
            _database.Execute(
                """
                CREATE TABLE upgrade_journal (
                  id INTEGER PRIMARY KEY CHECK (id = 1), upgrade TEXT NOT NULL, from_format INTEGER NOT NULL, to_format INTEGER NOT NULL,
                  phase INTEGER NOT NULL, started INTEGER NOT NULL, digest TEXT NOT NULL, copied INTEGER NOT NULL,
                  later_writes INTEGER NOT NULL, table_number INTEGER NOT NULL, position ANY
                ) STRICT
                """);
            _database.Prepare("INSERT INTO upgrade_journal VALUES (1, ?1, ?2, ?3, 0, ?4, ?5, 0, 0, 0, NULL)")
                .Bind(1, id).Bind(2, change.From).Bind(3, change.To).Bind(4, started.UtcTicks).Bind(5, digest).Run();
            foreach (TableChange table in change.Tables)
            {
                _database.Execute(new UpgradeSql(table).Expand);
            }
        });
    }

    /// <summary>Copies what is left to copy, in transactions of 10,000 rows. O(rows).</summary>
    /// <param name="change">The step.</param>
    /// <param name="copied">Told of the rows copied so far, after each transaction.</param>
    /// <param name="cancellationToken">Ends it between two transactions.</param>
    public void Copy(FormatChange change, Action<long> copied, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(change);
        ArgumentNullException.ThrowIfNull(copied);
        for (int number = (int)_database.Number("SELECT table_number FROM upgrade_journal"); number < change.Tables.Count; number++)
        {
            Batches batches = new(new UpgradeSql(change.Tables[number]));
            bool isMore = true;
            while (isMore)
            {
                cancellationToken.ThrowIfCancellationRequested();
                Write(() => isMore = batches.CopyOne(_database));
                copied(_database.Number("SELECT copied FROM upgrade_journal"));
            }
        }

        Write(() => _database.Execute($"UPDATE upgrade_journal SET phase = {(int)UpgradePhase.Copied}"));
    }

    /// <summary>Compares every row, and if all agree exchanges the tables and stamps the new format. One transaction. O(rows).</summary>
    /// <exception cref="CorruptionException">Rows differ. Nothing was changed.</exception>
    public void VerifyAndFlip(FormatChange change)
    {
        ArgumentNullException.ThrowIfNull(change);
        Write(() =>
        {
            foreach (TableChange table in change.Tables)
            {
                UpgradeSql sql = new(table);
                long differences = _database.Number(sql.Verify);
                if (differences != 0)
                {
                    throw new CorruptionException(
                        "upgrade-differs", _database.Path,
                        $"{differences} rows of the table {table.Table} would not be the same afterwards",
                        "the store is as it was; undo the upgrade with `pachctl migrate undo --data DIRECTORY`, and report this");
                }

                _database.Execute(sql.Flip);
            }

            SetFormat(change.To, change.MinReader);
            _database.Execute($"UPDATE upgrade_journal SET phase = {(int)UpgradePhase.Flipped}");
        });
        Stamp = Stamp with { Format = change.To };
    }

    /// <summary>Goes back to the format before, with all that was written since. One transaction. O(1) but for freeing pages.</summary>
    public void Revert(FormatChange change)
    {
        ArgumentNullException.ThrowIfNull(change);
        bool isFlipped = Stamp.Format == change.To;
        Write(() =>
        {
            foreach (TableChange table in change.Tables)
            {
                UpgradeSql sql = new(table);
                _database.Execute(isFlipped ? sql.Revert : sql.Contract);
            }

            if (isFlipped)
            {
                SetFormat(change.From, change.From);
            }

            _database.Execute("DROP TABLE upgrade_journal");
        });
        Stamp = Stamp with { Format = change.From };
    }

    /// <summary>
    /// Removes the old tables: there is no way back from here. Then gives free space back to the disk. O(bytes of the store).
    /// </summary>
    public void Contract(FormatChange change)
    {
        ArgumentNullException.ThrowIfNull(change);
        Write(() =>
        {
            foreach (TableChange table in change.Tables)
            {
                _database.Execute(new UpgradeSql(table).Contract);
            }

            _database.Execute("DROP TABLE upgrade_journal");
        });
        _database.Execute("VACUUM");
        _database.Checkpoint();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _database.Dispose();
        _lock.Dispose();
    }

    private static void RequireStore(string path)
    {
        if (!StoreFiles.Exists(path))
        {
            throw new OperatorException("store-missing", path, "there is no metadata store", "check the path");
        }
    }

    private static StoreStampView View(StoreStamp stamp) => new(stamp.Format, stamp.StoreId, stamp.Created);

    private static UpgradeJournal? ReadJournal(Database database)
    {
        if (database.Number("SELECT count(*) FROM sqlite_schema WHERE name = 'upgrade_journal'") == 0)
        {
            return null;
        }

        using Query query = database.Prepare(
            "SELECT upgrade, from_format, to_format, phase, started, digest, copied, later_writes FROM upgrade_journal");
        return query.Step()
            ? new UpgradeJournal(
                query.Text(0), (int)query.Int64(1), (int)query.Int64(2), (UpgradePhase)query.Int64(3), query.Time(4), query.Text(5),
                query.Int64(6), query.Int64(7))
            : throw SqliteErrors.Damaged(database.Path, "the journal of an upgrade is damaged", "it has no row");
    }

    private void SetFormat(int format, int minReader) => _database.Execute(
        string.Create(CultureInfo.InvariantCulture, $"UPDATE store SET format = {format}, min_reader = {minReader}"));

    private void Write(Action change)
    {
        _database.Execute("BEGIN IMMEDIATE");
        try
        {
            change();
            _database.Execute("COMMIT");
        }
        finally
        {
            if (_database.InTransaction)
            {
                _database.Execute("ROLLBACK");
            }
        }
    }

    private T Reading<T>(Func<T> read)
    {
        _database.Execute("BEGIN");
        try
        {
            return read();
        }
        finally
        {
            _database.Execute("ROLLBACK");
        }
    }

    // Keeps its statements, which are prepared by reference.
    private sealed class Batches(UpgradeSql sql)
    {
        private readonly string _firstEnd = sql.FirstBatchEnd;
        private readonly string _end = sql.BatchEnd;
        private readonly string _copyFirst = sql.CopyFirstBatch;
        private readonly string _copy = sql.CopyBatch;

        /// <summary>Copies one batch; false if there was none, and then the next table is at the beginning.</summary>
        public bool CopyOne(Database database)
        {
            using Query journal = database.Prepare("SELECT position FROM upgrade_journal");
            bool isFirst = !journal.Step() || journal.IsNull(0);
            using Query end = database.Prepare(isFirst ? _firstEnd : _end).Bind(2, BatchRows);
            if (!isFirst)
            {
                end.BindFrom(1, journal, 0);
            }

            if (!end.Step() || end.IsNull(0))
            {
                end.Dispose();
                journal.Dispose();
                database.Execute("UPDATE upgrade_journal SET table_number = table_number + 1, position = NULL");
                return false;
            }

            Query copy = database.Prepare(isFirst ? _copyFirst : _copy).BindFrom(2, end, 0);
            if (!isFirst)
            {
                copy.BindFrom(1, journal, 0);
            }

            long before = database.TotalChanges;
            copy.Run();
            database.Prepare("UPDATE upgrade_journal SET position = ?1, copied = copied + ?2")
                .BindFrom(1, end, 0).Bind(2, database.TotalChanges - before).Run();
            return true;
        }
    }
}

/// <summary>What a store says about itself.</summary>
/// <param name="Format">Number of its format.</param>
/// <param name="StoreId">Its identity: 32 hexadecimal digits.</param>
/// <param name="Created">When it was created, UTC.</param>
public sealed record StoreStampView(int Format, string StoreId, DateTimeOffset Created);
