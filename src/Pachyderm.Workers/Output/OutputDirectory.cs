using Microsoft.Win32.SafeHandles;
using Pachyderm.Workers.Native;

namespace Pachyderm.Workers.Output;

/// <summary>Opens what user code left behind: nothing through a symbolic link, nothing that blocks, rights or no rights.</summary>
internal static class OutputDirectory
{
    /// <summary>Opens a directory in a directory.</summary>
    internal static SafeFileHandle OpenDirectory(SafeFileHandle parent, byte[] name) =>
        Open(parent, name, Posix.DirectoryOnly | Posix.NoFollow, isDirectory: true);

    /// <summary>Opens a regular file for reading.</summary>
    internal static OutputFile OpenFile(SafeFileHandle parent, byte[] name, string path)
    {
        SafeFileHandle file = Open(parent, name, Posix.ReadOnly | Posix.NonBlocking | Posix.NoFollow, isDirectory: false);
        FileStatus status = Posix.Status(file);
        if (status.Kind != FileKind.Regular)
        {
            file.Dispose();
            throw new BadOutputException($"/pfs/out{path} is not the file that it was");
        }

        return new OutputFile(file, status.Size);
    }

    /// <summary>Says in words what cannot be output.</summary>
    internal static BadOutputException Refuse(string path, FileKind kind)
    {
        string what = kind switch
        {
            FileKind.Pipe => "a named pipe",
            FileKind.Socket => "a socket",
            _ => "a device",
        };
        return new BadOutputException($"/pfs/out{path} is {what}: only files, directories and links to them can be output");
    }

    private static SafeFileHandle Open(SafeFileHandle parent, byte[] name, int flags, bool isDirectory)
    {
        SafeFileHandle? opened = Posix.TryOpen(parent, name, flags, out int error);
        if (opened is null && error == Posix.AccessDenied)
        {
            Posix.MakeAccessible(parent, name, isDirectory);
            opened = Posix.TryOpen(parent, name, flags, out error);
        }

        return opened ?? throw Posix.Failure(error, name);
    }
}
