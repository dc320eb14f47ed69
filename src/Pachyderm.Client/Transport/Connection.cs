using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Grpc.Net.Client;
using Grpc.Net.Client.Configuration;

namespace Pachyderm.Client.Transport;

/// <summary>The channel to one pachd: how it is set up, and how what goes wrong on it is told.</summary>
internal sealed class Connection : IAsyncDisposable
{
    private const int MaxMessageSize = 20 * 1024 * 1024;
    private const int StreamWindow = 4 * 1024 * 1024;

    // PROTOCOL_ERROR of RFC 9113, section 7.
    private const long Http2ProtocolError = 1;

    private static readonly TimeSpan KeepAlive = TimeSpan.FromSeconds(20);

    private readonly GrpcChannel _channel;
    private readonly ConcurrentDictionary<string, bool> _missing = new(StringComparer.Ordinal);

    public Connection(PachClientOptions options)
    {
        Options = options;
        Connector connector = new(options.ConnectTimeout, options.Time);
        SocketsHttpHandler handler = new()
        {
            ConnectCallback = (context, cancellationToken) => connector.ConnectAsync(context.DnsEndPoint, cancellationToken),
            KeepAlivePingDelay = KeepAlive,
            KeepAlivePingTimeout = KeepAlive,
            KeepAlivePingPolicy = HttpKeepAlivePingPolicy.Always,
            PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
            InitialHttp2StreamWindowSize = StreamWindow,
            EnableMultipleHttp2Connections = true,
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
        };
        _channel = GrpcChannel.ForAddress(options.Address.Uri, new GrpcChannelOptions
        {
            HttpHandler = handler,
            DisposeHttpClient = true,
            MaxReceiveMessageSize = options.LongestReply,
            MaxSendMessageSize = MaxMessageSize,

            // Not ThrowOperationCanceledOnCancellation: streams that are tried again would tell a refused connection as a cancellation.
            ServiceConfig = new ServiceConfig { MethodConfigs = { SafeMethods.RetryConfig() } },
        });
        string token = options.SessionToken;
        Invoker = _channel.Intercept(metadata =>
        {
            metadata.Add("authn-token", token);
            return metadata;
        });
    }

    /// <summary>How the connection was asked for.</summary>
    public PachClientOptions Options { get; }

    /// <summary>Starts calls, with the session token.</summary>
    public CallInvoker Invoker { get; }

    /// <summary>Waits for an answer.</summary>
    public async Task<T> CallAsync<T>(AsyncUnaryCall<T> call)
    {
        using (call)
        {
            return await AnswerAsync(call.ResponseAsync);
        }
    }

    /// <summary>Waits for an answer.</summary>
    public async Task<T> AnswerAsync<T>(Task<T> response)
    {
        try
        {
            return await response;
        }
        catch (RpcException exception)
        {
            throw Translate(exception);
        }
    }

    /// <summary>Moves to the next message of a stream.</summary>
    public async Task<bool> MoveNextAsync<T>(IAsyncStreamReader<T> reader, CancellationToken cancellationToken)
    {
        try
        {
            return await reader.MoveNext(cancellationToken);
        }
        catch (RpcException exception)
        {
            throw Translate(exception);
        }
    }

    /// <summary>Sends one message of a stream. If the server has ended the call already, its reason is thrown.</summary>
    public async Task WriteAsync<TRequest, TResponse>(AsyncClientStreamingCall<TRequest, TResponse> call, TRequest message, CancellationToken cancellationToken)
    {
        try
        {
            await call.RequestStream.WriteAsync(message, cancellationToken);
        }
        catch (Exception exception) when (exception is RpcException or InvalidOperationException
            || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            await AnswerAsync(call.ResponseAsync);
            throw new PachException(StatusCode.Internal, "the server ended the upload before it was complete", exception);
        }
    }

    /// <summary>
    /// Sends one message of a call that is answered meanwhile. If the server has ended the call already, its reason is thrown.
    /// </summary>
    public async Task WriteAsync<TRequest, TResponse>(AsyncDuplexStreamingCall<TRequest, TResponse> call, TRequest message, CancellationToken cancellationToken)
    {
        try
        {
            await call.RequestStream.WriteAsync(message, cancellationToken);
        }
        catch (Exception exception) when (exception is RpcException or InvalidOperationException
            || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            while (await MoveNextAsync(call.ResponseStream, cancellationToken))
            {
                // Answers that were on their way; the reason is behind them.
            }

            throw new PachException(StatusCode.Internal, "the server ended the upload before it was complete", exception);
        }
    }

