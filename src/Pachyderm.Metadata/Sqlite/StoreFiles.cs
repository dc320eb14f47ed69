using Pachyderm.Errors;
using Pachyderm.ObjectStores;

namespace Pachyderm.Metadata.Sqlite;

/// <summary>The files of a store: how one comes into being, and who may write it.</summary>
internal static class StoreFiles
{
    /// <summary>What SQLite's write-ahead log has behind the name of the file.</summary>
    public const string LogSuffix = "-wal";

    private const string LockSuffix = ".lock";
    private const string PartialSuffix = ".creating";

    // errno of Linux and macOS for a lock that another holds, and the code of Windows.
    private const int WouldBlock = 11;
    private const int WouldBlockOnMac = 35;
    private const int WindowsSharingViolation = unchecked((int)0x80070020);

    /// <summary>Takes the lock that one writing process holds. It goes with the process, however that ends.</summary>
    public static FileStream Lock(string path)
    {
        string name = path + LockSuffix;
        try
        {
            return new FileStream(name, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException exception) when (exception.HResult is WouldBlock or WouldBlockOnMac or WindowsSharingViolation)
        {
            throw new OperatorException(
                "store-locked", path, "another pachd or pachctl has the store open for writing",
                "stop it, or use the one that runs", exception);
        }
        catch (Exception exception) when (StorageErrors.IsStorageFailure(exception))
        {
            throw StorageErrors.Translate(exception, name);
        }
    }

    /// <summary>Whether the store is there.</summary>
    /// <exception cref="CorruptionException">It is not, but its log is, so there was one.</exception>
    public static bool Exists(string path)
    {
        if (File.Exists(path))
        {
            return true;
        }

        return new FileInfo(path + LogSuffix) is { Exists: true, Length: > 0 }
            ? throw SqliteErrors.Damaged(path, "the store is missing", "its log is there: " + path + LogSuffix)
            : false;
    }

    /// <summary>
    /// Creates a store, whole or not at all: it gets its name when everything is on the disk. So an empty file under that name is
    /// a damaged store and never a new one.
    /// </summary>
    public static void Create(string path, TimeProvider time)
    {
        try
        {
            string partial = BeginPartial(path);
            using (Database database = Database.Open(partial, DatabaseMode.Create))
            {
                database.Execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; BEGIN IMMEDIATE");
                database.Execute(Schema.Create);
                new StoreStamp(StoreFormat.Version, StoreFormat.MinReader, time.GetUtcNow(), Guid.NewGuid().ToString("N")).Write(database);
                database.Execute("COMMIT");
                database.Checkpoint();
            }

            Publish(partial, path);
        }
        catch (Exception exception) when (StorageErrors.IsStorageFailure(exception))
        {
            throw StorageErrors.Translate(exception, path);
        }
    }

    /// <summary>The name under which a file is built, with nothing there any more from an earlier attempt.</summary>
    public static string BeginPartial(string path)
    {
        string partial = path + PartialSuffix;
        foreach (string suffix in (string[])["", LogSuffix, "-shm", "-journal"])
        {
            File.Delete(partial + suffix);
        }

        return partial;
    }

    /// <summary>Gives a finished file its name, durably.</summary>
    public static void Publish(string partial, string path)
    {
        using (FileStream file = new(partial, FileMode.Open, FileAccess.ReadWrite))
        {
            file.Flush(flushToDisk: true);
        }

        File.Move(partial, path, overwrite: false);
        DurableFiles.FlushDirectory(Path.GetDirectoryName(path)!);
    }

    /// <summary>How to open an existing store for reading.</summary>
    public static DatabaseMode ReadMode(string path)
    {
        // On a disk that cannot be written SQLite needs to be told that there is nothing to share and no log to look into.
        bool hasLog = new FileInfo(path + LogSuffix) is { Exists: true, Length: > 0 };
        return hasLog || DurableFiles.IsWritable(Path.GetDirectoryName(path)!) ? DatabaseMode.Read : DatabaseMode.ReadImmutable;
    }
}
