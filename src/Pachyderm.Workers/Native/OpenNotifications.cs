using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Pachyderm.Errors;

namespace Pachyderm.Workers.Native;

/// <summary>Tells when a file in one of some directories is opened, by inotify.</summary>
internal sealed class OpenNotifications : IDisposable
{
    private const uint Opened = 0x20;
    private const short Readable = 1;
    private readonly SafeFileHandle _inotify;
    private readonly SafeFileHandle _stop;
    private readonly Dictionary<int, string> _directories = [];
    private Thread? _thread;

    internal OpenNotifications()
    {
        int descriptor = NativeMethods.InotifyInit(Posix.CloseOnExec | Posix.NonBlocking);
        if (descriptor < 0)
        {
            int error = Marshal.GetLastPInvokeError();
            throw error is Posix.TooManyOpenFiles
                ? new OperatorException("too-many-lazy-workers", "lazy inputs", "no more inotify instances can be made",
                    "raise the sysctl fs.inotify.max_user_instances, or make the inputs not lazy")
                : new IOException($"inotify: {Marshal.GetPInvokeErrorMessage(error)}", error);
        }

        _inotify = new SafeFileHandle(descriptor, ownsHandle: true);
        _stop = new SafeFileHandle(NativeMethods.EventDescriptor(0, Posix.CloseOnExec), ownsHandle: true);
    }

    /// <summary>Watches the entries of a directory.</summary>
    internal void Add(string directory)
    {
        int watch = NativeMethods.InotifyAddWatch(_inotify, Posix.Bytes(directory), Opened);
        if (watch < 0)
        {
            int error = Marshal.GetLastPInvokeError();
            throw error is Posix.NoSpace
                ? new OperatorException("too-many-lazy-directories", "lazy inputs", "no more directories can be watched",
                    "raise the sysctl fs.inotify.max_user_watches, or make the inputs not lazy")
                : Posix.Failure(error, Posix.Bytes(directory));
        }

        _directories[watch] = directory;
    }

    /// <summary>
    /// Calls back with the directory and the name of each file that is opened from now on, on a thread of its own, and without them
    /// when some went unnoticed because there were too many at once.
    /// </summary>
    internal void Start(Action<string?, string?> opened)
    {
        _thread = new Thread(() => Listen(opened), 256 << 10) { IsBackground = true, Name = "lazy files" };
        _thread.Start();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_thread is not null)
        {
            _ = NativeMethods.Write(_stop, [1, 0, 0, 0, 0, 0, 0, 0], 8);
            _thread.Join();
        }

        _stop.Dispose();
        _inotify.Dispose();
    }

    private void Listen(Action<string?, string?> opened)
    {
        byte[] buffer = new byte[64 << 10];
        while (true)
        {
            PollEntry[] entries =
            [
                new() { Descriptor = (int)_inotify.DangerousGetHandle(), Events = Readable },
                new() { Descriptor = (int)_stop.DangerousGetHandle(), Events = Readable },
            ];
            _ = NativeMethods.Poll(entries, (nuint)entries.Length, timeout: -1);
            if (entries[1].Returned != 0)
            {
                return;
            }

            nint length = NativeMethods.Read(_inotify, buffer, buffer.Length);
            for (int at = 0; at < length;)
            {
                // wd 4, mask 4, cookie 4, len 4, name padded with zero bytes
                int watch = BinaryPrimitives.ReadInt32LittleEndian(buffer.AsSpan(at));
                int nameLength = BinaryPrimitives.ReadInt32LittleEndian(buffer.AsSpan(at + 12));
                if (watch < 0)
                {
                    opened(null, null);
                }

                string? name = OddNames.Text(buffer.AsSpan(at + 16, nameLength));
                if (nameLength > 0 && name is not null && _directories.TryGetValue(watch, out string? directory))
                {
                    opened(directory, name);
                }

                at += 16 + nameLength;
            }
        }
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct PollEntry
    {
        internal int Descriptor;
        internal short Events;
        internal short Returned;
    }

    private static class NativeMethods
    {
        [DllImport("libc", EntryPoint = "inotify_init1", SetLastError = true, ExactSpelling = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        internal static extern int InotifyInit(int flags);

        [DllImport("libc", EntryPoint = "inotify_add_watch", SetLastError = true, ExactSpelling = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        internal static extern int InotifyAddWatch(SafeFileHandle inotify, byte[] path, uint mask);

        [DllImport("libc", EntryPoint = "eventfd", SetLastError = true, ExactSpelling = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        internal static extern int EventDescriptor(uint initial, int flags);

        [DllImport("libc", EntryPoint = "poll", SetLastError = true, ExactSpelling = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        internal static extern int Poll([In, Out] PollEntry[] entries, nuint count, int timeout);

        [DllImport("libc", EntryPoint = "read", SetLastError = true, ExactSpelling = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        internal static extern nint Read(SafeFileHandle file, byte[] buffer, nint size);

        [DllImport("libc", EntryPoint = "write", SetLastError = true, ExactSpelling = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        internal static extern nint Write(SafeFileHandle file, byte[] buffer, nint size);
    }
}
