using System.Runtime.InteropServices;
using System.Text;

namespace Pachyderm.ObjectStores;

/// <summary>
/// What it takes for a file to survive a power loss on POSIX: its bytes are flushed, and so is the directory that names it.
/// </summary>
public static class DurableFiles
{
    private const int NotPermitted = 1;
    private const int AlreadyThere = 17;
    private const int CrossDevice = 18;
    private const int NotSupported = 95;
    private const int CurrentDirectory = -100;
    private const uint WithoutReplacing = 1;
    private const int CloseOnExec = 0x80000;
    private const int WriteAndSearch = 2 | 1;

    /// <summary>Creates a directory with its parents, and makes each new name durable.</summary>
    /// <param name="path">The directory. That it exists already is no error.</param>
    public static void CreateDirectory(string path)
    {
        string full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        if (Directory.Exists(full))
        {
            return;
        }

        if (Path.GetDirectoryName(full) is not { } parent)
        {
            Directory.CreateDirectory(full);
            return;
        }

        CreateDirectory(parent);
        Directory.CreateDirectory(full);
        FlushDirectory(parent);
    }

    /// <summary>Renames a file, replacing the target, in one step. The directories are not flushed.</summary>
    /// <returns>False if the target lies on another file system: the runtime's own move would then copy, which is no single step.</returns>
    /// <exception cref="IOException">The file cannot be renamed for another reason.</exception>
    public static bool TryRename(string path, string target)
    {
        if (OperatingSystem.IsWindows())
        {
            string? root = Path.GetPathRoot(Path.GetFullPath(path));
            if (!string.Equals(root, Path.GetPathRoot(Path.GetFullPath(target)), StringComparison.OrdinalIgnoreCase))
            {
                return false;
            }

            File.Move(path, target, overwrite: true);
            return true;
        }

        if (NativeMethods.Rename(Encoding.UTF8.GetBytes(path + '\0'), Encoding.UTF8.GetBytes(target + '\0')) == 0)
        {
            return true;
        }

        return Marshal.GetLastPInvokeError() == CrossDevice ? false : throw Failure(path);
    }

    /// <summary>
    /// Renames a file to a name that is free, or leaves everything as it is: of many that want one name at once exactly one gets it. The
    /// directories are not flushed. <see cref="File.Move(string, string)"/> looks first and renames then, so that two may both succeed.
    /// </summary>
    /// <returns>False if the name is taken, by whatever it may be.</returns>
    /// <exception cref="IOException">The file cannot be renamed for another reason.</exception>
    public static bool TryRenameToNew(string path, string target)
    {
        if (OperatingSystem.IsWindows())
        {
            try
            {
                File.Move(path, target, overwrite: false);
                return true;
            }
            catch (IOException) when (Path.Exists(target))
            {
                return false;
            }
        }

        byte[] from = Encoding.UTF8.GetBytes(path + '\0');
        byte[] to = Encoding.UTF8.GetBytes(target + '\0');
        if (NativeMethods.Link(from, to) == 0)
        {
            File.Delete(path);
            return true;
        }

        // Not every file system has second names for a file; those have this, on Linux.
        int error = Marshal.GetLastPInvokeError();
        if (error is NotPermitted or NotSupported && OperatingSystem.IsLinux())
        {
            if (NativeMethods.RenameWith(CurrentDirectory, from, CurrentDirectory, to, WithoutReplacing) == 0)
            {
                return true;
            }

            error = Marshal.GetLastPInvokeError();
        }

        return error == AlreadyThere ? false : throw Failure(path, error);
    }

    /// <summary>Whether this process may create files in a directory. Asks only, and so changes nothing; on Windows the answer is yes.</summary>
    public static bool IsWritable(string directory) =>
        OperatingSystem.IsWindows() || NativeMethods.Access(Encoding.UTF8.GetBytes(directory + '\0'), WriteAndSearch) == 0;

    /// <summary>Makes the names in a directory durable. A system without such a call (Windows) does it by itself.</summary>
    /// <exception cref="IOException">The directory cannot be opened or flushed.</exception>
    public static void FlushDirectory(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        // .NET opens no directories, so this goes to the C library.
        int descriptor = NativeMethods.Open(Encoding.UTF8.GetBytes(path + '\0'), CloseOnExec);
        if (descriptor < 0)
        {
            throw Failure(path);
        }

        try
        {
            if (NativeMethods.Fsync(descriptor) != 0)
            {
                throw Failure(path);
            }
        }
        finally
        {
            _ = NativeMethods.Close(descriptor);
        }
    }

    private static IOException Failure(string path) => Failure(path, Marshal.GetLastPInvokeError());

    private static IOException Failure(string path, int error) =>
        new IOException($"{Marshal.GetPInvokeErrorMessage(error)}: '{path}'", error);

    private static class NativeMethods
    {
        [DllImport("libc", EntryPoint = "open", SetLastError = true, ExactSpelling = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        internal static extern int Open(byte[] path, int flags);

        [DllImport("libc", EntryPoint = "fsync", SetLastError = true, ExactSpelling = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        internal static extern int Fsync(int descriptor);

        [DllImport("libc", EntryPoint = "access", SetLastError = true, ExactSpelling = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        internal static extern int Access(byte[] path, int mode);

        [DllImport("libc", EntryPoint = "rename", SetLastError = true, ExactSpelling = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        internal static extern int Rename(byte[] path, byte[] target);

        [DllImport("libc", EntryPoint = "link", SetLastError = true, ExactSpelling = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        internal static extern int Link(byte[] path, byte[] target);

        [DllImport("libc", EntryPoint = "renameat2", SetLastError = true, ExactSpelling = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        internal static extern int RenameWith(int directory, byte[] path, int targetDirectory, byte[] target, uint flags);

        [DllImport("libc", EntryPoint = "close", SetLastError = true, ExactSpelling = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        internal static extern int Close(int descriptor);
    }
}
