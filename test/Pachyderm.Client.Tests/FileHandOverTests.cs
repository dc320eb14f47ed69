using System.Net.Sockets;
using System.Security.Cryptography;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.Win32.SafeHandles;
using Pachyderm.Wire.Local;
using Pachyderm.Wire.Native;

namespace Pachyderm.Client.Tests;

/// <summary>What a client does with the offer to hand a file over.</summary>
public sealed class FileHandOverTests : IDisposable
{
    private const int Length = 17 << 20;

    private readonly string _path = Path.GetTempFileName();
    private readonly byte[] _content = RandomNumberGenerator.GetBytes(Length);

    public FileHandOverTests() => File.WriteAllBytes(_path, _content);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => File.Delete(_path);

    [Fact]
    public async Task A_file_is_handed_over_and_not_sent()
    {
        using Desk desk = new();
        FileRange? range = null;
        byte[]? seen = null;
        await using TransportServer server = await StartAsync(async (requests, responses) =>
        {
            Assert.True(requests.Current.Head.CanHandOver);
            await responses.WriteAsync(new PutContentResponse { HandOver = desk.Offer }, Token);
            SafeFileHandle? file = await desk.TakeAsync();
            Assert.True(await requests.MoveNext(Token));
            range = requests.Current.HandedOver;
            Assert.False(await requests.MoveNext(Token));
            using (file)
            {
                seen = new byte[range.Length];
                RandomAccess.Read(file!, seen, (long)range.Offset);
                Assert.Throws<UnauthorizedAccessException>(() => RandomAccess.Write(file!, [1], 0));
            }
            await responses.WriteAsync(new PutContentResponse { Taken = 3 }, Token);
            await responses.WriteAsync(new PutContentResponse { Taken = range.Length - 3 }, Token);
            await responses.WriteAsync(new PutContentResponse { Done = true }, Token);
        });
        Sum sum = new();
        await using FileStream content = File.OpenRead(_path);
        content.Position = 100;
        await server.Client.Files.PutAsync(new CommitRef("data", "master"), "/f", content, progress: sum, cancellationToken: Token);
        Assert.Equal(new FileRange { Offset = 100, Length = Length - 100 }, range);
        Assert.Equal(_content[100..], seen);
        Assert.Equal(Length, content.Position);
        Assert.Equal(new Transfer(1, Length - 100), sum.Total);
    }

    [Theory]
    [InlineData("somebody-else", 16)]
    [InlineData("pachyderm-", 15)]
    public async Task Neither_another_service_nor_another_message_is_spoken_to(string prefix, int ticket)
    {
        using Desk desk = new(prefix);
        HandOver offer = new(desk.Offer) { Ticket = ByteString.CopyFrom(new byte[ticket]) };
        byte[] sent = await SentAsync(File.OpenRead(_path), offer);
        Assert.Equal(_content, sent);
        Assert.False(desk.HasBeenCalled);
    }

    [Fact]
    public async Task Where_nobody_listens_the_bytes_are_sent()
    {
        HandOver offer = new() { Socket = $"pachyderm-{Guid.NewGuid():N}", Ticket = ByteString.CopyFrom(new byte[16]) };
        Assert.Equal(_content, await SentAsync(File.OpenRead(_path), offer));
    }

    [Fact]
    public async Task Where_the_ticket_is_refused_the_bytes_are_sent()
    {
        using Desk desk = new();
        Task refusing = desk.RefuseAsync();
        Assert.Equal(_content, await SentAsync(File.OpenRead(_path), desk.Offer));
        await refusing;
    }

    [Fact]
    public async Task A_file_that_could_be_written_to_and_what_is_no_file_stay_here()
    {
        using Desk desk = new();
        Assert.Equal(_content, await SentAsync(File.Open(_path, FileMode.Open, FileAccess.ReadWrite), desk.Offer));
        Assert.Equal(_content, await SentAsync(new MemoryStream(_content), desk.Offer));
        Assert.False(desk.HasBeenCalled);
    }

