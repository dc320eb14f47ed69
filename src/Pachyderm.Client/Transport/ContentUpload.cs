using System.Buffers;
using Google.Protobuf;
using Grpc.Core;

namespace Pachyderm.Client.Transport;

/// <summary>Sends one stream of content in messages, reading the next piece while one is sent.</summary>
internal static class ContentUpload
{
    /// <summary>
    /// Bytes of content in a message. The receiver makes an array for each: below 85,000 bytes it is of the short-lived kind, which took 15
    /// % off
    /// the time of a 2 GiB put compared with pieces of 1 MiB.
    /// </summary>
    public const int PieceSize = 64 * 1024;

    /// <summary>Reads the content to its end, sends it and waits for the server's answer. Empty content is one empty message.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="call">The call, which ends with this; it is cancelled if reading fails, so that the server records nothing.</param>
    /// <param name="message">Makes a message of a piece; the argument tells whether it is the first.</param>
    /// <param name="content">What to send.</param>
    /// <param name="progress">Told of what was sent.</param>
    /// <param name="cancellationToken">Stops the upload.</param>
    public static async Task<TResponse> SendAsync<TRequest, TResponse>(
        Connection connection,
        AsyncClientStreamingCall<TRequest, TResponse> call,
        Func<ByteString, bool, TRequest> message,
        Stream content,
        IProgress<Transfer>? progress,
        CancellationToken cancellationToken)
    {
        using (call)
        {
            byte[] reading = ArrayPool<byte>.Shared.Rent(PieceSize);
            byte[] sending = ArrayPool<byte>.Shared.Rent(PieceSize);
            Task<int> read = ReadAsync(content, reading, cancellationToken);
            try
            {
                for (bool first = true; ; first = false)
                {
                    // Whoever types into standard input may take long; a server that has gone in the meantime is told at once.
                    if (await Task.WhenAny(read, call.ResponseAsync).WaitAsync(cancellationToken) != read)
                    {
                        await connection.AnswerAsync(call.ResponseAsync);
                        throw new PachException(StatusCode.Internal, "the server ended the upload before it was complete");
                    }

                    int length = await read;
                    if (length == 0 && !first)
                    {
                        break;
                    }

                    (reading, sending) = (sending, reading);
                    read = length == 0 ? Task.FromResult(0) : ReadAsync(content, reading, cancellationToken);
                    await connection.WriteAsync(
                        call, message(UnsafeByteOperations.UnsafeWrap(sending.AsMemory(0, length)), first), cancellationToken);
                    progress?.Report(new Transfer(Files: 0, length));
                }

                await call.RequestStream.CompleteAsync();
                TResponse response = await connection.AnswerAsync(call.ResponseAsync);
                progress?.Report(new Transfer(Files: 1, Bytes: 0));
                return response;
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(sending);

                // A read that cannot be cancelled, such as one from a terminal, still writes into its buffer.
                if (read.IsCompleted)
                {
                    ArrayPool<byte>.Shared.Return(reading);
                }
            }
        }
    }

    private static async Task<int> ReadAsync(Stream content, byte[] buffer, CancellationToken cancellationToken) =>
        await content.ReadAtLeastAsync(buffer.AsMemory(0, PieceSize), PieceSize, throwOnEndOfStream: false, cancellationToken);
}
