using System.IO.Enumeration;
using Pachyderm.Errors;

namespace Pachyderm.Client;

/// <summary>The files below a local directory.</summary>
public static class LocalTree
{
    /// <summary>
    /// Yields the files below a directory, while they are found and in no order. Symbolic links to files are followed, those to
    /// directories are passed over; empty directories do not show.
    /// </summary>
    /// <param name="directory">The directory.</param>
    /// <param name="target">Directory of the commit that the files go to.</param>
    /// <param name="overwrite">Whether they replace what is there.</param>
    /// <exception cref="OperatorException">
    /// <c>file-unreadable</c>: a directory cannot be read. <c>name-not-utf8</c>: a name is not valid UTF-8, which paths of a commit must
    /// be.
    /// </exception>
    public static IEnumerable<LocalFile> Walk(string directory, string target, bool overwrite = false)
    {
        ArgumentNullException.ThrowIfNull(target);
        string prefix = target.TrimEnd('/');
        return Enumerate(directory).Select(file => LocalFile.FromDisk($"{prefix}/{file.Below}", file.Path, overwrite));
    }

    /// <summary>Yields the files below a directory, as <see cref="Walk"/> does, with their path from here and from the directory.</summary>
    public static IEnumerable<(string Path, string Below)> Enumerate(string directory)
    {
        ArgumentNullException.ThrowIfNull(directory);
        int skip = directory.Length == 0 || directory.EndsWith('/') ? directory.Length : directory.Length + 1;
        return EnumeratePaths(directory).Select(path => (path, path[skip..]));
    }

    private static IEnumerable<string> EnumeratePaths(string directory)
    {
        using IEnumerator<string> paths = Open(directory);
        while (true)
        {
            try
            {
                if (!paths.MoveNext())
                {
                    yield break;
                }
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                throw LocalContent.Unreadable(directory, exception);
            }

            // Bytes that are not UTF-8 arrive as replacement characters, and then no file has that name.
            if (paths.Current.Contains('\uFFFD', StringComparison.Ordinal) && !File.Exists(paths.Current))
            {
                throw new OperatorException(
                    "name-not-utf8", paths.Current, "the name is not valid UTF-8", "rename the file, or leave it out");
            }

            yield return paths.Current;
        }
    }

    private static IEnumerator<string> Open(string directory)
    {
        EnumerationOptions options = new()
        {
            RecurseSubdirectories = true,
            AttributesToSkip = FileAttributes.None,
            IgnoreInaccessible = false,
        };
        try
        {
            return new FileSystemEnumerable<string>(directory, (ref FileSystemEntry entry) => entry.ToSpecifiedFullPath(), options)
            {
                ShouldIncludePredicate = (ref FileSystemEntry entry) => !entry.IsDirectory,
                ShouldRecursePredicate = (ref FileSystemEntry entry) => !entry.Attributes.HasFlag(FileAttributes.ReparsePoint),
            }.GetEnumerator();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw LocalContent.Unreadable(directory, exception);
        }
    }
}
