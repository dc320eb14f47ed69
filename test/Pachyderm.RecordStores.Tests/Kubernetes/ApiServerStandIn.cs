using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using k8s;

namespace Pachyderm.RecordStores.Tests.Kubernetes;

/// <summary>
/// Answers the few requests that are made of an API server, as no cluster can be had where the tests run: it lists the objects that it
/// was given, and forwards ports over a web socket to a real etcd, in the framing of Kubernetes.
/// </summary>
internal sealed class ApiServerStandIn : IAsyncDisposable
{
    private readonly HttpListener _listener = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentBag<Task> _requests = [];
    private readonly Task _accepting;

    public ApiServerStandIn()
    {
        using (TcpListener probe = new(IPAddress.Loopback, 0))
        {
            probe.Start();
            Url = $"http://127.0.0.1:{((IPEndPoint)probe.LocalEndpoint).Port}/";
        }

        _listener.Prefixes.Add(Url);
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public string Url { get; }

    /// <summary>What is listed, by path and query.</summary>
    public ConcurrentDictionary<string, object> Lists { get; } = new(StringComparer.Ordinal);

    /// <summary>Where forwarded ports lead; null to report an error as a kubelet would.</summary>
    public IPEndPoint? Etcd { get; set; }

    /// <summary>The paths and queries of the forwardings.</summary>
    public ConcurrentQueue<string> Forwarded { get; } = new();

    /// <summary>The status of every answer, where it is not 200.</summary>
    public HttpStatusCode? Refusal { get; set; }

    public KubernetesClientConfiguration Configuration => new() { Host = Url };

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Close();
        await _accepting;
        await Task.WhenAll(_requests).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                _requests.Add(ServeAsync(await _listener.GetContextAsync()));
            }
            catch (Exception failure) when (_stop.IsCancellationRequested && failure is HttpListenerException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    private async Task ServeAsync(HttpListenerContext context)
    {
        string request = Uri.UnescapeDataString(context.Request.Url!.PathAndQuery).Replace("&watch=false", "", StringComparison.Ordinal);
        if (context.Request.IsWebSocketRequest)
        {
            Forwarded.Enqueue(request);
            HttpListenerWebSocketContext accepted = await context.AcceptWebSocketAsync("v4.channel.k8s.io");
            using WebSocket socket = accepted.WebSocket;
            await ForwardAsync(socket);
            return;
        }

        HttpListenerResponse response = context.Response;
        bool known = Lists.TryGetValue(request, out object? list);
        response.StatusCode = (int)(Refusal ?? (known ? HttpStatusCode.OK : HttpStatusCode.NotFound));
        response.ContentType = "application/json";
        string body = known
            ? KubernetesJson.Serialize(list)
            : """{"kind":"Status","apiVersion":"v1","status":"Failure","message":"refused\nfor a test"}""";
        await response.OutputStream.WriteAsync(Encoding.UTF8.GetBytes(body), _stop.Token);
        response.Close();
    }

    private async Task ForwardAsync(WebSocket socket)
    {
        // Both channels begin with the port.
        await SendAsync(socket, 0, [0x4b, 0x09]);
        await SendAsync(socket, 1, [0x4b, 0x09]);
        if (Etcd is null)
        {
            await SendAsync(socket, 1, Encoding.UTF8.GetBytes("an error occurred forwarding 2379: pod not found"));
            while (socket.State == WebSocketState.Open)
            {
                await socket.ReceiveAsync(new byte[1024], _stop.Token);
            }

            return;
        }

        using TcpClient etcd = new();
        await etcd.ConnectAsync(Etcd, _stop.Token);
        NetworkStream stream = etcd.GetStream();
        Task up = Task.Run(async () =>
        {
            byte[] buffer = new byte[64 << 10];
            while (true)
            {
                ValueWebSocketReceiveResult part = await socket.ReceiveAsync(buffer.AsMemory(), _stop.Token);
                Assert.True(part.EndOfMessage && buffer[0] == 0, "each message carries its channel and is whole");
                await stream.WriteAsync(buffer.AsMemory(1, part.Count - 1), _stop.Token);
            }
        });
        Task down = Task.Run(async () =>
        {
            byte[] buffer = new byte[10_000];
            int length;
            while ((length = await stream.ReadAsync(buffer, _stop.Token)) > 0)
            {
                await SendAsync(socket, 0, buffer.AsSpan(0, length).ToArray());
            }
        });
        await Task.WhenAny(up, down);
    }

    private async Task SendAsync(WebSocket socket, byte channel, byte[] bytes) =>
        await socket.SendAsync((byte[])[channel, .. bytes], WebSocketMessageType.Binary, endOfMessage: true, _stop.Token);
}
