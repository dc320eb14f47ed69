using Grpc.Core;

namespace Pachyderm.Client.Transport;

/// <summary>Content on its way from the server, one chunk ahead of the reader.</summary>
internal sealed class ContentDownload : IAsyncDisposable
{
    private readonly Connection _connection;
    private readonly AsyncServerStreamingCall<Chunk> _call;
    private readonly CancellationTokenSource _stop;
    private Task<bool>? _next;

    private ContentDownload(Connection connection, AsyncServerStreamingCall<Chunk> call, CancellationTokenSource stop) =>
        (_connection, _call, _stop) = (connection, call, stop);

    /// <summary>Starts a call, and waits until content arrives or the server says why there is none.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="method">The method.</param>
    /// <param name="request">What is wanted.</param>
    /// <param name="cancellationToken">Stops the download at any time.</param>
    public static async Task<ContentDownload> StartAsync<TRequest>(
        Connection connection, Method<TRequest, Chunk> method, TRequest request, CancellationToken cancellationToken)
        where TRequest : class
    {
        var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        AsyncServerStreamingCall<Chunk> call = connection.Invoker.AsyncServerStreamingCall(
            method, null, new CallOptions(cancellationToken: stop.Token), request);
        ContentDownload download = new(connection, call, stop);
        try
        {
            download._next = connection.MoveNextAsync(call.ResponseStream, stop.Token);
            await download._next;
            return download;
        }
        catch
        {
            await download.DisposeAsync();
            throw;
        }
    }

    /// <summary>The next chunk, which the caller disposes of; null at the end.</summary>
    public async Task<Chunk?> NextAsync()
    {
        if (_next is null || !await _next)
        {
            _next = null;
            return null;
        }

        Chunk current = _call.ResponseStream.Current;
        _next = _connection.MoveNextAsync(_call.ResponseStream, _stop.Token);
        return current;
    }

    /// <summary>Writes everything that is left to a stream.</summary>
    public async Task CopyToAsync(Stream destination, IProgress<Transfer>? progress, CancellationToken cancellationToken)
    {
        while (await NextAsync() is { } chunk)
        {
            using (chunk)
            {
                await destination.WriteAsync(chunk.Memory, cancellationToken);
                progress?.Report(new Transfer(Files: 0, chunk.Memory.Length));
            }
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        try
        {
            if (_next is not null && await _next)
            {
                _call.ResponseStream.Current.Dispose();
            }
        }
        catch (Exception exception) when (exception is PachException or PachConnectionException or OperationCanceledException)
        {
            // Nobody waits for this chunk any more; whoever did has been told.
            _next = null;
        }

        _next = null;
        _call.Dispose();
        _stop.Dispose();
    }
}
