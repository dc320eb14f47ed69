using System.Net;
using System.Net.Sockets;
using Grpc.Core;
using Pachyderm.Wire.Pfs;
using FileInfo = Pachyderm.Wire.Pfs.FileInfo;

namespace Pachyderm.Client.Tests;

/// <summary>What is called, how often, and how it is told when it goes wrong.</summary>
public class CallTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Where_nothing_listens_the_address_and_what_to_do_are_told_in_one_line()
    {
        using Socket unused = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        unused.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        string address = unused.LocalEndPoint!.ToString()!;
        await using PachClient client = new(address);

        PachConnectionException exception = await Assert.ThrowsAsync<PachConnectionException>(() => client.Repos.InspectAsync("r", Cancel));

        Assert.Equal(("pachd-unreachable", address, "nothing listens there"), (exception.Id, exception.Thing, exception.Problem));
        Assert.DoesNotContain('\n', exception.Message);
        await Assert.ThrowsAsync<PachConnectionException>(async () => await client.Files.ListAsync(Content.Commit, cancellationToken: Cancel).ToListAsync(Cancel));
        await Assert.ThrowsAsync<PachConnectionException>(() => client.Files.GetAsync(Content.Commit, "/f", Stream.Null, cancellationToken: Cancel));
        await Assert.ThrowsAsync<PachConnectionException>(() => client.Files.PutAsync(Content.Commit, "/f", Stream.Null, cancellationToken: Cancel));
        await Assert.ThrowsAsync<PachConnectionException>(
            () => client.Files.PutManyAsync(Content.Commit, AsyncEnumerable.Empty<LocalFile>(), cancellationToken: Cancel));
    }

    [Fact]
    public async Task A_host_without_a_name_is_told()
    {
        await using PachClient client = new("no-such-host.invalid:650");

        PachConnectionException exception = await Assert.ThrowsAsync<PachConnectionException>(() => client.Repos.InspectAsync("r", Cancel));

        Assert.Equal("pachd-unreachable", exception.Id);
    }

    [Fact]
    public async Task Something_that_does_not_speak_grpc_is_told()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        await using PachClient client = new(listener.LocalEndpoint.ToString()!);
        Task talking = Task.Run(
            async () =>
            {
                using TcpClient accepted = await listener.AcceptTcpClientAsync(Cancel);
                await accepted.GetStream().WriteAsync("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"u8.ToArray(), Cancel);
                accepted.Client.Shutdown(SocketShutdown.Send);
                while (await accepted.GetStream().ReadAsync(new byte[100], Cancel) > 0)
                {
                }
            },
            Cancel);

        PachConnectionException exception = await Assert.ThrowsAsync<PachConnectionException>(() => client.Repos.CreateAsync("r", cancellationToken: Cancel));

        Assert.StartsWith(listener.LocalEndpoint.ToString()!, exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("secret")]
    public async Task The_session_token_goes_with_every_call(string token)
    {
        await using TransportServer server = await TransportServer.StartAsync(
            answers =>
            {
                answers.InspectRepo = () => Task.FromResult(new RepoInfo());
                answers.GetFile = (_, _, _) => Task.CompletedTask;
            },
            token);

        await server.Client.Repos.InspectAsync("r", Cancel);
        await server.Client.Files.GetAsync(Content.Commit, "/f", Stream.Null, cancellationToken: Cancel);

        Assert.Equal(2, server.Calls.Count);
        Assert.All(server.Calls, call => Assert.Equal(token, call.Headers.GetValue("authn-token")));
    }

    [Fact]
    public async Task Reads_are_tried_again_while_the_server_is_not_available()
    {
        int calls = 0;
        await using TransportServer server = await TransportServer.StartAsync(answers => answers.InspectRepo = () =>
            ++calls < 3 ? throw new RpcException(new Status(StatusCode.Unavailable, "draining")) : Task.FromResult(new RepoInfo { Description = "back" }));

        Assert.Equal("back", (await server.Client.Repos.InspectAsync("r", Cancel)).Description);
    }

    [Fact]
    public async Task Writes_are_never_tried_again()
    {
        int calls = 0;
        await using TransportServer server = await TransportServer.StartAsync(answers => answers.CreateRepo = () =>
        {
            calls++;
            throw new RpcException(new Status(StatusCode.Unavailable, "draining"));
        });

        PachException exception = await Assert.ThrowsAsync<PachException>(() => server.Client.Repos.CreateAsync("r", cancellationToken: Cancel));

        Assert.Equal((StatusCode.Unavailable, 1), (exception.Status, calls));
    }

    [Fact]
    public async Task A_subscription_goes_on_after_the_last_commit_that_was_seen()
    {
        List<string> asked = [];
        await using TransportServer server = await TransportServer.StartAsync(answers => answers.Subscribe = async (request, stream, context) =>
        {
            asked.Add(request.From?.Id ?? "");
            foreach (int number in Enumerable.Range(asked.Count * 2, 2))
            {
                await stream.WriteAsync(new CommitInfo { Commit = new CommitRef("repo", $"c{number}").ToWire() }, Cancel);
            }

            throw new RpcException(new Status(StatusCode.Unavailable, "going down"));
        });

        List<string> seen = await server.Client.Commits.SubscribeAsync("repo", "master", "c1", Cancel).Select(commit => commit.Commit.Id).Take(6).ToListAsync(Cancel);

        Assert.Equal("c2 c3 c4 c5 c6 c7", string.Join(' ', seen));
        Assert.Equal("c1 c3 c5", string.Join(' ', asked));
    }

    [Fact]
    public async Task A_subscription_that_is_refused_ends()
    {
        await using TransportServer server = await TransportServer.StartAsync(answers => answers.Subscribe = (_, _, _) =>
            throw new RpcException(new Status(StatusCode.NotFound, "no repo")));

        await Assert.ThrowsAsync<PachException>(async () => await server.Client.Commits.SubscribeAsync("repo", "master", cancellationToken: Cancel).FirstAsync(Cancel));
    }

    [Fact]
    public async Task Lists_come_in_pieces_where_the_server_has_them_and_in_one_message_where_not()
    {
        await using TransportServer modern = await TransportServer.StartAsync(answers => answers.ListFiles = async (_, stream) =>
        {
            await stream.WriteAsync(new FileInfos { FileInfo = { Content.File("/a", 1) } }, Cancel);
            await stream.WriteAsync(new FileInfos { FileInfo = { Content.File("/b", 1) } }, Cancel);
        });
        await using TransportServer old = await TransportServer.StartAsync(answers =>
        {
            answers.ListFile = _ => new FileInfos { FileInfo = { Content.File("/a", 1), Content.File("/b", 1) } };
            answers.ListCommit = _ => new CommitInfos { CommitInfo = { new CommitInfo() } };
        });

        List<FileInfo> pieces = await modern.Client.Files.ListAsync(Content.Commit, cancellationToken: Cancel).ToListAsync(Cancel);
        List<FileInfo> whole = await old.Client.Files.ListAsync(Content.Commit, cancellationToken: Cancel).ToListAsync(Cancel);

        Assert.Equal(whole, pieces);
        Assert.Equal(2, whole.Count);
        Assert.Single(await old.Client.Commits.ListAsync("repo", cancellationToken: Cancel).ToListAsync(Cancel));
    }

    [Fact]
    public async Task An_error_of_a_list_is_the_servers_and_not_that_of_a_second_try()
    {
        await using TransportServer server = await TransportServer.StartAsync(answers =>
        {
            answers.ListFiles = (_, _) => throw new RpcException(new Status(StatusCode.NotFound, "no node at \"/x\""));
            answers.ListFile = _ => throw new RpcException(new Status(StatusCode.Unknown, "asked a second time"));
        });

        PachException exception = await Assert.ThrowsAsync<PachException>(
            async () => await server.Client.Files.ListAsync(Content.Commit, "/x", cancellationToken: Cancel).ToListAsync(Cancel));

        Assert.Equal("no node at \"/x\"", exception.Message);
    }
}
