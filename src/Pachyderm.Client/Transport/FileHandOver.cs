using System.Net.Sockets;
using Pachyderm.Wire.Local;
using Pachyderm.Wire.Native;

namespace Pachyderm.Client.Transport;

/// <summary>Hands a file that is open here to a server on the same machine, see <c>HandOver</c> of the wire API.</summary>
internal static class FileHandOver
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>Whether a stream is a file that can be handed over for reading: one that is open for nothing else.</summary>
    public static bool CanBeRead(Stream content) => IsFile(content) && !content.CanWrite;

    /// <summary>Whether a stream is a file that can be handed over for writing: one that is open for nothing else.</summary>
    public static bool CanBeWritten(Stream content) => IsFile(content) && !content.CanRead;

    /// <summary>Hands a file over.</summary>
    /// <param name="offer">What the server offered.</param>
    /// <param name="file">The file. What the server may do with it is what it is open for here.</param>
    /// <param name="cancellationToken">Stops.</param>
    /// <returns>False if the server cannot be reached that way, as through a tunnel, or is somebody else's.</returns>
    public static async Task<bool> TryAsync(HandOver offer, FileStream file, CancellationToken cancellationToken)
    {
        // No other service of this machine is spoken to, whatever a server says.
        if (!offer.Socket.StartsWith(DescriptorSocket.NamePrefix, StringComparison.Ordinal)
            || offer.Ticket.Length != DescriptorSocket.TicketLength)
        {
            return false;
        }

        using Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(Patience);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint("\0" + offer.Socket), deadline.Token);
            if (!DescriptorSocket.HasTrustedPeer(socket))
            {
                return false;
            }

            DescriptorSocket.Send(socket, offer.Ticket.ToByteArray(), file.SafeFileHandle);
            return await socket.ReceiveAsync(new byte[1], deadline.Token) == 1;
        }
        catch (Exception exception) when (exception is SocketException or ArgumentException
            || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return false;
        }
    }

    /// <summary>What the server could not do with a file that was handed over, under the name that the file has here.</summary>
    public static IOException Failure(FileStream file, PachException exception) => new($"{file.Name}: {exception.Message}", exception);

    private static bool IsFile(Stream content) =>
        DescriptorSocket.IsSupported && content.GetType() == typeof(FileStream) && content.CanSeek;
}
