using System.Collections.Concurrent;
using System.IO.Pipelines;
using Grpc.Core;
using Pachyderm.Errors;
using Pachyderm.Wire.Pfs;

namespace Pachyderm.Client.Tests;

/// <summary>One file, from a stream.</summary>
public class UploadTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData((1024 * 1024) - 1)]
    [InlineData(1024 * 1024)]
    [InlineData((1024 * 1024) + 1)]
    [InlineData(25 * 1024 * 1024)]
    public async Task Content_of_any_size_arrives_whole_in_messages_of_at_most_one_mebibyte(int length)
    {
        List<PutFileRequest> messages = [];
        await using TransportServer server = await TransportServer.StartAsync(answers => answers.PutFile = async (stream, _) =>
        {
            await foreach (PutFileRequest message in stream.ReadAllAsync(Cancel))
            {
                messages.Add(message);
            }
        });
        byte[] content = Content.Bytes(length);

        await server.Client.Files.PutAsync(
            Content.Commit, "/file", new MemoryStream(content), new PutFileOptions { Overwrite = true, Delimiter = Delimiter.Line, TargetFileBytes = 7 }, cancellationToken: Cancel);

        Assert.True(content.AsSpan().SequenceEqual(messages.SelectMany(message => message.Value.ToByteArray()).ToArray()));
        Assert.All(messages, message => Assert.InRange(message.Value.Length, length == 0 ? 0 : 1, 1024 * 1024));
        PutFileRequest head = messages[0];
        Assert.Equal(("repo", "master", "/file"), (head.File.Commit.Repo.Name, head.File.Commit.Id, head.File.Path));
        Assert.Equal((true, Delimiter.Line, 7L), (head.Overwrite, head.Delimiter, head.TargetFileBytes));
        Assert.All(messages.Skip(1), message => Assert.Null(message.File));
    }

    [Fact]
    public async Task A_source_that_cannot_be_read_to_its_end_cancels_the_call_so_that_nothing_is_recorded()
    {
        TaskCompletionSource<bool> ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using TransportServer server = await TransportServer.StartAsync(answers => answers.PutFile = async (stream, context) =>
        {
            try
            {
                await foreach (PutFileRequest _ in stream.ReadAllAsync(Cancel))
                {
                }

                ended.SetResult(true);
            }
            catch (Exception exception) when (exception is IOException or OperationCanceledException or RpcException)
            {
                ended.SetResult(false);
            }
        });
        Stream content = new FailingStream(3 * 1024 * 1024);

        IOException exception = await Assert.ThrowsAsync<IOException>(
            () => server.Client.Files.PutAsync(Content.Commit, "/file", content, cancellationToken: Cancel));

        Assert.Equal("the disk is on fire", exception.Message);
        Assert.False(await ended.Task);
    }

    [Fact]
    public async Task A_server_that_refuses_while_content_still_flows_is_quoted()
    {
        await using TransportServer server = await TransportServer.StartAsync(answers => answers.PutFile = async (stream, _) =>
        {
            await stream.MoveNext(Cancel);
            throw new RpcException(new Status(StatusCode.FailedPrecondition, "commit master is not open"));
        });

        PachException exception = await Assert.ThrowsAsync<PachException>(
            () => server.Client.Files.PutAsync(Content.Commit, "/file", new MemoryStream(Content.Bytes(30 * 1024 * 1024)), cancellationToken: Cancel));

        Assert.Equal((StatusCode.FailedPrecondition, "commit master is not open"), (exception.Status, exception.Message));
    }

    [Fact]
    public async Task A_server_that_refuses_while_nothing_comes_from_the_source_is_quoted_at_once()
    {
        await using TransportServer server = await TransportServer.StartAsync(answers => answers.PutFile = (_, _) =>
            throw new RpcException(new Status(StatusCode.NotFound, "no such commit")));
        Pipe silent = new();

        PachException exception = await Assert.ThrowsAsync<PachException>(
            () => server.Client.Files.PutAsync(Content.Commit, "/file", silent.Reader.AsStream(), cancellationToken: Cancel));

        Assert.True(exception.IsNotFound);
    }

    [Fact]
    public async Task Cancellation_ends_an_upload_whose_source_is_silent()
    {
        await using TransportServer server = await TransportServer.StartAsync(answers => answers.PutFile = async (stream, _) => await stream.MoveNext(Cancel));
        using CancellationTokenSource stop = new();
        Pipe silent = new();
        Task upload = server.Client.Files.PutAsync(Content.Commit, "/file", silent.Reader.AsStream(), cancellationToken: stop.Token);

        await stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => upload);
    }

    [Fact]
    public async Task Many_files_are_packed_and_each_arrives_whole()
    {
        ConcurrentDictionary<string, byte[]> received = new(StringComparer.Ordinal);
        ConcurrentQueue<int> sizes = new();
        await using TransportServer server = await TransportServer.StartAsync(answers =>
            answers.PutFiles = (stream, _) => Content.CollectAsync(stream, received, sizes));
        using Scratch scratch = new();
        Dictionary<string, byte[]> files = Enumerable.Range(0, 3000).ToDictionary(
            number => $"/dir/{number}", number => Content.Bytes(number == 1500 ? 5 * 1024 * 1024 : number % 1000, number), StringComparer.Ordinal);
        Directory.CreateDirectory(scratch["dir"]);
        foreach ((string path, byte[] content) in files)
        {
            await System.IO.File.WriteAllBytesAsync(scratch.Path + path, content, Cancel);
        }

        Transfer done = await server.Client.Files.PutManyAsync(
            Content.Commit, LocalTree.Walk(scratch["dir"], "/dir").ToAsyncEnumerable(), parallelism: 2, cancellationToken: Cancel);

        Assert.Equal(new Transfer(3000, files.Values.Sum(content => (long)content.Length)), done);
        Assert.Equal(files.Keys.Order(StringComparer.Ordinal), received.Keys.Order(StringComparer.Ordinal), StringComparer.Ordinal);
        Assert.All(files, file => Assert.Equal(file.Value, received[file.Key]));
        Assert.True(sizes.Count < 20, $"{sizes.Count} messages for about 6.5 MB");
        Assert.All(sizes, size => Assert.InRange(size, 0, 2 * 1024 * 1024));
    }

    [Fact]
    public async Task A_file_that_cannot_be_read_stops_a_bulk_upload_with_its_name()
    {
        ConcurrentDictionary<string, byte[]> received = new(StringComparer.Ordinal);
        await using TransportServer server = await TransportServer.StartAsync(answers => answers.PutFiles = (stream, _) => Content.CollectAsync(stream, received));
        LocalFile[] files = [LocalFile.FromDisk("/a", "/nonexistent/a")];

        OperatorException exception = await Assert.ThrowsAsync<OperatorException>(
            () => server.Client.Files.PutManyAsync(Content.Commit, files.ToAsyncEnumerable(), cancellationToken: Cancel));

        Assert.Equal(("file-unreadable", "/nonexistent/a"), (exception.Id, exception.Thing));
        Assert.Empty(received);
    }

    [Fact]
    public async Task A_bulk_upload_to_a_commit_that_takes_no_files_ends_before_any_file_is_read()
    {
        await using TransportServer server = await TransportServer.StartAsync(answers => answers.PutFiles = (_, _) =>
            throw new RpcException(new Status(StatusCode.FailedPrecondition, "commit master is not open")));
        LocalFile[] files = [LocalFile.FromDisk("/a", "/nonexistent/a")];

        PachException exception = await Assert.ThrowsAsync<PachException>(
            () => server.Client.Files.PutManyAsync(Content.Commit, files.ToAsyncEnumerable(), cancellationToken: Cancel));

        Assert.Equal("commit master is not open", exception.Message);
    }

    [Fact]
    public async Task A_server_that_recorded_less_than_was_sent_is_not_believed()
    {
        await using TransportServer server = await TransportServer.StartAsync(answers => answers.PutFiles = async (stream, context) =>
        {
            await foreach (Wire.Native.PutFilesRequest _ in stream.ReadAllAsync(Cancel))
            {
            }

            return new Wire.Native.PutFilesResponse();
        });
        LocalFile[] files = [new LocalFile("/a", _ => ValueTask.FromResult<Stream>(new MemoryStream([1, 2, 3])))];

        PachException exception = await Assert.ThrowsAsync<PachException>(
            () => server.Client.Files.PutManyAsync(Content.Commit, files.ToAsyncEnumerable(), cancellationToken: Cancel));

        Assert.Equal(StatusCode.DataLoss, exception.Status);
    }

    [Fact]
    public async Task An_old_server_gets_the_files_one_by_one()
    {
        ConcurrentDictionary<string, byte[]> received = new(StringComparer.Ordinal);
        await using TransportServer server = await TransportServer.StartAsync(answers => answers.PutFile = async (stream, _) =>
        {
            using MemoryStream content = new();
            string path = "";
            await foreach (PutFileRequest message in stream.ReadAllAsync(Cancel))
            {
                path = message.File?.Path ?? path;
                content.Write(message.Value.Span);
            }

            received[path] = content.ToArray();
        });
        LocalFile[] files = [.. Enumerable.Range(0, 50).Select(number => new LocalFile($"/{number}", _ => ValueTask.FromResult<Stream>(new MemoryStream(Content.Bytes(number)))))];

        for (int round = 0; round < 2; round++)
        {
            Assert.Equal(new Transfer(50, 1225), await server.Client.Files.PutManyAsync(Content.Commit, files.ToAsyncEnumerable(), cancellationToken: Cancel));
        }

        Assert.Equal(50, received.Count);
        Assert.Equal(Content.Bytes(49), received["/49"]);
        Assert.Single(server.Calls, call => call.Method == "PutFiles");
    }

    /// <summary>Zeros, and then an error.</summary>
    private sealed class FailingStream(int length) : MemoryStream(new byte[length])
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            Position == Length ? throw new IOException("the disk is on fire") : base.ReadAsync(buffer, cancellationToken);
    }
}
