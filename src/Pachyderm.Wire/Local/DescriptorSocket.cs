using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Pachyderm.Wire.Local;

/// <summary>
/// Hands open files from one process to another of the same machine, over a Unix socket: <c>SCM_RIGHTS</c>, and who the other one is, as
/// unix(7) has it. The receiver gets what the sender could open itself and nothing else, whatever either may see of the file system.
/// </summary>
public static class DescriptorSocket
{
    /// <summary>What the names of sockets where files are handed over begin with.</summary>
    public const string NamePrefix = "pachyderm-";

    /// <summary>Bytes of the ticket that is sent with a file.</summary>
    public const int TicketLength = 16;

    private const uint Root = 0;
    private const int SocketLevel = 1;
    private const int Rights = 1;
    private const int PeerCredentials = 17;
    private const int NoSignal = 0x4000;
    private const int CloseOnExec = 0x40000000;
    private const int ControlTruncated = 8;

    // A header of length (8 bytes), level (4) and type (4), and one descriptor (4).
    private const int ControlLength = 20;
    private const int DescriptorOffset = 16;

    /// <summary>Whether it works here. What is laid out below is what 64-bit Linux has.</summary>
    public static bool IsSupported => OperatingSystem.IsLinux() && Environment.Is64BitProcess && BitConverter.IsLittleEndian;

    /// <summary>
    /// Whether the process at the other end is one of the same user, or of root, as the kernel knows it: one that can do here what it wants
    /// anyway.
    /// </summary>
    /// <param name="socket">Connected.</param>
    public static bool HasTrustedPeer(Socket socket)
    {
        ArgumentNullException.ThrowIfNull(socket);
        // struct ucred: process, user, group.
        byte[] credentials = new byte[12];
        socket.GetRawSocketOption(SocketLevel, PeerCredentials, credentials);
        uint user = BitConverter.ToUInt32(credentials, 4);
        return user == Root || user == NativeMethods.EffectiveUser();
    }

    /// <summary>Sends a message with an open file. The sender keeps the file open, too.</summary>
    /// <param name="socket">Connected.</param>
    /// <param name="message">At least one byte.</param>
    /// <param name="file">The file.</param>
    /// <exception cref="SocketException">The other one does not take it.</exception>
    public static void Send(Socket socket, byte[] message, SafeFileHandle file)
    {
        ArgumentNullException.ThrowIfNull(socket);
        ArgumentNullException.ThrowIfNull(message);
        ArgumentNullException.ThrowIfNull(file);
        byte[] control = new byte[ControlLength];
        BitConverter.TryWriteBytes(control, (long)ControlLength);
        BitConverter.TryWriteBytes(control.AsSpan(8), SocketLevel);
        BitConverter.TryWriteBytes(control.AsSpan(12), Rights);
        bool isHeld = false;
        try
        {
            file.DangerousAddRef(ref isHeld);
            BitConverter.TryWriteBytes(control.AsSpan(DescriptorOffset), (int)file.DangerousGetHandle());
            (nint sent, _, _) = Exchange(message, control, (ref MessageHeader header) => NativeMethods.SendMessage(socket.SafeHandle, ref header, NoSignal));
            if (sent != message.Length)
            {
                throw new SocketException(Marshal.GetLastPInvokeError());
            }
        }
        finally
        {
            if (isHeld)
            {
                file.DangerousRelease();
            }
        }
    }

    /// <summary>Receives what has come of a message, and the file that came with it.</summary>
    /// <param name="socket">Connected, with something to be received.</param>
    /// <param name="message">Takes the message.</param>
    /// <param name="file">The file, which is the caller's to close; null if there was none.</param>
    /// <returns>Bytes of the message; 0 if nothing has come.</returns>
    public static int Receive(Socket socket, byte[] message, out SafeFileHandle? file)
    {
        ArgumentNullException.ThrowIfNull(socket);
        ArgumentNullException.ThrowIfNull(message);
        // There is room for one descriptor: others that are sent with it the kernel closes.
        byte[] control = new byte[ControlLength];
        (nint received, nint controlLength, int flags) = Exchange(
            message, control, (ref MessageHeader header) => NativeMethods.ReceiveMessage(socket.SafeHandle, ref header, CloseOnExec));
        bool hasFile = received > 0 && controlLength >= ControlLength
            && BitConverter.ToInt32(control, 8) == SocketLevel && BitConverter.ToInt32(control, 12) == Rights;
        file = hasFile ? new SafeFileHandle(BitConverter.ToInt32(control, DescriptorOffset), ownsHandle: true) : null;
        if ((flags & ControlTruncated) != 0)
        {
            file?.Dispose();
            file = null;
        }
        return (int)Math.Max(received, 0);
    }

    private delegate nint Exchanging(ref MessageHeader header);

    private static (nint Count, nint ControlLength, int Flags) Exchange(byte[] message, byte[] control, Exchanging exchange)
    {
        var pinnedMessage = GCHandle.Alloc(message, GCHandleType.Pinned);
        var pinnedControl = GCHandle.Alloc(control, GCHandleType.Pinned);
        var pinnedVector = GCHandle.Alloc((nint[])[pinnedMessage.AddrOfPinnedObject(), message.Length], GCHandleType.Pinned);
        try
        {
            MessageHeader header = new()
            {
                Vectors = pinnedVector.AddrOfPinnedObject(),
                VectorCount = 1,
                Control = pinnedControl.AddrOfPinnedObject(),
                ControlLength = control.Length,
            };
            nint count = exchange(ref header);
            return (count, header.ControlLength, header.Flags);
        }
        finally
        {
            pinnedVector.Free();
            pinnedControl.Free();
            pinnedMessage.Free();
        }
    }

    /// <summary><c>struct msghdr</c> of 64-bit Linux.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct MessageHeader
    {
        public nint Name;
        public int NameLength;
        public nint Vectors;
        public nint VectorCount;
        public nint Control;
        public nint ControlLength;
        public int Flags;
    }

    private static class NativeMethods
    {
        [DllImport("libc", EntryPoint = "sendmsg", SetLastError = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        internal static extern nint SendMessage(SafeHandle socket, ref MessageHeader message, int flags);

        [DllImport("libc", EntryPoint = "recvmsg", SetLastError = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        internal static extern nint ReceiveMessage(SafeHandle socket, ref MessageHeader message, int flags);

        [DllImport("libc", EntryPoint = "geteuid")]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        internal static extern uint EffectiveUser();
    }
}
