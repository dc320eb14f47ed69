using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Pachyderm.Workers.Native;

/// <summary>
/// The system calls that .NET has no words for: relative to an open directory, never through a symbolic link, and with names as bytes.
/// </summary>
internal static class Posix
{
    internal const int ReadOnly = 0;
    internal const int WriteOnly = 1;
    internal const int ReadWrite = 2;
    internal const int NonBlocking = 0x800;
    internal const int CloseOnExec = 0x80000;
    internal const int NoSuchFile = 2;
    internal const int NoSuchProcess = 3;
    internal const int AccessDenied = 13;
    internal const int TooManyOpenFiles = 24;
    internal const int TooManyOpenFilesInSystem = 23;
    internal const int NoSpace = 28;

    private const int NotSupported = 95;
    internal const int TooManyLinks = 40;
    internal const int SigKill = 9;
    internal const int SigTerm = 15;

    private const int CurrentDirectory = -100;
    private const int SymlinkNoFollow = 0x100;
    private const int EmptyPath = 0x1000;
    private const uint BasicStatistics = 0x7ff;

    // The two flags that differ between the architectures that .NET runs on.
    private static readonly bool IsArm = RuntimeInformation.ProcessArchitecture is Architecture.Arm or Architecture.Arm64;

    /// <summary>Fails on anything but a directory.</summary>
    internal static int DirectoryOnly { get; } = IsArm ? 0x4000 : 0x10000;

    /// <summary>Fails when the last part of the path is a symbolic link.</summary>
    internal static int NoFollow { get; } = IsArm ? 0x8000 : 0x20000;

    /// <summary>Who this process runs as.</summary>
    internal static uint UserId => NativeMethods.GetEffectiveUserId();

    /// <summary>The group that this process runs as.</summary>
    internal static uint GroupId => NativeMethods.GetEffectiveGroupId();

    /// <summary>The bytes of a name as the system wants them.</summary>
    internal static byte[] Bytes(string path) => Encoding.UTF8.GetBytes(path + '\0');

    /// <summary>Opens a path, or says which error number stands in the way.</summary>
    internal static SafeFileHandle? TryOpen(SafeFileHandle? directory, byte[] path, int flags, out int error, uint mode = 0)
    {
        int descriptor = directory is null
            ? NativeMethods.OpenAt(CurrentDirectory, path, flags | CloseOnExec, mode)
            : NativeMethods.OpenAt(directory, path, flags | CloseOnExec, mode);
        error = descriptor < 0 ? Marshal.GetLastPInvokeError() : 0;
        return descriptor < 0 ? null : new SafeFileHandle(descriptor, ownsHandle: true);
    }

    /// <summary>Opens a path.</summary>
    internal static SafeFileHandle Open(SafeFileHandle? directory, byte[] path, int flags, uint mode = 0) =>
        TryOpen(directory, path, flags, out int error, mode) ?? throw Failure(error, path);

    /// <summary>
    /// Opens a file that its owner alone can use for writing at any place, and makes it if it is not there. Unlike a <see cref="FileStream"/>
    /// it neither locks the file nor looks at it first.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="exclusive">Whether it must not be there yet.</param>
    internal static SafeFileHandle Create(string path, bool exclusive)
    {
        const int Make = 0x40;
        const int Exclusive = 0x80;
        return Open(directory: null, Bytes(path), WriteOnly | NoFollow | Make | (exclusive ? Exclusive : 0), mode: 0x180);
    }

    /// <summary>What an entry of a directory is, itself and not what it links to; <see langword="null"/> if it is not there.</summary>
    internal static FileStatus? Status(SafeFileHandle directory, byte[] name)
    {
        byte[] buffer = new byte[256];
        if (NativeMethods.Statx(directory, name, SymlinkNoFollow, BasicStatistics, buffer) == 0)
        {
            return FileStatus.From(buffer);
        }

        int error = Marshal.GetLastPInvokeError();
        return error == NoSuchFile ? null : throw Failure(error, name);
    }

    /// <summary>What an open file is.</summary>
    internal static FileStatus Status(SafeFileHandle file)
    {
        byte[] buffer = new byte[256];
        return NativeMethods.Statx(file, [0], EmptyPath, BasicStatistics, buffer) == 0
            ? FileStatus.From(buffer)
            : throw Failure(Marshal.GetLastPInvokeError(), [0]);
    }

