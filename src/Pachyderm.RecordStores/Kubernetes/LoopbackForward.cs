using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Pachyderm.RecordStores.Kubernetes;

/// <summary>Listens on a free loopback port and joins each connection to a remote stream of its own.</summary>
internal sealed class LoopbackForward : IAsyncDisposable
{
    private const int BufferBytes = 64 << 10;

    private readonly Func<CancellationToken, Task<Stream>> _openRemote;
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Task> _connections = [];
    private readonly Task _accepting;

    /// <summary>Begins to listen.</summary>
    /// <param name="openRemote">Opens the remote end of one connection; the stream must be able to read and write at the same time.</param>
    public LoopbackForward(Func<CancellationToken, Task<Stream>> openRemote)
    {
        _openRemote = openRemote;
        _listener.Start();
        Endpoint = string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");
        _accepting = AcceptAsync();
    }

    /// <summary>Where to connect to: <c>127.0.0.1:PORT</c>.</summary>
    public string Endpoint { get; }

    /// <summary>Why the last remote end could not be opened or broke; null if none has.</summary>
    public Exception? LastFailure { get; private set; }

    /// <summary>Closes all connections and stops listening.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        await Task.WhenAll(_connections);
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            try
            {
                TcpClient client = await _listener.AcceptTcpClientAsync(_stop.Token);
                _connections.RemoveAll(connection => connection.IsCompleted);
                _connections.Add(ServeAsync(client));
            }
            catch (Exception failure) when (failure is OperationCanceledException or ObjectDisposedException or SocketException)
            {
                if (_stop.IsCancellationRequested)
                {
                    return;
                }

                LastFailure = failure;
            }
        }
    }

    /// <summary>Serves one connection. It never throws: whoever connected sees a closed connection, and may ask for the reason.</summary>
    private async Task ServeAsync(TcpClient client)
    {
        using TcpClient local = client;
        local.NoDelay = true;
        if (await TryAsync(() => _openRemote(_stop.Token)) is not { } opened)
        {
            return;
        }

        await using Stream remote = opened;
        using CancellationTokenSource ended = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        NetworkStream stream = local.GetStream();
        Task up = stream.CopyToAsync(remote, BufferBytes, ended.Token);
        Task down = CopyDownAsync(remote, stream, ended.Token);
        await Task.WhenAny(up, down);
        await ended.CancelAsync();
        await Task.WhenAll(up, down).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task CopyDownAsync(Stream remote, NetworkStream local, CancellationToken cancellationToken)
    {
        byte[] buffer = new byte[BufferBytes];
        // Only what the remote end says is a reason to keep: the local end closes whenever it is done.
        while (await TryAsync(async () => (int?)await remote.ReadAsync(buffer, cancellationToken)) is > 0 and int length)
        {
            await local.WriteAsync(buffer.AsMemory(0, length), cancellationToken);
        }
    }

    /// <summary>Does something at the remote end; null if it fails, for a reason that is kept unless it is that all is over.</summary>
    private async Task<T?> TryAsync<T>(Func<Task<T>> action)
    {
        try
        {
            return await action();
        }
        catch (OperationCanceledException)
        {
            return default;
        }
#pragma warning disable CA1031 // Whatever breaks a connection is kept for the message of the call that needed it.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            LastFailure = failure;
            return default;
        }
    }
}
