using System.Net.Sockets;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.Win32.SafeHandles;
using Pachyderm.Client;
using Pachyderm.ObjectStores.Tests;
using Pachyderm.Wire.Local;
using Pachyderm.Wire.Native;

namespace Pachyderm.Pachd.Tests;

/// <summary>Files that a client on the same machine hands over open.</summary>
public sealed class HandOverTests : IDisposable
{
    private readonly TemporaryDirectory directory = new();

    private static CancellationToken Token => PachdProcess.Token;

    public void Dispose() => directory.Dispose();

    [Fact]
    public async Task A_part_of_a_file_that_was_handed_over_becomes_part_of_the_one_that_is_put()
    {
        await using Bed bed = await Bed.StartAsync(directory["data"]);
        byte[] content = new byte[20 << 20];
        new Random(7).NextBytes(content);
        string path = Write("source", content);

        using (AsyncDuplexStreamingCall<PutContentRequest, PutContentResponse> call = bed.Put())
        {
            HandOver offer = await OfferAsync(call, bed.Name("/f"));
            using (SafeFileHandle file = File.OpenHandle(path))
            {
                Assert.True(await ShowAsync(offer, offer.Ticket, file));
            }

            // The server has its own descriptor, whatever becomes of this one and of the name.
            File.Delete(path);
            await call.RequestStream.WriteAsync(new PutContentRequest { Value = ByteString.CopyFromUtf8("before") }, Token);
            await call.RequestStream.WriteAsync(Range(5, content.Length - 10), Token);
            await call.RequestStream.WriteAsync(new PutContentRequest { Value = ByteString.CopyFromUtf8("behind") }, Token);
            await call.RequestStream.CompleteAsync();
            long taken = 0;
            await foreach (PutContentResponse answer in call.ResponseStream.ReadAllAsync(Token))
            {
                taken += (long)answer.Taken;
            }
            Assert.Equal(content.Length - 10, taken);
        }

        byte[] read = await bed.ReadAsync("/f");
        Assert.Equal([.. "before"u8, .. content[5..^5], .. "behind"u8], read);
        Assert.Empty(bed.OpenFiles("source"));
    }

    [Fact]
    public async Task The_client_reads_on_from_where_the_file_stands()
    {
        await using Bed bed = await Bed.StartAsync(directory["data"]);
        byte[] content = new byte[40 << 20];
        new Random(8).NextBytes(content);
        await using FileStream file = File.OpenRead(Write("source", content));
        file.Position = 1_000;
        await bed.Client.Files.PutAsync(bed.Commit, "/f", file, cancellationToken: Token);
        Assert.Equal(content.Length, file.Position);
        Assert.Equal(content[1_000..], await bed.ReadAsync("/f"));
    }

    [Fact]
    public async Task A_ticket_that_was_not_given_out_or_is_shown_twice_takes_nothing()
    {
        await using Bed bed = await Bed.StartAsync(directory["data"]);
        using SafeFileHandle file = File.OpenHandle(Write("source", new byte[1_000]));
        using AsyncDuplexStreamingCall<PutContentRequest, PutContentResponse> call = bed.Put();
        HandOver offer = await OfferAsync(call, bed.Name("/f"));
        Assert.False(await ShowAsync(offer, ByteString.CopyFrom(new byte[16]), file));
        Assert.False(await ShowAsync(offer, ByteString.CopyFrom(new byte[3]), file));
        Assert.True(await ShowAsync(offer, offer.Ticket, file));
        Assert.False(await ShowAsync(offer, offer.Ticket, file));
    }

    [Fact]
    public async Task A_client_that_hands_nothing_over_sends_the_bytes()
    {
        await using Bed bed = await Bed.StartAsync(directory["data"]);
        using (AsyncDuplexStreamingCall<PutContentRequest, PutContentResponse> call = bed.Put())
        {
            await OfferAsync(call, bed.Name("/f"));
            await call.RequestStream.WriteAsync(new PutContentRequest { Value = ByteString.CopyFromUtf8("sent") }, Token);
            await call.RequestStream.CompleteAsync();
            Assert.True(await call.ResponseStream.MoveNext(Token));
            Assert.True(call.ResponseStream.Current.Done);
        }

        Assert.Equal("sent"u8.ToArray(), await bed.ReadAsync("/f"));
    }