    /// <summary>
    /// Whether an open directory is small, this process's, its owner's alone, and has no attributes of any kind, lists of rights included.
    /// </summary>
    internal static bool IsPlainDirectory(SafeFileHandle directory)
    {
        const int OwnerOnly = 0x41C0;
        const int Block = 4096;
        byte[] buffer = new byte[256];
        if (NativeMethods.Statx(directory, [0], EmptyPath, BasicStatistics, buffer) != 0)
        {
            throw Failure(Marshal.GetLastPInvokeError(), [0]);
        }

        return BinaryPrimitives.ReadUInt16LittleEndian(buffer.AsSpan(28)) == OwnerOnly
            && BinaryPrimitives.ReadUInt32LittleEndian(buffer.AsSpan(20)) == UserId
            && BinaryPrimitives.ReadInt64LittleEndian(buffer.AsSpan(40)) <= Block
            && BinaryPrimitives.ReadUInt64LittleEndian(buffer.AsSpan(8)) == 0
            && (NativeMethods.ListAttributes(directory, null, 0) is 0 || Marshal.GetLastPInvokeError() == NotSupported);
    }

    /// <summary>The target of a symbolic link.</summary>
    internal static byte[] ReadLink(SafeFileHandle directory, byte[] name)
    {
        byte[] buffer = new byte[4096];
        nint length = NativeMethods.ReadLinkAt(directory, name, buffer, buffer.Length);
        return length < 0 ? throw Failure(Marshal.GetLastPInvokeError(), name) : buffer[..(int)length];
    }

