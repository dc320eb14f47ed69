using System.Threading.Channels;
using Google.Protobuf;
using Grpc.Core;
using Pachyderm.Wire.Native;

namespace Pachyderm.Client.Transport;

/// <summary>
/// Sends a file through <c>PutContent</c>: asks for chunks before sending them, as long as the server turns out to know some. A new version
/// of a large file costs what reading and hashing it costs, plus what changed. A server on the same machine reads the file itself.
/// </summary>
internal sealed class SparingUpload(Connection connection, Files.FilesClient files, IProgress<Transfer>? progress)
{
    /// <summary>Files below this are sent as they are.</summary>
    public const long SmallestFile = 16 << 20;

    // Where nothing is known, every window is cut and hashed in vain: so ever more go by unasked, up to 256 MiB.
    private const int MostUnasked = 32;

    private int _unasked;
    private int _pause;

    /// <summary>Sends a file, and waits until it is recorded.</summary>
    /// <returns>False if the server does not know the method; then nothing has been read.</returns>
    public async Task<bool> TrySendAsync(Wire.Pfs.File file, bool overwrite, Stream content, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using AsyncDuplexStreamingCall<PutContentRequest, PutContentResponse> call = files.PutContent(cancellationToken: stop.Token);
        PutContentResponse begun;
        try
        {
            PutContentRequest head = new()
            {
                Head = new PutContentHead { File = file, Overwrite = overwrite, CanHandOver = FileHandOver.CanBeRead(content) },
            };
            await connection.WriteAsync(call, head, stop.Token);
            begun = await ReceiveAsync(call, stop.Token);
        }
        catch (PachException exception) when (exception.Status == StatusCode.Unimplemented)
        {
            connection.RememberLack(nameof(files.PutContent));
            return false;
        }

        if (begun.HandOver is { } offer && FileHandOver.CanBeRead(content) && content is FileStream open
            && await FileHandOver.TryAsync(offer, open, stop.Token))
        {
            FileRange range = new() { Offset = (ulong)open.Position, Length = (ulong)(open.Length - open.Position) };
            try
            {
                await connection.WriteAsync(call, new PutContentRequest { HandedOver = range }, stop.Token);
                await EndAsync(call, stop.Token);
            }
            catch (PachException exception) when (exception.Status == StatusCode.InvalidArgument)
            {
                throw FileHandOver.Failure(open, exception);
            }

            open.Seek((long)(range.Offset + range.Length), SeekOrigin.Begin);
            return true;
        }

        // One window is read and cut while one is sent.
        var windows = Channel.CreateBounded<ContentWindow>(new BoundedChannelOptions(1) { SingleReader = true, SingleWriter = true });
        Task reading = Task.Run(() => ReadAsync(content, windows.Writer, stop.Token), CancellationToken.None);
        try
        {
            await foreach (ContentWindow window in windows.Reader.ReadAllAsync(stop.Token))
            {
                using (window)
                {
                    await SendAsync(call, window, stop.Token);
                    progress?.Report(new Transfer(Files: 0, window.Content.Length));
                }
            }

            await EndAsync(call, stop.Token);
            return true;
        }
        finally
        {
            // After a failure the call must not end well, and nobody may read from the file any more.
            await stop.CancelAsync();
            await reading;
            while (windows.Reader.TryRead(out ContentWindow? left))
            {
                left.Dispose();
            }
        }
    }

    private async Task EndAsync(AsyncDuplexStreamingCall<PutContentRequest, PutContentResponse> call, CancellationToken cancellationToken)
    {
        await call.RequestStream.CompleteAsync();
        PutContentResponse answer = await ReceiveAsync(call, cancellationToken);
        for (; answer.Taken > 0; answer = await ReceiveAsync(call, cancellationToken))
        {
            progress?.Report(new Transfer(Files: 0, (long)answer.Taken));
        }

        if (!answer.Done)
        {
            throw new PachException(StatusCode.Internal, "the server did not say that the file is recorded");
        }

        progress?.Report(new Transfer(Files: 1, Bytes: 0));
    }

    // Never throws: the sender, which waits on the other side of the channel, does.
    private async Task ReadAsync(Stream content, ChannelWriter<ContentWindow> windows, CancellationToken cancellationToken)
    {
        Exception? failure = null;
        try
        {
            WindowReader reader = new(content);
            while (await reader.ReadAsync(named: Interlocked.Decrement(ref _unasked) < 0, cancellationToken) is { } window)
            {
                await windows.WriteAsync(window, cancellationToken);
            }
        }
        catch (Exception exception)
        {
            failure = exception;
        }

        windows.Complete(failure);
    }

    private async Task SendAsync(
        AsyncDuplexStreamingCall<PutContentRequest, PutContentResponse> call, ContentWindow window, CancellationToken cancellationToken)
    {
        if (window.Chunks.Count == 0)
        {
            await SendBytesAsync(call, window.Content, cancellationToken);
            return;
        }

        await connection.WriteAsync(call, new PutContentRequest { Ask = await window.NameAsync() }, cancellationToken);
        PutContentResponse answer = await ReceiveAsync(call, cancellationToken);
        if (answer.Known.Length != window.Chunks.Count)
        {
            throw new PachException(
                StatusCode.Internal, $"the server was asked for {window.Chunks.Count} chunks and answered for {answer.Known.Length}");
        }

        bool anyKnown = answer.Known.Span.ContainsAnyExcept((byte)0);
        _pause = anyKnown ? 0 : Math.Clamp(2 * _pause, 1, MostUnasked);
        Interlocked.Exchange(ref _unasked, _pause);
        foreach (ReadOnlyMemory<byte> run in window.Wanted(answer.Known.Memory))
        {
            await SendBytesAsync(call, run, cancellationToken);
        }
    }

    private async Task SendBytesAsync(
        AsyncDuplexStreamingCall<PutContentRequest, PutContentResponse> call, ReadOnlyMemory<byte> bytes,
        CancellationToken cancellationToken)
    {
        for (; !bytes.IsEmpty; bytes = bytes[Math.Min(ContentUpload.PieceSize, bytes.Length)..])
        {
            ByteString value = UnsafeByteOperations.UnsafeWrap(bytes[..Math.Min(ContentUpload.PieceSize, bytes.Length)]);
            await connection.WriteAsync(call, new PutContentRequest { Value = value }, cancellationToken);
        }
    }

    private async Task<PutContentResponse> ReceiveAsync(
        AsyncDuplexStreamingCall<PutContentRequest, PutContentResponse> call, CancellationToken cancellationToken) =>
        await connection.MoveNextAsync(call.ResponseStream, cancellationToken)
            ? call.ResponseStream.Current
            : throw new PachException(StatusCode.Internal, "the server ended the upload before it was complete");
}
