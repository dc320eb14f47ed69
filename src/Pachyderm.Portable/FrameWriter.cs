using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Pachyderm.Portable;

/// <summary>Writes the frames of a stream. Not safe for concurrent use.</summary>
/// <param name="target">Where to; should gather small writes. Not owned.</param>
internal sealed class FrameWriter(Stream target) : IDisposable
{
    private readonly IncrementalHash _sha256 = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly byte[] _header = new byte[StreamFormat.FrameHeaderLength];
    private readonly byte[] _check = new byte[StreamFormat.CheckLength];
    private long _seed;
    private long _frames;

    /// <summary>Bytes written so far.</summary>
    public long Bytes { get; private set; }

    public async Task BeginAsync(Guid id, DateTimeOffset time, CancellationToken cancellationToken)
    {
        byte[] header = new byte[StreamFormat.HeaderLength];
        StreamFormat.WriteHeader(id, time, header);
        _seed = StreamFormat.Seed(header);
        await WriteAsync(header, cancellationToken);
    }

    public Task WriteAsync<T>(FrameKind kind, T document, JsonTypeInfo<T> type, CancellationToken cancellationToken) =>
        WriteBytesAsync(kind, JsonSerializer.SerializeToUtf8Bytes(document, type), default, cancellationToken);

    /// <summary>Writes a frame whose payload has up to two parts.</summary>
    public async Task WriteBytesAsync(FrameKind kind, ReadOnlyMemory<byte> first, ReadOnlyMemory<byte> second, CancellationToken cancellationToken)
    {
        int length = checked(first.Length + second.Length);
        if (length > StreamFormat.MaximumPayload)
        {
            throw new InvalidOperationException("A record is longer than a frame may be.");
        }

        _header.AsSpan().Clear();
        _header[0] = (byte)kind;
        BinaryPrimitives.WriteInt32LittleEndian(_header.AsSpan(4), length);
        System.IO.Hashing.XxHash3 check = new(_seed ^ _frames);
        check.Append(_header);
        check.Append(first.Span);
        check.Append(second.Span);
        BinaryPrimitives.WriteUInt64LittleEndian(_check, check.GetCurrentHashAsUInt64());
        await WriteAsync(_header, cancellationToken);
        await WriteAsync(first, cancellationToken);
        await WriteAsync(second, cancellationToken);
        await WriteAsync(_check, cancellationToken);
        _frames++;
    }

    /// <summary>Writes the last frame.</summary>
    public async Task EndAsync(CancellationToken cancellationToken)
    {
        byte[] end = new byte[StreamFormat.EndLength];
        BinaryPrimitives.WriteInt64LittleEndian(end, _frames);
        _sha256.GetCurrentHash().CopyTo(end.AsSpan(sizeof(long)));
        await WriteBytesAsync(FrameKind.End, end, default, cancellationToken);
        await target.FlushAsync(cancellationToken);
    }

    public void Dispose() => _sha256.Dispose();

    private async Task WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        _sha256.AppendData(bytes.Span);
        Bytes += bytes.Length;
        await target.WriteAsync(bytes, cancellationToken);
    }
}
