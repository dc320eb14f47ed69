using System.Text;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Pachyderm.ObjectStores.Tests;
using static Pachyderm.Pachd.Tests.PachdProcess;

namespace Pachyderm.Pachd.Tests;

/// <summary>One pachd for the tests of this class, which keep out of each other's repos.</summary>
public sealed class SharedPachd : IAsyncLifetime
{
    private readonly TemporaryDirectory directory = new();

    public PachdProcess Pachd { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Pachd = await StartAsync(directory["data"]);

    public async ValueTask DisposeAsync()
    {
        await Pachd.DisposeAsync();
        directory.Dispose();
    }
}

public sealed class WireTests(SharedPachd shared) : IClassFixture<SharedPachd>
{
    private readonly PachdProcess pachd = shared.Pachd;
    private readonly string repo = "r" + Guid.NewGuid().ToString("N");

    [Fact]
    public async Task The_version_and_health_are_told()
    {
        Wire.Version.Version version = await new Wire.Version.API.APIClient(pachd.Channel).GetVersionAsync(
            new Empty(), cancellationToken: Token);
        Assert.Equal((3u, 0u, 0u, "alpha.1"), (version.Major, version.Minor, version.Micro, version.Additional));
        await new Wire.Health.Health.HealthClient(pachd.Channel).HealthAsync(new Empty(), cancellationToken: Token);
    }

    [Fact]
    public async Task Failures_have_specific_statuses_and_the_words_of_1_5()
    {
        await RefusedAsync(pachd.CreateRepoAsync("a.b"), StatusCode.InvalidArgument, "repo name (a.b) invalid");
        await RefusedAsync(pachd.StartCommitAsync(repo, "master"), StatusCode.NotFound, $"pachyderm_pfs/repos/ {repo} not found");
        await pachd.CreateRepoAsync(repo);
        await RefusedAsync(pachd.CreateRepoAsync(repo), StatusCode.AlreadyExists, $"pachyderm_pfs/repoRefCounts/ {repo} already exists");
        await RefusedAsync(pachd.GetAsync(repo, "master", "f"), StatusCode.NotFound, $"pachyderm_pfs/commits/{repo}/ master not found");
        string commit = await pachd.StartCommitAsync(repo, "master");
        await RefusedAsync(pachd.StartCommitAsync(repo, "master"), StatusCode.FailedPrecondition, "has not been finished");
        await RefusedAsync(pachd.PutAsync(repo, commit, "a\0b", [1]), StatusCode.InvalidArgument, "filename cannot contain null character");
        await pachd.FinishAsync(repo, commit);
        await RefusedAsync(pachd.FinishAsync(repo, commit), StatusCode.FailedPrecondition, "has already been finished");
        await RefusedAsync(pachd.PutAsync(repo, commit, "f", [1]), StatusCode.FailedPrecondition, $"commit {commit} is not open");
        await RefusedAsync(pachd.GetAsync(repo, "master", "f"), StatusCode.NotFound, $"file f not found in repo {repo} at commit {commit}");
        await RefusedAsync(pachd.GetAsync(repo, "master", "/"), StatusCode.FailedPrecondition, "is a directory");
        await RefusedAsync(
            pachd.Pfs.InspectCommitAsync(new Wire.Pfs.InspectCommitRequest(), cancellationToken: Token).ResponseAsync,
            StatusCode.InvalidArgument, "cannot inspect nil commit");
        await RefusedAsync(
            new Wire.Pps.API.APIClient(pachd.Channel).RerunPipelineAsync(
                new Wire.Pps.RerunPipelineRequest(), cancellationToken: Token).ResponseAsync,
            StatusCode.Unimplemented, "reprocess");
    }

    [Fact]
    public async Task Of_a_put_only_the_first_message_says_where_it_goes()
    {
        string commit = await BeginAsync();
        await pachd.PutAsync(repo, commit, "f", "one "u8.ToArray(), "two "u8.ToArray(), "three"u8.ToArray());
        await pachd.PutAsync(repo, "master", "empty", Array.Empty<byte>());
        using (var nothing = pachd.Pfs.PutFile(cancellationToken: Token))
        {
            await nothing.RequestStream.CompleteAsync();
            await nothing;
        }
        Assert.Equal("one two three", Encoding.UTF8.GetString(Assert.Single(await pachd.GetAsync(repo, commit, "f"))));
        Assert.Empty(await pachd.GetAsync(repo, commit, "empty"));
        Assert.Equal("two", Encoding.UTF8.GetString(Assert.Single(await pachd.GetAsync(repo, commit, "f", 4, 3))));
        Assert.Empty(await pachd.GetAsync(repo, commit, "f", 100));
    }

