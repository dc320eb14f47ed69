using System.Buffers.Binary;
using System.Security.Cryptography;
using Pachyderm.Errors;

namespace Pachyderm.Portable;

/// <summary>Reads the frames of a stream, each checked. Not safe for concurrent use.</summary>
/// <param name="source">The stream; not owned.</param>
internal sealed class FrameReader(Stream source) : IDisposable
{
    private readonly IncrementalHash _sha256 = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly byte[] _header = new byte[StreamFormat.FrameHeaderLength];
    private readonly byte[] _check = new byte[StreamFormat.CheckLength];
    private byte[] _payload = new byte[64 * 1024];
    private long _seed;
    private long _frames;

    /// <summary>Bytes read so far.</summary>
    public long Bytes { get; private set; }

    /// <summary>What the frame holds.</summary>
    public FrameKind Kind { get; private set; }

    /// <summary>Its payload; valid until the next is read.</summary>
    public ReadOnlyMemory<byte> Payload { get; private set; }

    /// <exception cref="CorruptionException">As <see cref="StreamFormat.ReadHeader"/>.</exception>
    public async Task BeginAsync(CancellationToken cancellationToken)
    {
        byte[] header = new byte[StreamFormat.HeaderLength];
        int read = await source.ReadAtLeastAsync(header, header.Length, throwOnEndOfStream: false, cancellationToken);
        _seed = StreamFormat.ReadHeader(header.AsSpan(0, read));
        _sha256.AppendData(header);
        Bytes = read;
    }

    /// <summary>Reads the next frame.</summary>
    /// <returns>False at the end, when everything is proved to be there.</returns>
    /// <exception cref="CorruptionException"><c>stream-damaged</c>.</exception>
    public async Task<bool> ReadAsync(CancellationToken cancellationToken)
    {
        long start = Bytes;
        byte[] soFar = _sha256.GetCurrentHash();
        await ReadExactlyAsync(_header, start, cancellationToken);
        int length = BinaryPrimitives.ReadInt32LittleEndian(_header.AsSpan(4));
        if (length < 0 || length > StreamFormat.MaximumPayload || _header.AsSpan(1, 3).ContainsAnyExcept((byte)0))
        {
            throw StreamFormat.Damaged(start, "a frame there is damaged");
        }

        await ReadPayloadAsync(length, start, cancellationToken);
        await ReadExactlyAsync(_check, start, cancellationToken);
        if (BinaryPrimitives.ReadUInt64LittleEndian(_check) != StreamFormat.Check(_header, Payload.Span, _seed, _frames))
        {
            throw StreamFormat.Damaged(start, "a frame there is damaged");
        }

        Kind = (FrameKind)_header[0];
        if (Kind == FrameKind.End)
        {
            await CheckEndAsync(start, soFar, cancellationToken);
            return false;
        }

        _frames++;
        return Kind <= FrameKind.NamedChunk ? true : throw StreamFormat.Damaged(start, $"a frame there is of the unknown kind {_header[0]}");
    }

    public void Dispose() => _sha256.Dispose();

    // Grows with what has come, so that a wrong length allocates no more than twice what is there.
    private async Task ReadPayloadAsync(int length, long start, CancellationToken cancellationToken)
    {
        int read = 0;
        while (read < length)
        {
            if (read == _payload.Length)
            {
                Array.Resize(ref _payload, Math.Min(StreamFormat.MaximumPayload, 2 * _payload.Length));
            }

            Memory<byte> part = _payload.AsMemory(read, Math.Min(length, _payload.Length) - read);
            await ReadExactlyAsync(part, start, cancellationToken);
            read += part.Length;
        }

        Payload = _payload.AsMemory(0, length);
    }

    private async Task ReadExactlyAsync(Memory<byte> target, long start, CancellationToken cancellationToken)
    {
        int read = await source.ReadAtLeastAsync(target, target.Length, throwOnEndOfStream: false, cancellationToken);
        if (read < target.Length)
        {
            throw StreamFormat.Damaged(start, "it is cut off there");
        }

        _sha256.AppendData(target.Span);
        Bytes += read;
    }

    private async Task CheckEndAsync(long start, byte[] soFar, CancellationToken cancellationToken)
    {
        if (Payload.Length != StreamFormat.EndLength || BinaryPrimitives.ReadInt64LittleEndian(Payload.Span) != _frames
            || !Payload.Span[sizeof(long)..].SequenceEqual(soFar))
        {
            throw StreamFormat.Damaged(start, "its SHA-256 or the number of its frames is wrong");
        }

        byte[] more = new byte[1];
        if (await source.ReadAsync(more, cancellationToken) > 0)
        {
            throw StreamFormat.Damaged(Bytes, "something follows its end");
        }
    }
}
