using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Pachyderm.Errors;
using Pachyderm.Wire.Native;
using Pachyderm.Wire.Pfs;

namespace Pachyderm.Client.Tests;

/// <summary>Files on their way to this machine.</summary>
public class DownloadTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 1)]
    [InlineData(127, 128)]
    [InlineData(300_000, 1000)]
    [InlineData(9_000_001, 2 * 1024 * 1024)]
    public async Task Content_arrives_whole_whatever_the_size_of_messages(int length, int piece)
    {
        byte[] content = Content.Bytes(length);
        await using TransportServer server = await TransportServer.StartAsync(answers => answers.GetFile = async (request, stream, _) =>
        {
            Assert.Equal((5L, 9L), (request.OffsetBytes, request.SizeBytes));
            foreach (byte[] part in content.Chunk(piece))
            {
                await stream.WriteAsync(new BytesValue { Value = ByteString.CopyFrom(part) }, Cancel);
            }
        });
        using MemoryStream copied = new();
        using MemoryStream read = new();

        await server.Client.Files.GetAsync(Content.Commit, "/file", copied, offset: 5, size: 9, cancellationToken: Cancel);
        await using (Stream stream = await server.Client.Files.OpenAsync(Content.Commit, "/file", offset: 5, size: 9, cancellationToken: Cancel))
        {
            await stream.CopyToAsync(read, 777, Cancel);
        }

        Assert.Equal(content, copied.ToArray());
        Assert.Equal(content, read.ToArray());
    }

    [Fact]
    public async Task What_is_wrong_with_a_request_is_told_when_the_stream_is_opened()
    {
        await using TransportServer server = await TransportServer.StartAsync(answers => answers.GetFile = (_, _, _) =>
            throw new RpcException(new Status(StatusCode.Unknown, "file /x not found in repo repo at commit master")));

        PachException exception = await Assert.ThrowsAsync<PachException>(() => server.Client.Files.OpenAsync(Content.Commit, "/x", cancellationToken: Cancel));

        Assert.True(exception.IsNotFound);
    }

    [Fact]
    public async Task A_stream_that_is_not_read_to_its_end_stops_the_server()
    {
        TaskCompletionSource stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using TransportServer server = await TransportServer.StartAsync(answers => answers.GetFile = async (_, stream, context) =>
        {
            context.CancellationToken.Register(() => stopped.SetResult());
            BytesValue message = new() { Value = ByteString.CopyFrom(Content.Bytes(1024 * 1024)) };
            while (!context.CancellationToken.IsCancellationRequested)
            {
                await stream.WriteAsync(message, context.CancellationToken);
            }
        });

        await using (Stream stream = await server.Client.Files.OpenAsync(Content.Commit, "/endless", cancellationToken: Cancel))
        {
            await stream.ReadExactlyAsync(new byte[3_000_000], Cancel);
        }

        await stopped.Task.WaitAsync(Cancel);
    }

    [Fact]
    public async Task A_directory_is_written_with_everything_below_it()
    {
        byte[] large = Content.Bytes(3_000_000);
        await using TransportServer server = await TransportServer.StartAsync(answers => answers.GetFiles = async (request, stream, _) =>
        {
            Assert.Equal("/dir", request.Path);
            await stream.WriteAsync(new GetFilesResponse { Parts = { Content.Part("/dir/a", [1]), Content.Part("/dir/b/c", []), Content.Part("/dir/b/large", large[..1_000_000], last: false, size: large.Length) } }, Cancel);
            await stream.WriteAsync(new GetFilesResponse { Parts = { Content.More(large[1_000_000..], last: false) } }, Cancel);
            await stream.WriteAsync(new GetFilesResponse { Parts = { Content.More([], last: true), Content.Part("/dir/b/z", [2, 3]) } }, Cancel);
        });
        using Scratch scratch = new();

        Transfer done = await server.Client.Files.DownloadAsync(Content.Commit, "/dir", scratch["out"], cancellationToken: Cancel);

        Assert.Equal(new Transfer(4, 3_000_003), done);
        Assert.Equal([1], await System.IO.File.ReadAllBytesAsync(scratch["out/a"], Cancel));
        Assert.Empty(await System.IO.File.ReadAllBytesAsync(scratch["out/b/c"], Cancel));
        Assert.Equal(large, await System.IO.File.ReadAllBytesAsync(scratch["out/b/large"], Cancel));
        Assert.Equal([2, 3], await System.IO.File.ReadAllBytesAsync(scratch["out/b/z"], Cancel));
    }

    [Theory]
    [InlineData("/dir/../../escaped")]
    [InlineData("/dir/a/../../../escaped")]
    [InlineData("/elsewhere")]
    [InlineData("/directory")]
    [InlineData("")]
    [InlineData("/dir/./a")]
    [InlineData("/dir//a")]
    [InlineData("/dir/a\0b")]
    public async Task A_path_that_leads_out_of_the_destination_is_refused(string path)
    {
        await using TransportServer server = await TransportServer.StartAsync(answers => answers.GetFiles = (_, stream, _) =>
            stream.WriteAsync(new GetFilesResponse { Parts = { Content.Part(path, [1]) } }, Cancel));
        using Scratch scratch = new();

        OperatorException exception = await Assert.ThrowsAsync<OperatorException>(
            () => server.Client.Files.DownloadAsync(Content.Commit, "/dir", scratch["in/out"], cancellationToken: Cancel));

        Assert.Equal("path-refused", exception.Id);
        Assert.Empty(Directory.EnumerateFileSystemEntries(scratch.Path));
    }

    [Fact]
    public async Task A_file_that_broke_off_is_not_left_behind()
    {
        await using TransportServer server = await TransportServer.StartAsync(answers => answers.GetFiles = async (_, stream, _) =>
        {
            await stream.WriteAsync(new GetFilesResponse { Parts = { Content.Part("/whole", [1]), Content.Part("/part", [1, 2], last: false, size: 10) } }, Cancel);
            throw new RpcException(new Status(StatusCode.DataLoss, "chunk is damaged"));
        });
        using Scratch scratch = new();

        await Assert.ThrowsAsync<PachException>(() => server.Client.Files.DownloadAsync(Content.Commit, "", scratch.Path, cancellationToken: Cancel));

        Assert.Equal(scratch["whole"], Assert.Single(Directory.EnumerateFileSystemEntries(scratch.Path)));
    }

    [Fact]
    public async Task A_file_that_is_shorter_than_announced_is_not_believed()
    {
        await using TransportServer server = await TransportServer.StartAsync(answers => answers.GetFiles = (_, stream, _) =>
            stream.WriteAsync(new GetFilesResponse { Parts = { Content.Part("/short", [1, 2], last: true, size: 3) } }, Cancel));
        using Scratch scratch = new();

        PachException exception = await Assert.ThrowsAsync<PachException>(
            () => server.Client.Files.DownloadAsync(Content.Commit, "/", scratch.Path, cancellationToken: Cancel));

        Assert.Equal(StatusCode.DataLoss, exception.Status);
        Assert.Empty(Directory.EnumerateFileSystemEntries(scratch.Path));
    }

    [Fact]
    public async Task An_old_server_is_walked_and_asked_for_each_file()
    {
        await using TransportServer server = await TransportServer.StartAsync(answers =>
        {
            answers.InspectFile = request => Content.Directory(request.File.Path);
            answers.ListFile = request => request.File.Path switch
            {
                "/" => new FileInfos { FileInfo = { Content.File("/a", 2), Content.Directory("/d") } },
                "/d" => new FileInfos { FileInfo = { Content.File("/d/b", 2) } },
                _ => throw new RpcException(new Status(StatusCode.Unknown, "no node")),
            };
            answers.GetFile = (request, stream, _) =>
                stream.WriteAsync(new BytesValue { Value = ByteString.CopyFromUtf8(request.File.Path[^1..] + "!") }, Cancel);
        });
        using Scratch scratch = new();

        Transfer done = await server.Client.Files.DownloadAsync(Content.Commit, "/", scratch.Path, cancellationToken: Cancel);
        List<FilePiece> pieces = await server.Client.Files.GetManyAsync(Content.Commit, "/", Cancel).ToListAsync(Cancel);

        Assert.Equal(new Transfer(2, 4), done);
        Assert.Equal("a!", await System.IO.File.ReadAllTextAsync(scratch["a"], Cancel));
        Assert.Equal("b!", await System.IO.File.ReadAllTextAsync(scratch["d/b"], Cancel));
        Assert.Equal("/a /d/b", string.Join(' ', pieces.Where(piece => piece.Info is not null).Select(piece => piece.Info!.File.Path)));
        Assert.Equal(2, pieces.Count(piece => piece.Last));
    }
}
