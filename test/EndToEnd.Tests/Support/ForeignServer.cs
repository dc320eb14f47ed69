using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Pachyderm.EndToEnd.Tests.Support;

/// <summary>Something that listens where an etcd should, and is none.</summary>
public sealed class ForeignServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly byte[] _answer;
    private readonly List<TcpClient> _clients = [];
    private readonly Task _accepting;

    /// <summary>Begins to listen.</summary>
    /// <param name="answer">What every client is told; empty for nothing, ever.</param>
    public ForeignServer(ReadOnlySpan<byte> answer)
    {
        _answer = answer.ToArray();
        _listener.Start();
        _accepting = AcceptAsync();
    }

    /// <summary>Where it listens.</summary>
    public string Endpoint => string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        await _accepting;
        foreach (TcpClient client in _clients)
        {
            client.Dispose();
        }
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                TcpClient client = await _listener.AcceptTcpClientAsync();
                _clients.Add(client);
                if (_answer.Length > 0)
                {
                    await client.GetStream().WriteAsync(_answer);
                    client.Client.Shutdown(SocketShutdown.Send);
                }
            }
        }
        catch (Exception failure) when (failure is SocketException or IOException or ObjectDisposedException)
        {
            // Stopped by the test, or the client has gone.
        }
    }
}
