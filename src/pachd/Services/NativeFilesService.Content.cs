using System.Net;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.Win32.SafeHandles;
using Pachyderm.Pachd.Hosting;
using Pachyderm.Pachd.Translation;
using Pachyderm.Pfs;

namespace Pachyderm.Pachd.Services;

/// <content>One large file, and files that are handed over.</content>
internal sealed partial class NativeFilesService
{
    // The size from which clients hand over what they put, too.
    private const long WorthHandingOver = 16 << 20;

    /// <inheritdoc/>
    public override async Task PutContent(
        IAsyncStreamReader<Wire.Native.PutContentRequest> requestStream, IServerStreamWriter<Wire.Native.PutContentResponse> responseStream,
        ServerCallContext context)
    {
        CancellationToken token = context.CancellationToken;
        if (!await requestStream.MoveNext(token))
        {
            return;
        }
        Wire.Native.PutContentHead head = requestStream.Current.Head
            ?? throw new RpcException(new Status(StatusCode.InvalidArgument, "the first message names no file"));
        await using FilePut put = await files.Writer.OpenAsync(Requests.CommitOf(head.File), head.File.Path, head.Overwrite, token);
        using HandOverTicket? ticket = head.CanHandOver ? OfferTo(context) : null;
        await responseStream.WriteAsync(new Wire.Native.PutContentResponse { HandOver = ToWire(ticket) }, token);
        while (await requestStream.MoveNext(token))
        {
            Wire.Native.PutContentRequest request = requestStream.Current;
            switch (request.BodyCase)
            {
                case Wire.Native.PutContentRequest.BodyOneofCase.Ask:
                    IReadOnlyList<bool> known = await put.AskAsync(Requests.Chunks(request.Ask), token);
                    ByteString answer = ByteString.CopyFrom([.. known.Select(static isKnown => isKnown ? (byte)1 : (byte)0)]);
                    await responseStream.WriteAsync(new Wire.Native.PutContentResponse { Known = answer }, token);
                    break;
                case Wire.Native.PutContentRequest.BodyOneofCase.HandedOver:
                    HandOverProgress progress = new(
                        taken => responseStream.WriteAsync(new Wire.Native.PutContentResponse { Taken = (ulong)taken }, token));
                    await HandedOverFile.ReadAsync(FileOf(ticket), request.HandedOver, put, progress, token);
                    break;
                default:
                    await put.AppendAsync(request.Value.Memory, token);
                    break;
            }
        }
        await put.CompleteAsync(token);
        await responseStream.WriteAsync(new Wire.Native.PutContentResponse { Done = true }, token);
    }

    /// <inheritdoc/>
    public override async Task GetContent(
        IAsyncStreamReader<Wire.Native.GetContentRequest> requestStream, IServerStreamWriter<Wire.Native.GetContentResponse> responseStream,
        ServerCallContext context)
    {
        CancellationToken token = context.CancellationToken;
        if (!await requestStream.MoveNext(token))
        {
            return;
        }
        Wire.Native.GetContentHead head = requestStream.Current.Head
            ?? throw new RpcException(new Status(StatusCode.InvalidArgument, "the first message names no file"));
        using CommitView view = await files.Reader.OpenAsync(Requests.CommitOf(head.File), token);
        CommitFile file = await view.FindFileAsync(head.File.Path, token);
        using HandOverTicket? ticket = file.Entry.Size >= WorthHandingOver ? OfferTo(context) : null;
        await responseStream.WriteAsync(new Wire.Native.GetContentResponse { HandOver = ToWire(ticket) }, token);
        if (!await requestStream.MoveNext(token))
        {
            // Nothing was handed over: the content goes another way.
            return;
        }
        HandOverProgress progress = new(
            written => responseStream.WriteAsync(new Wire.Native.GetContentResponse { Written = (ulong)written }, token));
        await HandedOverFile.WriteAsync(
            FileOf(ticket), requestStream.Current.HandedOverAt, view.ReadAsync(file, 0, null, token), progress, token);
        await responseStream.WriteAsync(new Wire.Native.GetContentResponse { Done = true }, token);
    }

    private HandOverTicket? OfferTo(ServerCallContext context) =>
        context.GetHttpContext().Connection is { RemoteIpAddress: { } remote, LocalIpAddress: { } local }
        && IPAddress.IsLoopback(remote) && IPAddress.IsLoopback(local)
            ? desk.Offer()
            : null;

    private static Wire.Native.HandOver? ToWire(HandOverTicket? ticket) => ticket is null
        ? null
        : new Wire.Native.HandOver { Socket = ticket.Socket, Ticket = ByteString.CopyFrom(ticket.Number) };

    private static SafeFileHandle FileOf(HandOverTicket? ticket) =>
        ticket?.File ?? throw new RpcException(new Status(StatusCode.FailedPrecondition, "no file was handed over"));
}
