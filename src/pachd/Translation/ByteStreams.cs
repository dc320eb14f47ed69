using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Pachyderm.Storage.Content;

namespace Pachyderm.Pachd.Translation;

/// <summary>Bytes as messages of 2 MiB at most. Nothing is copied on this side: a message refers to the chunk's buffer until it is written.</summary>
internal static class ByteStreams
{
    private const int MessageLength = 2 << 20;

    /// <summary>Sends pieces, and disposes each when it is sent. No message is empty.</summary>
    public static async Task SendAsync(IAsyncEnumerable<ChunkBuffer> pieces, IServerStreamWriter<BytesValue> writer, CancellationToken cancellationToken)
    {
        await foreach (ChunkBuffer piece in pieces.WithCancellation(cancellationToken))
        {
            using (piece)
            {
                for (ReadOnlyMemory<byte> rest = piece.Memory; !rest.IsEmpty;)
                {
                    ReadOnlyMemory<byte> part = rest[..Math.Min(MessageLength, rest.Length)];
                    rest = rest[part.Length..];
                    await writer.WriteAsync(new BytesValue { Value = UnsafeByteOperations.UnsafeWrap(part) }, cancellationToken);
                }
            }
        }
    }
}
