using System.Net.Sockets;
using Pachyderm.Wire.Local;
using Pachyderm.Wire.Native;

namespace Pachyderm.Client.Transport;

/// <summary>Hands a file that is open here to a server on the same machine, see <c>HandOver</c> of the wire API.</summary>
internal static class FileHandOver
{
    // No other service of this machine is spoken to, whatever a server says.
    private const string Prefix = "pachyderm-";
    private const int TicketLength = 16;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>Whether a stream is a file that can be handed over: one that is open for reading alone.</summary>
    public static bool IsPossible(Stream content) =>
        DescriptorSocket.IsSupported && content.GetType() == typeof(FileStream) && content is { CanSeek: true, CanWrite: false };

    /// <summary>Hands a file over.</summary>
    /// <param name="offer">What the server offered.</param>
    /// <param name="content">The file.</param>
    /// <param name="cancellationToken">Stops.</param>
    /// <returns>What is left to be read of it; null if the server cannot be reached that way, as through a tunnel.</returns>
    public static async Task<FileRange?> TryAsync(HandOver offer, Stream content, CancellationToken cancellationToken)
    {
        if (!IsPossible(content) || !offer.Socket.StartsWith(Prefix, StringComparison.Ordinal) || offer.Ticket.Length != TicketLength)
        {
            return null;
        }

        var file = (FileStream)content;
        FileRange range = new() { Offset = (ulong)file.Position, Length = (ulong)(file.Length - file.Position) };
        using Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(Patience);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint("\0" + offer.Socket), deadline.Token);
            DescriptorSocket.Send(socket, offer.Ticket.ToByteArray(), file.SafeFileHandle);
            return await socket.ReceiveAsync(new byte[1], deadline.Token) == 1 ? range : null;
        }
        catch (Exception exception) when (exception is SocketException or ArgumentException
            || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return null;
        }
    }
}