    [Fact]
    public async Task What_was_not_handed_over_cannot_be_read()
    {
        await using Bed bed = await Bed.StartAsync(directory["data"]);
        using AsyncDuplexStreamingCall<PutContentRequest, PutContentResponse> call = bed.Put();
        await OfferAsync(call, bed.Name("/f"));
        await RefusedAsync(call, Range(0, 10), StatusCode.FailedPrecondition, "no file was handed over");
    }

    [Theory]
    [InlineData(0, 1_001)]
    [InlineData(1_001, 0)]
    [InlineData(ulong.MaxValue, 1)]
    [InlineData(1, ulong.MaxValue)]
    public async Task A_range_that_is_not_in_the_file_is_refused(ulong offset, ulong length)
    {
        await using Bed bed = await Bed.StartAsync(directory["data"]);
        using SafeFileHandle file = File.OpenHandle(Write("source", new byte[1_000]));
        using AsyncDuplexStreamingCall<PutContentRequest, PutContentResponse> call = bed.Put();
        HandOver offer = await OfferAsync(call, bed.Name("/f"));
        Assert.True(await ShowAsync(offer, offer.Ticket, file));
        PutContentRequest range = new() { HandedOver = new FileRange { Offset = offset, Length = length } };
        await RefusedAsync(call, range, StatusCode.InvalidArgument, "are not in the file that was handed over");
    }

    [Theory]
    [InlineData("/dev/zero")]
    [InlineData("/proc/self/status")]
    public async Task What_is_no_regular_file_is_refused(string path)
    {
        await using Bed bed = await Bed.StartAsync(directory["data"]);
        using SafeFileHandle file = File.OpenHandle(path);
        using AsyncDuplexStreamingCall<PutContentRequest, PutContentResponse> call = bed.Put();
        HandOver offer = await OfferAsync(call, bed.Name("/f"));
        Assert.True(await ShowAsync(offer, offer.Ticket, file));
        await RefusedAsync(call, Range(0, 10), StatusCode.InvalidArgument, "handed over");
    }

    [Fact]
    public async Task A_pipe_is_refused()
    {
        await using Bed bed = await Bed.StartAsync(directory["data"]);
        using System.IO.Pipes.AnonymousPipeServerStream pipe = new(System.IO.Pipes.PipeDirection.In);
        using SafeFileHandle file = new(pipe.SafePipeHandle.DangerousGetHandle(), ownsHandle: false);
        using AsyncDuplexStreamingCall<PutContentRequest, PutContentResponse> call = bed.Put();
        HandOver offer = await OfferAsync(call, bed.Name("/f"));
        Assert.True(await ShowAsync(offer, offer.Ticket, file));
        await RefusedAsync(call, Range(0, 10), StatusCode.InvalidArgument, "cannot be read");
    }

    [Fact]
    public async Task A_file_that_is_cut_short_meanwhile_is_not_recorded()
    {
        await using Bed bed = await Bed.StartAsync(directory["data"]);
        const long Length = 8L << 30;
        using SafeFileHandle file = File.OpenHandle(
            directory["source"], FileMode.CreateNew, FileAccess.ReadWrite, FileShare.ReadWrite, FileOptions.None, 0);
        RandomAccess.SetLength(file, Length);
        using AsyncDuplexStreamingCall<PutContentRequest, PutContentResponse> call = bed.Put();
        HandOver offer = await OfferAsync(call, bed.Name("/f"));
        Assert.True(await ShowAsync(offer, offer.Ticket, file));
        await call.RequestStream.WriteAsync(Range(0, Length), Token);
        Assert.True(await call.ResponseStream.MoveNext(Token));
        RandomAccess.SetLength(file, 0);
        RpcException refusal = await Assert.ThrowsAsync<RpcException>(
            async () =>
            {
                while (await call.ResponseStream.MoveNext(Token))
                {
                    Assert.False(call.ResponseStream.Current.Done);
                }
            });
        Assert.Equal(StatusCode.InvalidArgument, refusal.StatusCode);
        Assert.Contains("bytes early", refusal.Status.Detail, StringComparison.Ordinal);
        await Assert.ThrowsAsync<PachException>(() => bed.Client.Files.InspectAsync(bed.Commit, "/f", Token));
    }

