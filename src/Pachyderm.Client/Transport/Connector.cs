using System.Net;
using System.Net.Sockets;

namespace Pachyderm.Client.Transport;

/// <summary>Opens sockets, and tells failures to connect from all others.</summary>
/// <remarks>
/// When a connection attempt has timed out, further ones fail at once for as long as that attempt lasted: a call that is tried again must
/// not wait for a silent host several times over.
/// </remarks>
internal sealed class Connector(TimeSpan timeout, TimeProvider time)
{
    private long _silentSince;

    /// <summary>Opens a connection to the end point.</summary>
    public async ValueTask<Stream> ConnectAsync(DnsEndPoint endPoint, CancellationToken cancellationToken)
    {
        if (Volatile.Read(ref _silentSince) is var since && since != 0 && time.GetElapsedTime(since) < timeout)
        {
            throw new ConnectFailedException(NoAnswer(), null);
        }

        Socket socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            using CancellationTokenSource deadline = new(timeout, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
            try
            {
                await socket.ConnectAsync(endPoint, either.Token);
            }
            catch (OperationCanceledException exception) when (deadline.IsCancellationRequested
                && !cancellationToken.IsCancellationRequested)
            {
                Volatile.Write(ref _silentSince, time.GetTimestamp());
                throw new ConnectFailedException(NoAnswer(), exception);
            }
            catch (SocketException exception)
            {
                throw new ConnectFailedException(Describe(exception), exception);
            }

            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static string Describe(SocketException exception) => exception.SocketErrorCode switch
    {
        SocketError.ConnectionRefused => "nothing listens there",
        SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain => "there is no host of that name",
        SocketError.HostUnreachable or SocketError.NetworkUnreachable => "there is no way to that host",
        _ => $"the connection failed ({exception.Message})",
    };

    private string NoAnswer() =>
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"no answer within {timeout.TotalSeconds:0.#} seconds");
}

/// <summary>No connection came about; the message says why.</summary>
internal sealed class ConnectFailedException(string message, Exception? inner) : IOException(message, inner);
