using Pachyderm.Errors;
using Pachyderm.Storage.Content;

namespace Pachyderm.Portable;

/// <summary>Reads a stream without restoring it.</summary>
public static class StreamProof
{
    /// <summary>The identity of a stream, by its header alone.</summary>
    /// <param name="source">The stream, from its beginning.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The identity; null if it is no stream, or of a later format.</returns>
    public static async Task<Guid?> IdentifyAsync(Stream source, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(source);
        byte[] header = new byte[StreamFormat.HeaderLength];
        int read = await source.ReadAtLeastAsync(header, header.Length, throwOnEndOfStream: false, cancellationToken);
        try
        {
            StreamFormat.ReadHeader(header.AsSpan(0, read));
            return StreamFormat.Identity(header);
        }
        catch (OperatorException exception) when (exception.Id is "stream-foreign" or "stream-damaged" or "stream-format-unknown")
        {
            return null;
        }
    }

    /// <summary>
    /// Reads a stream to its end: every frame, the digest of all, and that every chunk of this release has the content of its name.
    /// </summary>
    /// <param name="source">The stream, from its beginning.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Its length in bytes.</returns>
    /// <exception cref="CorruptionException"><c>stream-foreign</c>, <c>stream-damaged</c>.</exception>
    /// <exception cref="OperatorException"><c>stream-format-unknown</c>.</exception>
    public static async Task<long> CheckAsync(Stream source, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(source);
        using FrameReader frames = new(source);
        await frames.BeginAsync(cancellationToken);
        while (await frames.ReadAsync(cancellationToken))
        {
            if (frames.Kind == FrameKind.Chunk
                && (frames.Payload.Length < ChunkId.Length
                    || ChunkId.Of(frames.Payload.Span[ChunkId.Length..]) != new ChunkId(frames.Payload.Span)))
            {
                throw StreamFormat.Damaged(frames.Bytes, "a chunk before that has not the content of its name");
            }
        }

        return frames.Bytes;
    }
}