    [Fact]
    public async Task Content_is_written_to_a_file_that_was_handed_over()
    {
        await using Bed bed = await Bed.StartAsync(directory["data"]);
        byte[] content = await bed.PutAsync("/f", 20 << 20);
        using (AsyncDuplexStreamingCall<GetContentRequest, GetContentResponse> call = bed.Get())
        {
            HandOver offer = (await AskAsync(call, bed.Name("/f")))!;
            using (SafeFileHandle file = File.OpenHandle(Write("target", [1, 2, 3, 4, 5]), FileMode.Open, FileAccess.Write))
            {
                Assert.True(await ShowAsync(offer, offer.Ticket, file));
            }
            await call.RequestStream.WriteAsync(new GetContentRequest { HandedOverAt = 3 }, Token);
            long written = 0;
            await foreach (GetContentResponse answer in call.ResponseStream.ReadAllAsync(Token))
            {
                written += (long)answer.Written;
            }
            Assert.Equal(content.Length, written);
        }

        Assert.Equal([1, 2, 3, .. content], await File.ReadAllBytesAsync(directory["target"], Token));
        Assert.Empty(bed.OpenFiles("target"));
    }

    [Fact]
    public async Task A_large_file_is_saved_where_another_was()
    {
        await using Bed bed = await Bed.StartAsync(directory["data"]);
        byte[] content = await bed.PutAsync("/f", 20 << 20);
        string target = Write("target", new byte[content.Length + 1]);
        await bed.Client.Files.SaveAsync(bed.Commit, "/f", target, cancellationToken: Token);
        Assert.Equal(content, await File.ReadAllBytesAsync(target, Token));
    }

    [Fact]
    public async Task What_does_not_exist_leaves_the_file_alone_that_it_should_have_gone_to()
    {
        await using Bed bed = await Bed.StartAsync(directory["data"]);
        string target = Write("target", [1]);
        PachException refusal = await Assert.ThrowsAsync<PachException>(
            () => bed.Client.Files.SaveAsync(bed.Commit, "/none", target, cancellationToken: Token));
        Assert.Equal(StatusCode.NotFound, refusal.Status);
        Assert.Equal([1], await File.ReadAllBytesAsync(target, Token));
    }

    [Theory]
    [InlineData(1_000)]
    [InlineData(20 << 20)]
    public async Task A_device_that_is_full_is_told_and_stays(int length)
    {
        await using Bed bed = await Bed.StartAsync(directory["data"]);
        await bed.PutAsync("/f", length);
        // What would be removed is the link.
        File.CreateSymbolicLink(directory["full"], "/dev/full");
        IOException failure = await Assert.ThrowsAsync<IOException>(
            () => bed.Client.Files.SaveAsync(bed.Commit, "/f", directory["full"], cancellationToken: Token));
        Assert.Contains("No space left on device", failure.Message, StringComparison.Ordinal);
        Assert.Contains(directory["full"], failure.Message, StringComparison.Ordinal);
        Assert.Equal("/dev/full", new FileInfo(directory["full"]).LinkTarget);
    }

    [Fact]
    public async Task A_small_file_is_not_worth_an_offer()
    {
        await using Bed bed = await Bed.StartAsync(directory["data"]);
        byte[] content = await bed.PutAsync("/f", 1_000);
        using (AsyncDuplexStreamingCall<GetContentRequest, GetContentResponse> call = bed.Get())
        {
            Assert.Null(await AskAsync(call, bed.Name("/f")));
        }

        await bed.Client.Files.SaveAsync(bed.Commit, "/f", directory["target"], cancellationToken: Token);
        Assert.Equal(content, await File.ReadAllBytesAsync(directory["target"], Token));
    }

