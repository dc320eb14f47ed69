using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Pachyderm.TestSupport;

/// <summary>Stands between a client and a real server on loopback, and loses connections and answers where a test wants it to.</summary>
public sealed class TcpTap : IAsyncDisposable
{
    private readonly IPEndPoint _server;
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Task> _work = [];
    private readonly List<TcpClient> _open = [];
    private long _answerBytesUntilCut = long.MaxValue;
    private bool _swallow;

    /// <summary>Begins to listen.</summary>
    /// <param name="server">The real server, as <c>ADDRESS:PORT</c>.</param>
    public TcpTap(string server)
    {
        _server = IPEndPoint.Parse(server);
        _listener.Start();
        Keep(AcceptAsync());
    }

    /// <summary>Where the client connects to: <c>127.0.0.1:PORT</c>.</summary>
    public string Endpoint =>
        string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");

    /// <summary>Lets requests through and keeps answers back, until <see cref="Cut"/>.</summary>
    public void SwallowAnswers()
    {
        lock (_open)
        {
            _swallow = true;
        }
    }

    /// <summary>Cuts all connections once, after that many more bytes of answers.</summary>
    public void CutAfterAnswerBytes(long bytes)
    {
        lock (_open)
        {
            _answerBytesUntilCut = bytes;
        }
    }

    /// <summary>Cuts all connections. New ones are let through.</summary>
    public void Cut()
    {
        lock (_open)
        {
            _swallow = false;
            _answerBytesUntilCut = long.MaxValue;
            foreach (TcpClient connection in _open)
            {
                connection.Dispose();
            }

            _open.Clear();
        }
    }

    /// <summary>Cuts everything and stops listening.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        Cut();
        Task[] work;
        lock (_work)
        {
            work = [.. _work];
        }

        await Task.WhenAll(work).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private void Keep(Task task)
    {
        lock (_work)
        {
            _work.Add(task);
        }
    }

    private async Task AcceptAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            TcpClient client = await _listener.AcceptTcpClientAsync(_stop.Token);
            Keep(ServeAsync(client));
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        TcpClient server = new() { NoDelay = true };
        client.NoDelay = true;
        lock (_open)
        {
            _open.Add(client);
            _open.Add(server);
        }

        try
        {
            await server.ConnectAsync(_server, _stop.Token);
            Task requests = client.GetStream().CopyToAsync(server.GetStream(), _stop.Token);
            Task answers = PassAnswersAsync(server.GetStream(), client.GetStream());
            await Task.WhenAny(requests, answers);
        }
        catch (Exception failure) when (failure is IOException or SocketException or ObjectDisposedException)
        {
            // The server is away: the client sees its connection closed, as it would without the tap.
        }
        finally
        {
            client.Dispose();
            server.Dispose();
        }
    }

    private async Task PassAnswersAsync(NetworkStream from, NetworkStream to)
    {
        byte[] buffer = new byte[16_384];
        int length;
        while ((length = await from.ReadAsync(buffer, _stop.Token)) > 0)
        {
            bool swallow;
            int pass;
            lock (_open)
            {
                swallow = _swallow;
                pass = (int)Math.Min(length, _answerBytesUntilCut);
                _answerBytesUntilCut -= _answerBytesUntilCut == long.MaxValue ? 0 : pass;
            }

            if (!swallow)
            {
                await to.WriteAsync(buffer.AsMemory(0, pass), _stop.Token);
            }

            if (pass < length)
            {
                Cut();
            }
        }
    }
}