    [Fact]
    public async Task A_large_file_comes_in_messages_of_two_mebibytes_at_most()
    {
        string commit = await BeginAsync();
        byte[] content = new byte[23_456_789];
        new Random(5).NextBytes(content);
        await pachd.PutAsync(repo, commit, "f", [.. content.Chunk(10 << 20)]);
        await pachd.FinishAsync(repo, commit);
        List<byte[]> messages = await pachd.GetAsync(repo, commit, "f");
        Assert.All(messages, message => Assert.InRange(message.Length, 1, 2 << 20));
        Assert.True(content.AsSpan().SequenceEqual(messages.SelectMany(message => message).ToArray()));
        Wire.Pfs.FileInfo info = await pachd.Pfs.InspectFileAsync(
            new Wire.Pfs.InspectFileRequest { File = PachdProcess.File(repo, "master", "/f") }, cancellationToken: Token);
        Assert.Equal(
            ("/f", Wire.Pfs.FileType.File, (ulong)content.Length, commit),
            (info.File.Path, info.FileType, info.SizeBytes, info.File.Commit.Id));
        Assert.NotEmpty(info.Objects);
        using var parts = new Wire.Pfs.ObjectAPI.ObjectAPIClient(pachd.Channel).GetObjects(
            new Wire.Pfs.GetObjectsRequest { Objects = { info.Objects }, OffsetBytes = 1_000_000, SizeBytes = 5_000_000 },
            cancellationToken: Token);
        using MemoryStream read = new();
        while (await parts.ResponseStream.MoveNext(Token))
        {
            read.Write(parts.ResponseStream.Current.Value.Span);
        }
        Assert.True(content.AsSpan(1_000_000, 5_000_000).SequenceEqual(read.ToArray()));
    }

    [Fact]
    public async Task A_list_that_no_client_would_take_is_refused_and_can_be_streamed()
    {
        string commit = await BeginAsync();
        const int count = 90_000;
        Wire.Native.Files.FilesClient native = new(pachd.Channel);
        using (var call = native.PutFiles(cancellationToken: Token))
        {
            await call.RequestStream.WriteAsync(new Wire.Native.PutFilesRequest { Commit = Commit(repo, commit) }, Token);
            foreach (int[] numbers in Enumerable.Range(0, count).Chunk(1000))
            {
                Wire.Native.PutFilesRequest request = new();
                request.Parts.AddRange(numbers.Select(number => new Wire.Native.FilePart
                {
                    Path = $"directory/{number:0000000}-{new string('x', 150)}",
                    Value = ByteString.CopyFromUtf8("x"),
                    Last = true,
                }));
                await call.RequestStream.WriteAsync(request, Token);
            }
            await call.RequestStream.CompleteAsync();
            Assert.Equal((ulong)count, (await call).Files);
        }
        await RefusedAsync(
            pachd.Pfs.ListFileAsync(
                new Wire.Pfs.ListFileRequest { File = PachdProcess.File(repo, commit, "directory") },
                cancellationToken: Token).ResponseAsync,
            StatusCode.ResourceExhausted, "pachyderm.native.v1.Files/ListFiles");
        await RefusedAsync(
            pachd.Pfs.GlobFileAsync(
                new Wire.Pfs.GlobFileRequest { Commit = Commit(repo, commit), Pattern = "*/*" }, cancellationToken: Token).ResponseAsync,
            StatusCode.ResourceExhausted, "pachyderm.native.v1.Files/GlobFiles");
        List<string> streamed = [];
        using var list = native.ListFiles(
            new Wire.Native.ListFilesRequest { File = PachdProcess.File(repo, commit, "/directory") }, cancellationToken: Token);
        while (await list.ResponseStream.MoveNext(Token))
        {
            Assert.NotEmpty(list.ResponseStream.Current.FileInfo);
            streamed.AddRange(list.ResponseStream.Current.FileInfo.Select(file => file.File.Path));
        }
        Assert.Equal(count, streamed.Count);
        Assert.Equal(streamed.Order(StringComparer.Ordinal), streamed);
    }

