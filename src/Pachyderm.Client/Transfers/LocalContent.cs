using Microsoft.Win32.SafeHandles;
using Pachyderm.Errors;

namespace Pachyderm.Client;

/// <summary>Opens local files, and says in one line why one cannot be read.</summary>
internal static class LocalContent
{
    /// <summary>Opens a file for reads in large pieces.</summary>
    /// <exception cref="OperatorException"><c>file-unreadable</c>.</exception>
    public static SafeFileHandle OpenHandle(string path)
    {
        try
        {
            return File.OpenHandle(
                path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, FileOptions.SequentialScan);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw Unreadable(path, exception);
        }
    }

    /// <summary>Opens a file as a stream without a buffer of its own.</summary>
    /// <exception cref="OperatorException"><c>file-unreadable</c>.</exception>
    public static FileStream OpenStream(string path)
    {
        try
        {
            return new FileStream(path, new FileStreamOptions
            {
                Mode = FileMode.Open,
                Access = FileAccess.Read,
                Share = FileShare.ReadWrite | FileShare.Delete,
                BufferSize = 0,
                Options = FileOptions.SequentialScan,
            });
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw Unreadable(path, exception);
        }
    }

    /// <summary>The error of a file that cannot be read.</summary>
    public static OperatorException Unreadable(string path, Exception exception) => exception switch
    {
        FileNotFoundException or DirectoryNotFoundException =>
            new OperatorException("file-unreadable", path, "it does not exist", "name an existing file", exception),
        UnauthorizedAccessException when Directory.Exists(path) =>
            new OperatorException("file-unreadable", path, "it is a directory", "use -r for directories", exception),
        UnauthorizedAccessException =>
            new OperatorException(
                "file-unreadable", path, "reading it is not permitted", "change its permissions, or leave it out", exception),
        _ => new OperatorException(
            "file-unreadable", path, $"it cannot be read ({exception.Message})", "check the file, or leave it out", exception),
    };
}
