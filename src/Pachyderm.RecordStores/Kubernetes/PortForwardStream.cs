using System.Buffers;
using System.Net.WebSockets;
using System.Text;

namespace Pachyderm.RecordStores.Kubernetes;

/// <summary>
/// One forwarded connection over the web socket of the API server's <c>portforward</c> (sub-protocol <c>v4.channel.k8s.io</c>, one port).
/// Each message begins with the number of a channel: 0 carries the bytes, 1 an error text. The first message of each channel carries
/// only the port's number, in two bytes.
/// </summary>
/// <remarks>
/// KubernetesClient's own streams cannot read and write at the same time without blocking threads, which a connection of HTTP/2 must.
/// </remarks>
internal sealed class PortForwardStream(WebSocket socket) : Stream
{
    /// <summary>The sub-protocol to ask for.</summary>
    public const string SubProtocol = "v4.channel.k8s.io";

    private const byte DataChannel = 0;
    private const byte ErrorChannel = 1;
    private const int PortNumberBytes = 2;
    private const int MaxMessage = 32 << 10;
    private const int MaxError = 500;

    private readonly byte[] _received = new byte[MaxMessage];
    private readonly StringBuilder _error = new();
    private readonly int[] _portNumberBytesLeft = [PortNumberBytes, PortNumberBytes];
    private ReadOnlyMemory<byte> _unread;
    private int _channel = -1;

    /// <inheritdoc/>
    public override bool CanRead => true;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => true;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <inheritdoc/>
    /// <exception cref="IOException">The connection to the pod failed; the message is what the API server said.</exception>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (_unread.IsEmpty)
        {
            ValueWebSocketReceiveResult part = await socket.ReceiveAsync(_received.AsMemory(), cancellationToken);
            if (part.MessageType == WebSocketMessageType.Close)
            {
                return _error.Length == 0 ? 0 : throw new IOException(_error.ToString());
            }

            Accept(_received.AsMemory(0, part.Count), part.EndOfMessage);
        }

        int length = Math.Min(buffer.Length, _unread.Length);
        _unread[..length].CopyTo(buffer);
        _unread = _unread[length..];
        return length;
    }

    /// <inheritdoc/>
    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        byte[] message = ArrayPool<byte>.Shared.Rent(MaxMessage);
        try
        {
            message[0] = DataChannel;
            while (!buffer.IsEmpty)
            {
                int length = Math.Min(buffer.Length, MaxMessage - 1);
                buffer[..length].CopyTo(message.AsMemory(1));
                await socket.SendAsync(message.AsMemory(0, length + 1), WebSocketMessageType.Binary, endOfMessage: true, cancellationToken);
                buffer = buffer[length..];
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(message);
        }
    }

    /// <inheritdoc/>
    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc/>
    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("only asynchronous reads");

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("only asynchronous writes");

    /// <inheritdoc/>
    public override void Flush()
    {
        // Every write is sent at once.
    }

    /// <inheritdoc/>
    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            socket.Dispose();
        }

        base.Dispose(disposing);
    }

    private void Accept(ReadOnlyMemory<byte> part, bool endOfMessage)
    {
        if (_channel < 0 && !part.IsEmpty)
        {
            _channel = part.Span[0];
            part = part[1..];
        }

        if (_channel is DataChannel or ErrorChannel)
        {
            int skip = Math.Min(part.Length, _portNumberBytesLeft[_channel]);
            _portNumberBytesLeft[_channel] -= skip;
            part = part[skip..];
        }

        if (_channel == DataChannel)
        {
            _unread = part;
        }
        else if (_channel == ErrorChannel && !part.IsEmpty)
        {
            if (_error.Length < MaxError)
            {
                _error.Append(Encoding.UTF8.GetString(part.Span[..Math.Min(part.Length, MaxError)]));
            }

            if (endOfMessage)
            {
                throw new IOException(_error.ToString());
            }
        }

        if (endOfMessage)
        {
            _channel = -1;
        }
    }
}