    [Fact]
    public async Task Files_come_back_in_one_stream_as_they_were_put()
    {
        string commit = await BeginAsync();
        Random random = new(7);
        Dictionary<string, byte[]> files = [];
        for (int number = 0; number < 200; number++)
        {
            byte[] content = new byte[number % 40 == 0 ? 3_000_000 : random.Next(3000) * (number % 3)];
            random.NextBytes(content);
            files.Add($"/d{number % 7}/{number}", content);
        }
        Wire.Native.Files.FilesClient native = new(pachd.Channel);
        using (var call = native.PutFiles(cancellationToken: Token))
        {
            await call.RequestStream.WriteAsync(new Wire.Native.PutFilesRequest { Commit = Commit(repo, commit) }, Token);
            foreach ((string path, byte[] content) in files)
            {
                byte[][] pieces = content.Length == 0 ? [[]] : [.. content.Chunk(1 << 20)];
                for (int piece = 0; piece < pieces.Length; piece++)
                {
                    await call.RequestStream.WriteAsync(new Wire.Native.PutFilesRequest
                    {
                        Parts =
                        {
                            new Wire.Native.FilePart
                            {
                                Path = piece == 0 ? path : "",
                                Value = ByteString.CopyFrom(pieces[piece]),
                                Last = piece == pieces.Length - 1,
                            },
                        },
                    }, Token);
                }
            }
            await call.RequestStream.CompleteAsync();
            Assert.Equal(
                ((ulong)files.Count, (ulong)files.Values.Sum(content => content.LongLength)), ((await call).Files, (await call).Bytes));
        }
        Dictionary<string, byte[]> read = [];
        using var stream = native.GetFiles(
            new Wire.Native.GetFilesRequest { Commit = Commit(repo, commit), Path = "/" }, cancellationToken: Token);
        string? open = null;
        MemoryStream bytes = new();
        while (await stream.ResponseStream.MoveNext(Token))
        {
            foreach (Wire.Native.GetFilePart part in stream.ResponseStream.Current.Parts)
            {
                Assert.Equal(open is null, part.Info is not null);
                open ??= part.Info!.File.Path;
                bytes.Write(part.Value.Span);
                if (part.Last)
                {
                    read.Add(open, bytes.ToArray());
                    bytes.SetLength(0);
                    open = null;
                }
            }
        }
        Assert.Null(open);
        Assert.Equal(files.Keys.Order(StringComparer.Ordinal), read.Keys.Order(StringComparer.Ordinal));
        Assert.All(files, file => Assert.True(file.Value.AsSpan().SequenceEqual(read[file.Key]), file.Key));
    }

    [Fact]
    public async Task A_commit_info_has_a_tree_once_it_is_finished()
    {
        string commit = await BeginAsync();
        Wire.Pfs.CommitInfo open = await pachd.Pfs.InspectCommitAsync(
            new Wire.Pfs.InspectCommitRequest { Commit = Commit(repo, "master") }, cancellationToken: Token);
        Assert.Equal((commit, null, null), (open.Commit.Id, open.Finished, open.Tree));
        await pachd.FinishAsync(repo, "master");
        Wire.Pfs.CommitInfo finished = await pachd.Pfs.InspectCommitAsync(
            new Wire.Pfs.InspectCommitRequest { Commit = Commit(repo, commit) }, cancellationToken: Token);
        Assert.NotNull(finished.Finished);
        Assert.Equal(64, finished.Tree.Hash.Length);
    }

    [Fact]
    public async Task Garbage_can_be_collected_through_both_apis()
    {
        string commit = await BeginAsync();
        await pachd.PutAsync(repo, commit, "f", "content"u8.ToArray());
        await new Wire.Pps.API.APIClient(pachd.Channel).GarbageCollectAsync(new Wire.Pps.GarbageCollectRequest(), cancellationToken: Token);
        using var call = new Wire.Native.Maintenance.MaintenanceClient(pachd.Channel).CollectGarbage(
            new Wire.Native.CollectGarbageRequest(), cancellationToken: Token);
        Wire.Native.CollectGarbageResponse? last = null;
        while (await call.ResponseStream.MoveNext(Token))
        {
            last = call.ResponseStream.Current;
        }
        Assert.NotNull(last?.Summary);
        Assert.Equal("content"u8.ToArray(), Assert.Single(await pachd.GetAsync(repo, commit, "f")));
    }

