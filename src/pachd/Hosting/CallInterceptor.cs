using Grpc.Core;
using Grpc.Core.Interceptors;
using Microsoft.AspNetCore.Connections;
using Pachyderm.Pachd.Translation;

namespace Pachyderm.Pachd.Hosting;

/// <summary>Around every call: refuses writes where they are not welcome, and turns failures into statuses.</summary>
internal sealed class CallInterceptor(ReadOnlyGuard guard, ILogger<CallInterceptor> logger) : Interceptor
{
    /// <inheritdoc/>
    public override async Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
    {
        try
        {
            guard.Check(context.Method);
            return await continuation(request, context);
        }
        catch (Exception exception)
        {
            throw Translate(exception, context);
        }
    }

    /// <inheritdoc/>
    public override async Task<TResponse> ClientStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, ServerCallContext context, ClientStreamingServerMethod<TRequest,
        TResponse> continuation)
    {
        try
        {
            guard.Check(context.Method);
            return await continuation(requestStream, context);
        }
        catch (Exception exception)
        {
            throw Translate(exception, context);
        }
    }

    /// <inheritdoc/>
    public override async Task ServerStreamingServerHandler<TRequest, TResponse>(
        TRequest request, IServerStreamWriter<TResponse> responseStream, ServerCallContext context, ServerStreamingServerMethod<TRequest,
        TResponse> continuation)
    {
        try
        {
            guard.Check(context.Method);
            await continuation(request, responseStream, context);
        }
        catch (Exception exception)
        {
            throw Translate(exception, context);
        }
    }

    /// <inheritdoc/>
    public override async Task DuplexStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, IServerStreamWriter<TResponse> responseStream, ServerCallContext context,
        DuplexStreamingServerMethod<TRequest, TResponse> continuation)
    {
        try
        {
            guard.Check(context.Method);
            await continuation(requestStream, responseStream, context);
        }
        catch (Exception exception)
        {
            throw Translate(exception, context);
        }
    }

    private RpcException Translate(Exception exception, ServerCallContext context)
    {
        // A connection that ends makes reads and writes of the stream fail in several ways, none of which is a defect; some before the
        // token knows.
        if (exception is IOException { InnerException: ConnectionAbortedException or ConnectionResetException } or ConnectionResetException
            || (context.CancellationToken.IsCancellationRequested && exception is IOException or InvalidOperationException))
        {
            return new RpcException(new Status(StatusCode.Cancelled, "the call was cancelled"));
        }
        if (StatusTable.Find(exception) is not { } status)
        {
            logger.CallBroke(exception, context.Method);
            return new RpcException(new Status(StatusCode.Internal, "this is a defect of pachd; its log tells more"));
        }
        if (status.StatusCode is StatusCode.DataLoss or StatusCode.Internal or StatusCode.ResourceExhausted or StatusCode.Unavailable)
        {
            logger.CallFailed(context.Method, status.Detail);
        }
        else
        {
            logger.CallRefused(context.Method, status.Detail);
        }
        return exception as RpcException ?? new RpcException(status);
    }
}
