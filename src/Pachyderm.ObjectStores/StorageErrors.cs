using Pachyderm.Errors;

namespace Pachyderm.ObjectStores;

/// <summary>Turns what the file system throws into one line for the operator.</summary>
public static class StorageErrors
{
    // errno of Linux, which .NET passes on as the HResult, and the matching codes of Windows.
    private const int NoSpace = 28;
    private const int QuotaExceeded = 122;
    private const int ReadOnlyFileSystem = 30;
    private const int InputOutput = 5;
    private const int TooManyOpenFiles = 24;
    private const int WindowsDiskFull = unchecked((int)0x80070070);
    private const int WindowsHandleDiskFull = unchecked((int)0x80070027);
    private const int WindowsWriteProtect = unchecked((int)0x80070013);

    /// <summary>Whether <see cref="Translate"/> knows this kind of failure: everything that the file system throws.</summary>
    public static bool IsStorageFailure(Exception exception) => exception is IOException or UnauthorizedAccessException;

    /// <summary>Describes a failure of the file system.</summary>
    /// <param name="exception">What was thrown.</param>
    /// <param name="path">The file or directory that was worked on.</param>
    public static OperatorException Translate(Exception exception, string path)
    {
        ArgumentNullException.ThrowIfNull(exception);
        return exception switch
        {
            UnauthorizedAccessException => new OperatorException(
                "storage-permission", path, "permission denied", "run as a user who may access it, or change its owner or mode", exception),
            PathTooLongException => new OperatorException(
                "storage-path-too-long", path, "the path is too long for the file system", "use a directory with a shorter path",
                exception),
            DirectoryNotFoundException or FileNotFoundException => new OperatorException(
                "storage-not-found", path, "no such file or directory", "check the path", exception),
            IOException failure => TranslateCode(failure, path),
            _ => new OperatorException("storage-failed", path, OneLine(exception.Message), "look into the file system's log", exception),
        };
    }

    private static OperatorException TranslateCode(IOException failure, string path) => failure.HResult switch
    {
        NoSpace or QuotaExceeded or WindowsDiskFull or WindowsHandleDiskFull => new OperatorException(
            "storage-full", path, "no space left on the device", "free space or choose another place, then run it again", failure),
        ReadOnlyFileSystem or WindowsWriteProtect => new OperatorException(
            "storage-read-only", path, "the file system is mounted read-only", "remount it writable or choose another place", failure),
        InputOutput => new OperatorException(
            "storage-device-failed", path, "the device failed to read or write", "check the disk; restore from another copy", failure),
        TooManyOpenFiles => new OperatorException(
            "storage-open-files", path, "too many open files", "raise the limit with ulimit -n", failure),
        _ => new OperatorException("storage-failed", path, OneLine(failure.Message), "look into the file system's log", failure),
    };

    private static string OneLine(string message) => message.ReplaceLineEndings(" ").TrimEnd('.', ' ');
}