    [Fact]
    public async Task A_file_can_be_fetched_from_another_cluster_and_by_http()
    {
        string commit = await BeginAsync();
        await pachd.PutAsync(repo, commit, "d/x", "1"u8.ToArray());
        await pachd.PutAsync(repo, commit, "d/e/y", "2"u8.ToArray());
        await pachd.FinishAsync(repo, commit);
        string next = await pachd.StartCommitAsync(repo, "copy");
        await PutUrlAsync(next, "one", $"pfs://{pachd.GrpcAddress}/{repo}/master/d/x", recursive: false);
        await PutUrlAsync(next, "all", $"pfs://{pachd.GrpcAddress}/{repo}/master/d", recursive: true);
        await PutUrlAsync(
            next, "web", new Uri(pachd.Http, $"/v1/pfs/repos/{repo}/commits/master/files/d/e/y").ToString(), recursive: false);
        Assert.Equal(
            ["/all", "/one", "/web", "/all/e", "/all/x", "/all/e/y"],
            [.. await GlobAsync(next, "*"), .. await GlobAsync(next, "all/*"), .. await GlobAsync(next, "all/*/*")]);
        Assert.Equal("2"u8.ToArray(), Assert.Single(await pachd.GetAsync(repo, next, "web")));
        await RefusedAsync(
            PutUrlAsync(next, "x", "s3://bucket/key", recursive: false),
            StatusCode.FailedPrecondition,
            "error parsing url s3://bucket/key");
        await RefusedAsync(
            PutUrlAsync(next, "x", "ftp://host/key", recursive: false), StatusCode.InvalidArgument, "unrecognized object store: ftp");
        await RefusedAsync(
            PutUrlAsync(next, "x", $"pfs://{pachd.GrpcAddress}/{repo}", recursive: false), StatusCode.InvalidArgument,
            "pfs put-file path must be of form repo/commit[/path/to/file] got:");
        await RefusedAsync(PutUrlAsync(next, "x", new Uri(pachd.Http, "/nowhere").ToString(), recursive: false), StatusCode.Aborted, "404");
    }

    [Fact]
    public async Task Repos_come_in_a_stream_in_the_order_of_the_list()
    {
        await pachd.CreateRepoAsync(repo);
        await pachd.Pfs.CreateRepoAsync(
            new Wire.Pfs.CreateRepoRequest { Repo = Repo(repo + "-out"), Provenance = { Repo(repo) } }, cancellationToken: Token);
        await pachd.Pfs.CreateRepoAsync(
            new Wire.Pfs.CreateRepoRequest { Repo = Repo(repo + "-late"), Provenance = { Repo(repo) } }, cancellationToken: Token);
        Wire.Pfs.ListRepoRequest request = new() { Provenance = { Repo(repo) } };
        List<Wire.Pfs.RepoInfo> streamed = [];
        using var call = new Wire.Native.Files.FilesClient(pachd.Channel).ListRepos(request, cancellationToken: Token);
        while (await call.ResponseStream.MoveNext(Token))
        {
            streamed.AddRange(call.ResponseStream.Current.RepoInfo);
        }
        Assert.Equal([repo + "-late", repo + "-out"], streamed.Select(info => info.Repo.Name));
        Assert.Equal((await pachd.Pfs.ListRepoAsync(request, cancellationToken: Token)).RepoInfo, streamed);
    }

    private static Wire.Pfs.Repo Repo(string name) => new() { Name = name };

    private async Task<string> BeginAsync()
    {
        await pachd.CreateRepoAsync(repo);
        return await pachd.StartCommitAsync(repo, "master");
    }

    private async Task<IEnumerable<string>> GlobAsync(string commit, string pattern)
    {
        Wire.Pfs.GlobFileRequest request = new() { Commit = Commit(repo, commit), Pattern = pattern };
        return (await pachd.Pfs.GlobFileAsync(request, cancellationToken: Token)).FileInfo.Select(file => file.File.Path);
    }

    private async Task PutUrlAsync(string commit, string path, string url, bool recursive)
    {
        using var call = pachd.Pfs.PutFile(cancellationToken: Token);
        await call.RequestStream.WriteAsync(
            new Wire.Pfs.PutFileRequest { File = PachdProcess.File(repo, commit, path), Url = url, Recursive = recursive }, Token);
        await call.RequestStream.CompleteAsync();
        await call;
    }

    private static async Task RefusedAsync(Task call, StatusCode status, string fragment)
    {
        RpcException exception = await Assert.ThrowsAsync<RpcException>(() => call);
        Assert.Contains(fragment, exception.Status.Detail, StringComparison.Ordinal);
        Assert.Equal(status, exception.StatusCode);
    }
}
