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
    internal static void Remove(string directory)
    {
        try
        {
            int deep = 0;
            int before;
            do
            {
                // Opened anew for each pass: an open directory is listed once.
                using SafeFileHandle? top = Posix.TryOpen(
                    directory: null, Posix.Bytes(directory), Posix.DirectoryOnly | Posix.NoFollow, out int error);
                if (top is null)
                {
                    if (error != Posix.NoSuchFile)
                    {
                        throw Posix.Failure(error, Posix.Bytes(directory));
                    }

                    return;
                }

                before = deep;
                RemoveEntries(top, top, depth: 0, ref deep);
            }
            while (deep > before);
            Directory.Delete(directory);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new OperatorException("scratch-not-removed", directory, $"the scratch directory could not be removed: {failure.Message}",
                "remove it by hand, and see whether something is mounted in it or other users' files are", failure);
        }
    }

    private static void RemoveEntries(SafeFileHandle directory, SafeFileHandle top, int depth, ref int deep)
    {
        foreach (byte[] name in Posix.Names(directory))
        {
            if (Posix.Status(directory, name) is not { } status)
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
                RemoveEntries(child, top, depth + 1, ref deep);
            }

            Posix.Unlink(directory, name, isDirectory: true);
        }
    }
}
