using Grpc.Core;

namespace Pachyderm.Pachd.Services;

/// <summary>
/// Calls that wait for what may never come. They are ended when pachd is told to end, so that it can: the client asks again elsewhere.
/// </summary>
internal sealed class Following(IHostApplicationLifetime lifetime)
{
    /// <summary>Sends what comes, each at once.</summary>
    /// <param name="open">What comes.</param>
    /// <param name="translate">Makes the message.</param>
    /// <param name="responseStream">Where it goes.</param>
    /// <param name="context">The call.</param>
    public Task SendAsync<TItem, TMessage>(
        Func<CancellationToken, IAsyncEnumerable<TItem>> open, Func<TItem, TMessage> translate,
        IServerStreamWriter<TMessage> responseStream, ServerCallContext context) => RunAsync(
        async token =>
        {
            await foreach (TItem item in open(token).WithCancellation(token))
            {
                await responseStream.WriteAsync(translate(item), token);
            }
            return true;
        },
        context);

    /// <summary>Waits.</summary>
    /// <param name="wait">Waits for something.</param>
    /// <param name="context">The call.</param>
    public async Task<T> RunAsync<T>(Func<CancellationToken, Task<T>> wait, ServerCallContext context)
    {
        using CancellationTokenSource ending = CancellationTokenSource.CreateLinkedTokenSource(
            context.CancellationToken, lifetime.ApplicationStopping);
        try
        {
            return await wait(ending.Token);
        }
        catch (OperationCanceledException) when (lifetime.ApplicationStopping.IsCancellationRequested)
        {
            throw new RpcException(new Status(StatusCode.Unavailable, "pachd is ending; ask again"));
        }
    }
}
