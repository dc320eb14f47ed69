using Google.Protobuf;
using Grpc.Core;
using Pachyderm.Client.Transport;

namespace Pachyderm.Client.History;

/// <summary>Methods of <c>pfs.API</c> whose messages are other ones in older releases.</summary>
internal static class ForeignMethods
{
    /// <summary>A method.</summary>
    public static Method<TRequest, TReply> Create<TRequest, TReply>(
        string name, MessageParser<TRequest> request, MessageParser<TReply> reply)
        where TRequest : class, IMessage<TRequest>
        where TReply : class, IMessage<TReply> =>
        new(MethodType.Unary, "pfs.API", name, Marshal(request), Marshal(reply));

    /// <summary>Calls a method.</summary>
    public static Task<TReply> CallAsync<TRequest, TReply>(
        Connection connection, Method<TRequest, TReply> method, TRequest request, CancellationToken cancellationToken)
        where TRequest : class
        where TReply : class =>
        connection.CallAsync(connection.Invoker.AsyncUnaryCall(method, null, new CallOptions(cancellationToken: cancellationToken), request));

    private static Marshaller<T> Marshal<T>(MessageParser<T> parser)
        where T : class, IMessage<T> =>
        Marshallers.Create(
            (message, context) =>
            {
                context.SetPayloadLength(message.CalculateSize());
                message.WriteTo(context.GetBufferWriter());
                context.Complete();
            },
            context => parser.ParseFrom(context.PayloadAsReadOnlySequence()));
}