    /// <summary>Yields the messages of a stream.</summary>
    public async IAsyncEnumerable<T> ReadAsync<T>(Func<AsyncServerStreamingCall<T>> start, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using AsyncServerStreamingCall<T> call = start();
        while (await MoveNextAsync(call.ResponseStream, cancellationToken))
        {
            yield return call.ResponseStream.Current;
        }
    }

    /// <summary>Yields the one message of a call.</summary>
    public async IAsyncEnumerable<T> OnceAsync<T>(Func<AsyncUnaryCall<T>> start)
    {
        yield return await CallAsync(start());
    }

    /// <summary>Yields the messages of a streaming form, or those of the older form if the server lacks the other.</summary>
    /// <param name="method">Name of the streaming form, under which its lack is remembered.</param>
    /// <param name="stream">Starts the streaming form.</param>
    /// <param name="older">Starts the older form.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public async IAsyncEnumerable<T> ReadOrFallBackAsync<T>(
        string method, Func<AsyncServerStreamingCall<T>> stream, Func<IAsyncEnumerable<T>> older,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (!Lacks(method))
        {
            await using IAsyncEnumerator<T> messages = ReadAsync(stream, cancellationToken).GetAsyncEnumerator(cancellationToken);
            bool more;
            while (true)
            {
                try
                {
                    more = await messages.MoveNextAsync();
                }
                catch (PachException exception) when (exception.Status == StatusCode.Unimplemented)
                {
                    // This is said before anything else, so nothing has been yielded.
                    RememberLack(method);
                    break;
                }

                if (!more)
                {
                    yield break;
                }

                yield return messages.Current;
            }
        }

        await foreach (T message in older().WithCancellation(cancellationToken))
        {
            yield return message;
        }
    }

    /// <summary>Whether the server is known not to have a method.</summary>
    public bool Lacks(string method) => _missing.ContainsKey(method);

    /// <summary>Remembers that the server does not have a method.</summary>
    public void RememberLack(string method) => _missing[method] = true;

    /// <summary>Says what went wrong in the caller's terms.</summary>
    public Exception Translate(RpcException exception)
    {
        if (exception.StatusCode == StatusCode.Cancelled)
        {
            return new OperationCanceledException(exception.Status.Detail, exception);
        }

        string address = Options.Address.ToString();
        Exception[] causes = [.. Causes(exception.Status.DebugException)];
        if (causes.OfType<ConnectFailedException>().FirstOrDefault() is { } unconnected)
        {
            return new PachConnectionException(
                "pachd-unreachable", address, unconnected.Message, "start pachd, or name another address with --address or ADDRESS",
                exception);
        }

        if (causes.OfType<HttpRequestException>().Any(
            cause => cause.HttpRequestError is HttpRequestError.SecureConnectionError or HttpRequestError.VersionNegotiationError)
            || causes.OfType<HttpProtocolException>().Any(cause => cause.ErrorCode == Http2ProtocolError))
        {
            return new PachConnectionException(
                "pachd-unreachable", address, "what listens there does not speak gRPC", "name the address of a pachd", exception);
        }

        if (causes.Any(cause => cause is HttpRequestException or IOException or System.Net.Sockets.SocketException))
        {
            return new PachConnectionException(
                "pachd-connection-lost", address, "the connection broke before the answer was complete",
                "look whether pachd is well, and what was done; then try again", exception);
        }

        string text = exception.Status.Detail is { Length: > 0 } detail ? detail
            : exception.StatusCode == StatusCode.Unimplemented ? "this server does not know the call; it may be of another release"
            : $"the server gave no reason ({exception.StatusCode})";
        return new PachException(exception.StatusCode, text, exception);
    }

    private static IEnumerable<Exception> Causes(Exception? exception)
    {
        for (Exception? cause = exception; cause is not null; cause = cause.InnerException)
        {
            yield return cause;
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _channel.Dispose();
        return ValueTask.CompletedTask;
    }
}
