using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Pachyderm.EndToEnd.Tests.Support;

/// <summary>A way to a server that stops in the middle of what the server has to say, without closing.</summary>
public sealed class StallingRelay : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly TaskCompletionSource _stalled = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<TcpClient> _sockets = [];
    private readonly List<Task> _relays = [];
    private readonly string _server;
    private readonly Task _accepting;
    private long _left;

    /// <summary>Begins to listen.</summary>
    /// <param name="server">The server, <c>HOST:PORT</c>.</param>
    /// <param name="bytes">What it may say, over all connections.</param>
    public StallingRelay(string server, long bytes)
    {
        (_server, _left) = (server, bytes);
        _listener.Start();
        _accepting = AcceptAsync();
    }

    /// <summary>Where it listens.</summary>
    public string Address => string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");

    /// <summary>Ends when nothing more is let through.</summary>
    public Task Stalled => _stalled.Task;

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        await _accepting;
        _sockets.ForEach(socket => socket.Dispose());
        await Task.WhenAll(_relays);
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                TcpClient near = await _listener.AcceptTcpClientAsync();
                TcpClient far = new();
                _sockets.AddRange([near, far]);
                await far.ConnectAsync(IPEndPoint.Parse(_server));
                _relays.Add(RelayAsync(near.GetStream(), far.GetStream(), isLimited: false));
                _relays.Add(RelayAsync(far.GetStream(), near.GetStream(), isLimited: true));
            }
        }
        catch (Exception failure) when (failure is SocketException or ObjectDisposedException)
        {
            // Stopped by the test.
        }
    }

    private async Task RelayAsync(NetworkStream from, NetworkStream to, bool isLimited)
    {
        byte[] buffer = new byte[16 << 10];
        try
        {
            for (int read; (read = await from.ReadAsync(buffer)) > 0;)
            {
                if (isLimited && Interlocked.Add(ref _left, -read) < 0)
                {
                    _stalled.TrySetResult();
                    return;
                }

                await to.WriteAsync(buffer.AsMemory(0, read));
            }
        }
        catch (Exception failure) when (failure is IOException or ObjectDisposedException)
        {
            // One side has gone.
        }
    }
}