    [Fact]
    public async Task A_file_that_is_saved_is_handed_over_for_writing_alone()
    {
        using Desk desk = new();
        await using TransportServer server = await TransportServer.StartAsync(answers => answers.GetContent = async (requests, responses) =>
        {
            Assert.True(await requests.MoveNext(Token));
            await responses.WriteAsync(new GetContentResponse { HandOver = desk.Offer }, Token);
            using SafeFileHandle? file = await desk.TakeAsync();
            Assert.True(await requests.MoveNext(Token));
            Assert.Equal(0UL, requests.Current.HandedOverAt);
            Assert.Throws<UnauthorizedAccessException>(() => RandomAccess.Read(file!, new byte[1], 0));
            RandomAccess.Write(file!, [1, 2, 3], 0);
            await responses.WriteAsync(new GetContentResponse { Written = 3 }, Token);
            await responses.WriteAsync(new GetContentResponse { Done = true }, Token);
        });
        Sum sum = new();
        await server.Client.Files.SaveAsync(new CommitRef("data", "master"), "/f", _path, sum, Token);
        Assert.Equal([1, 2, 3], await File.ReadAllBytesAsync(_path, Token));
        Assert.Equal(new Transfer(1, 3), sum.Total);
    }

    [Fact]
    public async Task A_file_that_the_server_did_not_complete_is_not_left_behind()
    {
        using Desk desk = new();
        await using TransportServer server = await TransportServer.StartAsync(answers => answers.GetContent = async (requests, responses) =>
        {
            Assert.True(await requests.MoveNext(Token));
            await responses.WriteAsync(new GetContentResponse { HandOver = desk.Offer }, Token);
            using SafeFileHandle? file = await desk.TakeAsync();
            await responses.WriteAsync(new GetContentResponse { Written = 3 }, Token);
        });
        await Assert.ThrowsAsync<PachException>(() => server.Client.Files.SaveAsync(new CommitRef("data", "master"), "/f", _path, null, Token));
        Assert.False(File.Exists(_path));
    }

    // What is sent to a server that makes an offer.
    private static async Task<byte[]> SentAsync(Stream content, HandOver offer)
    {
        MemoryStream sent = new();
        await using TransportServer server = await StartAsync(async (requests, responses) =>
        {
            await responses.WriteAsync(new PutContentResponse { HandOver = offer }, Token);
            while (await requests.MoveNext(Token))
            {
                if (requests.Current.Ask is { } ask)
                {
                    await responses.WriteAsync(new PutContentResponse { Known = ByteString.CopyFrom(new byte[ask.Lengths.Count]) }, Token);
                }
                else
                {
                    sent.Write(requests.Current.Value.Span);
                }
            }
            await responses.WriteAsync(new PutContentResponse { Done = true }, Token);
        });
        await using (content)
        {
            await server.Client.Files.PutAsync(new CommitRef("data", "master"), "/f", content, cancellationToken: Token);
        }
        return sent.ToArray();
    }

    private static Task<TransportServer> StartAsync(
        Func<IAsyncStreamReader<PutContentRequest>, IServerStreamWriter<PutContentResponse>, Task> answer) =>
        TransportServer.StartAsync(answers => answers.PutContent = async (requests, responses) =>
        {
            Assert.True(await requests.MoveNext(Token));
            await answer(requests, responses);
        });

    /// <summary>A socket where a file may be handed over.</summary>
    private sealed class Desk : IDisposable
    {
        private readonly Socket _socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);

        public Desk(string prefix = "pachyderm-")
        {
            Offer = new HandOver { Socket = $"{prefix}{Guid.NewGuid():N}", Ticket = ByteString.CopyFrom(RandomNumberGenerator.GetBytes(16)) };
            _socket.Bind(new UnixDomainSocketEndPoint("\0" + Offer.Socket));
            _socket.Listen();
        }

        public HandOver Offer { get; }

        public bool HasBeenCalled => _socket.Poll(TimeSpan.Zero, SelectMode.SelectRead);

        public async Task<SafeFileHandle?> TakeAsync()
        {
            using Socket client = await _socket.AcceptAsync(Token);
            await client.ReceiveAsync(Memory<byte>.Empty, Token);
            byte[] ticket = new byte[16];
            Assert.Equal(16, DescriptorSocket.Receive(client, ticket, out SafeFileHandle? file));
            Assert.Equal(Offer.Ticket, ByteString.CopyFrom(ticket));
            await client.SendAsync(new byte[1], Token);
            return file;
        }

        public async Task RefuseAsync()
        {
            using Socket client = await _socket.AcceptAsync(Token);
        }

        public void Dispose() => _socket.Dispose();
    }

    private sealed class Sum : IProgress<Transfer>
    {
        public Transfer Total { get; private set; }

        public void Report(Transfer value) => Total += value;
    }
}
