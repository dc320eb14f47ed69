using System.Globalization;
using Microsoft.Win32.SafeHandles;
using Pachyderm.Errors;
using Pachyderm.Workers.Native;

namespace Pachyderm.Workers.Scratch;

/// <summary>Removes directories in which user code had its way.</summary>
internal static class ScratchRemoval
{
    // Each level holds an open file.
    private const int DeepestAtOnce = 100;

    /// <summary>
    /// Removes a directory and everything in it, whatever its names, its permissions and its depth, and follows no link. No process may be
    /// at work in it. A directory that is gone already is no error.
    /// </summary>
    internal static void Remove(string directory) => Guard(directory, () =>
    {
        if (TryEmpty(directory, []))
        {
            Directory.Delete(directory);
        }
    });

    /// <summary>Removes everything in a directory as <see cref="Remove"/> does, but for itself and some entries.</summary>
    /// <param name="directory">Absolute path.</param>
    /// <param name="kept">Names of what stays.</param>
    internal static void Empty(string directory, IReadOnlyCollection<string> kept) => Guard(directory, () => TryEmpty(directory, kept));

    /// <summary>
    /// Empties a directory that <see cref="ScratchArea.CreateDirectory"/> made and user code could change, if it can then be told from a new
    /// one by nothing but its times: not by its rights, owner or attributes, nor by the space that its entries took.
    /// </summary>
    /// <returns>False if it is another thing, or can be told; it may be empty then or not.</returns>
    internal static bool TryRestore(string directory)
    {
        using SafeFileHandle? opened = Posix.TryOpen(directory: null, Posix.Bytes(directory), Posix.DirectoryOnly | Posix.NoFollow, out _);
        if (opened is null || !Posix.IsPlainDirectory(opened))
        {
            return false;
        }

        Empty(directory, []);
        return Posix.IsPlainDirectory(opened);
    }

    private static void Guard(string directory, Action action)
    {
        try
        {
            action();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new OperatorException("scratch-not-removed", directory, $"the scratch directory could not be removed: {failure.Message}",
                "remove it by hand, and see whether something is mounted in it or other users' files are", failure);
        }
    }

    // False if it does not exist.
    private static bool TryEmpty(string directory, IReadOnlyCollection<string> kept)
    {
        byte[][] keptNames = [.. kept.Select(Posix.Bytes)];
        int deep = 0;
        int before;
        do
        {
            // Opened anew for each pass: an open directory is listed once.
            using SafeFileHandle? top = Posix.TryOpen(
                directory: null, Posix.Bytes(directory), Posix.DirectoryOnly | Posix.NoFollow, out int error);
            if (top is null)
            {
                return error == Posix.NoSuchFile ? false : throw Posix.Failure(error, Posix.Bytes(directory));
            }

            before = deep;
            RemoveEntries(top, top, depth: 0, keptNames, ref deep);
        }
        while (deep > before);
        return true;
    }

    private static void RemoveEntries(SafeFileHandle directory, SafeFileHandle top, int depth, byte[][] kept, ref int deep)
    {
        foreach (byte[] name in Posix.Names(directory))
        {
            if (Array.Exists(kept, one => name.AsSpan().SequenceEqual(one)) || Posix.Status(directory, name) is not { } status)
            {
                continue;
            }

            if (status.Kind != FileKind.Directory)
            {
                Posix.Unlink(directory, name, isDirectory: false);
                continue;
            }

            const int AllForOwner = 0x1C0;
            if ((status.Permissions & AllForOwner) != AllForOwner)
            {
                Posix.MakeAccessible(directory, name, isDirectory: true);
            }

            if (depth >= DeepestAtOnce)
            {
                // To be found at the top in another pass.
                byte[] place = Posix.Bytes(string.Create(CultureInfo.InvariantCulture, $"deep-{Guid.NewGuid():n}"));
                Posix.Move(directory, name, top, place);
                deep++;
                continue;
            }

            using (SafeFileHandle child = Posix.Open(directory, name, Posix.DirectoryOnly | Posix.NoFollow))
            {
                RemoveEntries(child, top, depth + 1, [], ref deep);
            }

            Posix.Unlink(directory, name, isDirectory: true);
        }
    }
}
