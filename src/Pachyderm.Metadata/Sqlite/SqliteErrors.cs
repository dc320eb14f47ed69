using Pachyderm.Errors;
using SQLitePCL;

namespace Pachyderm.Metadata.Sqlite;

/// <summary>Turns what SQLite reports into one line for the operator.</summary>
internal static class SqliteErrors
{
    /// <summary>Describes a failure.</summary>
    /// <param name="path">The store's file.</param>
    /// <param name="code">SQLite's extended result code.</param>
    /// <param name="message">SQLite's message.</param>
    public static Exception Translate(string path, int code, string message) =>
        TranslateLine(path, code, message.ReplaceLineEndings(" "));

    /// <summary>Says that stored bytes are not what they must be.</summary>
    public static CorruptionException Damaged(string path, string problem, string detail, Exception? inner = null) =>
        new("store-damaged", path, $"{problem} ({detail})", "restore it from a backup", inner);

    private static Exception TranslateLine(string path, int code, string message) => (code & 0xff) switch
    {
        raw.SQLITE_FULL => new OperatorException(
            "storage-full", path, "no space left on the device; the change was not stored", "free space, then run it again"),
        raw.SQLITE_READONLY => new OperatorException(
            "storage-read-only", path, $"the store cannot be written ({message})",
            "remount it writable, or change the owner or mode of its files"),
        raw.SQLITE_IOERR => new OperatorException(
            "storage-device-failed", path, $"reading or writing failed ({message}, SQLite code {code})",
            "check the disk and the log of the system"),
        raw.SQLITE_BUSY or raw.SQLITE_LOCKED or raw.SQLITE_PROTOCOL => new OperatorException(
            "store-locked", path, $"another program has locked the store ({message})", "end that program, then run it again"),
        raw.SQLITE_PERM or raw.SQLITE_AUTH => new OperatorException(
            "storage-permission", path, $"permission denied ({message})", "run as a user who may access it, or change its owner or mode"),
        raw.SQLITE_CANTOPEN => new OperatorException(
            "storage-failed", path, $"the store cannot be opened ({message})",
            "check the path, and the owner and mode of the file and its directory"),
        raw.SQLITE_NOTADB => Damaged(path, "the file is no metadata store, or its beginning is damaged", message),
        raw.SQLITE_CORRUPT => Damaged(path, "the store is damaged", message),
        raw.SQLITE_NOMEM => new InsufficientMemoryException($"SQLite found no memory: {message}."),
        raw.SQLITE_TOOBIG or raw.SQLITE_RANGE or raw.SQLITE_MISUSE =>
            new InvalidOperationException($"SQLite refused a statement: {message}."),

        // Every statement is a constant that works on a sound store, so the store is not sound: a table is missing, a number was given
        // twice.
        _ => Damaged(path, "the store is not as it must be", $"{message}, SQLite code {code}"),
    };
}