    [Theory]
    [InlineData(FileAccess.Read, 0, "cannot be written")]
    [InlineData(FileAccess.Write, 4, "behind the end")]
    public async Task What_cannot_be_written_is_told(FileAccess access, ulong offset, string message)
    {
        await using Bed bed = await Bed.StartAsync(directory["data"]);
        await bed.PutAsync("/f", 20 << 20);
        using SafeFileHandle file = File.OpenHandle(Write("target", [1, 2, 3]), FileMode.Open, access);
        using AsyncDuplexStreamingCall<GetContentRequest, GetContentResponse> call = bed.Get();
        HandOver offer = (await AskAsync(call, bed.Name("/f")))!;
        Assert.True(await ShowAsync(offer, offer.Ticket, file));
        await call.RequestStream.WriteAsync(new GetContentRequest { HandedOverAt = offset }, Token);
        RpcException refusal = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext(Token));
        Assert.Equal(StatusCode.InvalidArgument, refusal.StatusCode);
        Assert.Contains(message, refusal.Status.Detail, StringComparison.Ordinal);
        Assert.Equal([1, 2, 3], await File.ReadAllBytesAsync(directory["target"], Token));
    }

    private static async Task<HandOver?> AskAsync(AsyncDuplexStreamingCall<GetContentRequest, GetContentResponse> call, Wire.Pfs.File file)
    {
        await call.RequestStream.WriteAsync(new GetContentRequest { Head = new GetContentHead { File = file } }, Token);
        Assert.True(await call.ResponseStream.MoveNext(Token));
        return call.ResponseStream.Current.HandOver;
    }

    private string Write(string name, byte[] content)
    {
        File.WriteAllBytes(directory[name], content);
        return directory[name];
    }

    private static PutContentRequest Range(long offset, long length) =>
        new() { HandedOver = new FileRange { Offset = (ulong)offset, Length = (ulong)length } };

    private static async Task<HandOver> OfferAsync(AsyncDuplexStreamingCall<PutContentRequest, PutContentResponse> call, Wire.Pfs.File file)
    {
        await call.RequestStream.WriteAsync(new PutContentRequest { Head = new PutContentHead { File = file, CanHandOver = true } }, Token);
        Assert.True(await call.ResponseStream.MoveNext(Token));
        return call.ResponseStream.Current.HandOver;
    }

    private static async Task<bool> ShowAsync(HandOver offer, ByteString ticket, SafeFileHandle file)
    {
        using Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint("\0" + offer.Socket), Token);
        DescriptorSocket.Send(socket, ticket.ToByteArray(), file);
        return await socket.ReceiveAsync(new byte[1], Token) == 1;
    }

    private static async Task RefusedAsync(
        AsyncDuplexStreamingCall<PutContentRequest, PutContentResponse> call, PutContentRequest request, StatusCode status, string message)
    {
        await call.RequestStream.WriteAsync(request, Token);
        RpcException refusal = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext(Token));
        Assert.Equal(status, refusal.StatusCode);
        Assert.Contains(message, refusal.Status.Detail, StringComparison.Ordinal);
    }

    /// <summary>A pachd with an open commit.</summary>
    private sealed class Bed(PachdProcess pachd, PachClient client, CommitRef commit) : IAsyncDisposable
    {
        public PachClient Client => client;

        public CommitRef Commit => commit;

        public static async Task<Bed> StartAsync(string data)
        {
            PachdProcess pachd = await PachdProcess.StartAsync(data);
            PachClient client = new(new PachClientOptions { Address = PachAddress.Parse(pachd.GrpcAddress) });
            await client.Repos.CreateAsync("data", cancellationToken: Token);
            return new Bed(pachd, client, await client.Commits.StartAsync("data", "master", cancellationToken: Token));
        }

        public Wire.Pfs.File Name(string path) => PachdProcess.File(commit.Repo, commit.Id, path);

        public AsyncDuplexStreamingCall<PutContentRequest, PutContentResponse> Put() =>
            new Files.FilesClient(pachd.Channel).PutContent(cancellationToken: Token);

        public AsyncDuplexStreamingCall<GetContentRequest, GetContentResponse> Get() =>
            new Files.FilesClient(pachd.Channel).GetContent(cancellationToken: Token);

        public async Task<byte[]> PutAsync(string path, int length)
        {
            byte[] content = new byte[length];
            new Random(length).NextBytes(content);
            await client.Files.PutAsync(commit, path, new MemoryStream(content), cancellationToken: Token);
            return content;
        }

        public async Task<byte[]> ReadAsync(string path)
        {
            using MemoryStream read = new();
            await client.Files.GetAsync(commit, path, read, cancellationToken: Token);
            return read.ToArray();
        }

        public IEnumerable<string> OpenFiles(string name) =>
            Directory.EnumerateFileSystemEntries($"/proc/{pachd.ProcessId}/fd")
                .Select(static link => new FileInfo(link).LinkTarget ?? "")
                .Where(target => target.Contains($"/{name}", StringComparison.Ordinal));

        public async ValueTask DisposeAsync()
        {
            await client.DisposeAsync();
            await pachd.DisposeAsync();
        }
    }
}