    /// <summary>The names in a directory without <c>.</c> and <c>..</c>, in the order of their bytes, each with a final zero byte.</summary>
    internal static List<byte[]> Names(SafeFileHandle directory)
    {
        List<byte[]> names = [];
        // A datum's directories are listed ten times, mostly for a name or two.
        byte[] buffer = ArrayPool<byte>.Shared.Rent(32 << 10);
        try
        {
            ReadNames(directory, buffer, names);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        names.Sort((left, right) => left.AsSpan().SequenceCompareTo(right));
        return names;
    }

    private static void ReadNames(SafeFileHandle directory, byte[] buffer, List<byte[]> names)
    {
        while (true)
        {
            int length = (int)NativeMethods.GetDirectoryEntries(directory, buffer, buffer.Length);
            if (length < 0)
            {
                throw Failure(Marshal.GetLastPInvokeError(), [0]);
            }

            if (length == 0)
            {
                return;
            }

            for (int at = 0; at < length;)
            {
                // ino 8, off 8, reclen 2, type 1, name
                int size = BinaryPrimitives.ReadUInt16LittleEndian(buffer.AsSpan(at + 16));
                ReadOnlySpan<byte> name = buffer.AsSpan(at + 19, size - 19);
                name = name[..(name.IndexOf((byte)0) + 1)];
                if (!name.SequenceEqual(".\0"u8) && !name.SequenceEqual("..\0"u8))
                {
                    names.Add(name.ToArray());
                }

                at += size;
            }
        }
    }

    /// <summary>Gives the owner every right to an entry that is not a symbolic link.</summary>
    internal static void MakeAccessible(SafeFileHandle directory, byte[] name, bool isDirectory)
    {
        if (NativeMethods.FchmodAt(directory, name, isDirectory ? 0x1C0u : 0x180u, flags: 0) != 0)
        {
            throw Failure(Marshal.GetLastPInvokeError(), name);
        }
    }

    /// <summary>Makes a named pipe that its owner can read and write.</summary>
    internal static void MakePipe(string path)
    {
        if (NativeMethods.MkFifo(Bytes(path), 0x180) != 0)
        {
            throw Failure(Marshal.GetLastPInvokeError(), Bytes(path));
        }
    }

    /// <summary>Opens a named pipe that is open already once more, for writing only, whatever has become of its name.</summary>
    internal static SafePipeHandle OpenPipeForWriting(SafeFileHandle pipe)
    {
        string path = string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{pipe.DangerousGetHandle()}");
        using SafeFileHandle file = Open(directory: null, Bytes(path), WriteOnly | NonBlocking);
        SafePipeHandle opened = new(file.DangerousGetHandle(), ownsHandle: true);
        file.SetHandleAsInvalid();
        return opened;
    }

    /// <summary>Moves every entry of a directory to another of the same disk, whatever its name and its rights.</summary>
    /// <returns>How many there were.</returns>
    internal static int MoveEntries(string from, string to)
    {
        using SafeFileHandle source = Open(directory: null, Bytes(from), DirectoryOnly | NoFollow);
        List<byte[]> names = Names(source);
        if (names.Count == 0)
        {
            return 0;
        }

        using SafeFileHandle destination = Open(directory: null, Bytes(to), DirectoryOnly | NoFollow);
        foreach (byte[] name in names)
        {
            if (NativeMethods.RenameAt(source, name, destination, name) != 0)
            {
                // To move a directory one needs the right to write in it, for its entry "..".
                int error = Marshal.GetLastPInvokeError();
                if (error != AccessDenied || Status(source, name) is not { Kind: FileKind.Directory })
                {
                    throw Failure(error, name);
                }

                MakeAccessible(source, name, isDirectory: true);
                if (NativeMethods.RenameAt(source, name, destination, name) != 0)
                {
                    throw Failure(Marshal.GetLastPInvokeError(), name);
                }
            }
        }

        return names.Count;
    }

    /// <summary>Removes a name; one that is gone already is no error, and a directory must be empty.</summary>
    internal static void Unlink(SafeFileHandle directory, byte[] name, bool isDirectory)
    {
        const int RemoveDirectory = 0x200;
        if (NativeMethods.UnlinkAt(directory, name, isDirectory ? RemoveDirectory : 0) != 0
            && Marshal.GetLastPInvokeError() is int error && error != NoSuchFile)
        {
            throw Failure(error, name);
        }
    }

    /// <summary>Moves an entry to another directory of the same disk.</summary>
    internal static void Move(SafeFileHandle from, byte[] fromName, SafeFileHandle to, byte[] toName)
    {
        if (NativeMethods.RenameAt(from, fromName, to, toName) != 0)
        {
            throw Failure(Marshal.GetLastPInvokeError(), fromName);
        }
    }

    /// <summary>Sends a signal; a process that is gone by then is no error.</summary>
    internal static void Signal(int process, int signal)
    {
        // 0, -1 and -N address groups of processes: nothing here ever means them.
        ArgumentOutOfRangeException.ThrowIfLessThan(process, 2);
        if (NativeMethods.Kill(process, signal) != 0 && Marshal.GetLastPInvokeError() is int error && error != NoSuchProcess)
        {
            throw new IOException($"cannot signal process {process}: {Marshal.GetPInvokeErrorMessage(error)}", error);
        }
    }

    /// <summary>An exception for an error number.</summary>
    internal static IOException Failure(int error, byte[] path) =>
        new($"{OddNames.Show(path)}: {Marshal.GetPInvokeErrorMessage(error)}", error);

    private static class NativeMethods
    {
        [DllImport("libc", EntryPoint = "openat", SetLastError = true, ExactSpelling = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        internal static extern int OpenAt(int directory, byte[] path, int flags, uint mode);

        [DllImport("libc", EntryPoint = "openat", SetLastError = true, ExactSpelling = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        internal static extern int OpenAt(SafeFileHandle directory, byte[] path, int flags, uint mode);

        [DllImport("libc", EntryPoint = "statx", SetLastError = true, ExactSpelling = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        internal static extern int Statx(SafeFileHandle directory, byte[] path, int flags, uint mask, byte[] buffer);

        [DllImport("libc", EntryPoint = "readlinkat", SetLastError = true, ExactSpelling = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        internal static extern nint ReadLinkAt(SafeFileHandle directory, byte[] path, byte[] buffer, nint size);

        [DllImport("libc", EntryPoint = "getdents64", SetLastError = true, ExactSpelling = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        internal static extern nint GetDirectoryEntries(SafeFileHandle directory, byte[] buffer, nint size);

        [DllImport("libc", EntryPoint = "fchmodat", SetLastError = true, ExactSpelling = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        internal static extern int FchmodAt(SafeFileHandle directory, byte[] path, uint mode, int flags);

        [DllImport("libc", EntryPoint = "flistxattr", SetLastError = true, ExactSpelling = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        internal static extern nint ListAttributes(SafeFileHandle file, byte[]? names, nint size);

        [DllImport("libc", EntryPoint = "mkfifo", SetLastError = true, ExactSpelling = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        internal static extern int MkFifo(byte[] path, uint mode);

        [DllImport("libc", EntryPoint = "unlinkat", SetLastError = true, ExactSpelling = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        internal static extern int UnlinkAt(SafeFileHandle directory, byte[] path, int flags);

        [DllImport("libc", EntryPoint = "renameat", SetLastError = true, ExactSpelling = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        internal static extern int RenameAt(SafeFileHandle from, byte[] fromPath, SafeFileHandle to, byte[] toPath);

        [DllImport("libc", EntryPoint = "geteuid", ExactSpelling = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        internal static extern uint GetEffectiveUserId();

        [DllImport("libc", EntryPoint = "getegid", ExactSpelling = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        internal static extern uint GetEffectiveGroupId();

        [DllImport("libc", EntryPoint = "kill", SetLastError = true, ExactSpelling = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        internal static extern int Kill(int process, int signal);
    }
}
