using System.Collections.Concurrent;
using System.Net;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Pachyderm.Wire.Native;
using Pachyderm.Wire.Pfs;
using PfsApi = Pachyderm.Wire.Pfs.API;

namespace Pachyderm.Client.Tests;

/// <summary>
/// A gRPC server on a loopback port whose answers a test sets, for what a well-behaved pachd does not do on demand: breaking off, refusing
/// midway, lying. What is not set is unimplemented, as in an old server.
/// </summary>
public sealed class TransportServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private TransportServer(WebApplication app, PachClient client) => (_app, Client) = (app, client);

    /// <summary>A client of this server.</summary>
    public PachClient Client { get; }

    /// <summary>The server's address.</summary>
    public string Address { get; private set; } = "";

    /// <summary>Metadata of every call to pfs.API, by method.</summary>
    public ConcurrentQueue<(string Method, Metadata Headers)> Calls => _app.Services.GetRequiredService<Answers>().Calls;

    /// <summary>Starts a server.</summary>
    public static async Task<TransportServer> StartAsync(Action<Answers> set, string sessionToken = "")
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2));
        builder.Services.AddGrpc(grpc => grpc.MaxReceiveMessageSize = 20 * 1024 * 1024);
        Answers answers = new();
        set(answers);
        builder.Services.AddSingleton(answers);
        WebApplication app = builder.Build();
        app.MapGrpcService<PfsService>();
        app.MapGrpcService<FilesService>();
        await app.StartAsync(TestContext.Current.CancellationToken);
        string address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        PachClient client = new(new PachClientOptions { Address = PachAddress.Parse(address), SessionToken = sessionToken });
        return new TransportServer(app, client) { Address = address };
    }

    public async ValueTask DisposeAsync()
    {
        await Client.DisposeAsync();
        await _app.DisposeAsync();
    }

    /// <summary>What the server does.</summary>
    public sealed class Answers
    {
        public Func<IAsyncStreamReader<PutFileRequest>, ServerCallContext, Task>? PutFile { get; set; }

        public Func<GetFileRequest, IServerStreamWriter<BytesValue>, ServerCallContext, Task>? GetFile { get; set; }

        public Func<SubscribeCommitRequest, IServerStreamWriter<CommitInfo>, ServerCallContext, Task>? Subscribe { get; set; }

        public Func<InspectFileRequest, Wire.Pfs.FileInfo>? InspectFile { get; set; }

        public Func<ListFileRequest, FileInfos>? ListFile { get; set; }

        public Func<ListCommitRequest, CommitInfos>? ListCommit { get; set; }

        public Func<Task<RepoInfo>>? InspectRepo { get; set; }

        public Func<Task>? CreateRepo { get; set; }

        public Func<IAsyncStreamReader<PutFilesRequest>, ServerCallContext, Task<PutFilesResponse>>? PutFiles { get; set; }

        public Func<IAsyncStreamReader<PutContentRequest>, IServerStreamWriter<PutContentResponse>, Task>? PutContent { get; set; }

        public Func<IAsyncStreamReader<GetContentRequest>, IServerStreamWriter<GetContentResponse>, Task>? GetContent { get; set; }

        public Func<GetFilesRequest, IServerStreamWriter<GetFilesResponse>, ServerCallContext, Task>? GetFiles { get; set; }

        public Func<ListFilesRequest, IServerStreamWriter<FileInfos>, Task>? ListFiles { get; set; }

        public ConcurrentQueue<(string Method, Metadata Headers)> Calls { get; } = new();
    }

    private static RpcException Unimplemented() => new(new Status(StatusCode.Unimplemented, "unknown method"));

    private sealed class PfsService(Answers answers) : PfsApi.APIBase
    {
        public override async Task<Empty> PutFile(IAsyncStreamReader<PutFileRequest> requestStream, ServerCallContext context)
        {
            answers.Calls.Enqueue((nameof(PutFile), context.RequestHeaders));
            await (answers.PutFile ?? throw Unimplemented())(requestStream, context);
            return new Empty();
        }

        public override Task GetFile(GetFileRequest request, IServerStreamWriter<BytesValue> responseStream, ServerCallContext context)
        {
            answers.Calls.Enqueue((nameof(GetFile), context.RequestHeaders));
            return (answers.GetFile ?? throw Unimplemented())(request, responseStream, context);
        }

        public override Task SubscribeCommit(SubscribeCommitRequest request, IServerStreamWriter<CommitInfo> responseStream, ServerCallContext context) =>
            (answers.Subscribe ?? throw Unimplemented())(request, responseStream, context);

        public override Task<Wire.Pfs.FileInfo> InspectFile(InspectFileRequest request, ServerCallContext context) =>
            Task.FromResult((answers.InspectFile ?? throw Unimplemented())(request));

        public override Task<FileInfos> ListFile(ListFileRequest request, ServerCallContext context) => Task.FromResult((answers.ListFile ?? throw Unimplemented())(request));

        public override Task<CommitInfos> ListCommit(ListCommitRequest request, ServerCallContext context) =>
            Task.FromResult((answers.ListCommit ?? throw Unimplemented())(request));

        public override Task<RepoInfo> InspectRepo(InspectRepoRequest request, ServerCallContext context)
        {
            answers.Calls.Enqueue((nameof(InspectRepo), context.RequestHeaders));
            return (answers.InspectRepo ?? throw Unimplemented())();
        }

        public override async Task<Empty> CreateRepo(CreateRepoRequest request, ServerCallContext context)
        {
            answers.Calls.Enqueue((nameof(CreateRepo), context.RequestHeaders));
            await (answers.CreateRepo ?? throw Unimplemented())();
            return new Empty();
        }
    }

    private sealed class FilesService(Answers answers) : Files.FilesBase
    {
        public override Task<PutFilesResponse> PutFiles(IAsyncStreamReader<PutFilesRequest> requestStream, ServerCallContext context)
        {
            answers.Calls.Enqueue((nameof(PutFiles), context.RequestHeaders));
            return (answers.PutFiles ?? throw Unimplemented())(requestStream, context);
        }

        public override Task PutContent(
            IAsyncStreamReader<PutContentRequest> requestStream, IServerStreamWriter<PutContentResponse> responseStream, ServerCallContext context) =>
            (answers.PutContent ?? throw Unimplemented())(requestStream, responseStream);

        public override Task GetContent(
            IAsyncStreamReader<GetContentRequest> requestStream, IServerStreamWriter<GetContentResponse> responseStream, ServerCallContext context) =>
            (answers.GetContent ?? throw Unimplemented())(requestStream, responseStream);

        public override Task GetFiles(GetFilesRequest request, IServerStreamWriter<GetFilesResponse> responseStream, ServerCallContext context) =>
            (answers.GetFiles ?? throw Unimplemented())(request, responseStream, context);

        public override Task ListFiles(ListFilesRequest request, IServerStreamWriter<FileInfos> responseStream, ServerCallContext context) =>
            (answers.ListFiles ?? throw Unimplemented())(request, responseStream);
    }
}
