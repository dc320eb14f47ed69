using System.Buffers;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Pachyderm.Wire.Pfs;

namespace Pachyderm.Client.Transport;

/// <summary>A piece of content in a pooled buffer: <c>google.protobuf.BytesValue</c> without an allocation of its own.</summary>
/// <param name="buffer">Rented from the shared pool; may be longer than the content.</param>
/// <param name="length">Length of the content in bytes.</param>
internal sealed class Chunk(byte[] buffer, int length) : IDisposable
{
    private const byte ValueTag = (1 << 3) | 2;

    private byte[]? _buffer = buffer;

    /// <summary>The content, until disposal.</summary>
    public ReadOnlyMemory<byte> Memory => _buffer.AsMemory(0, length);

    /// <summary>Reads the message.</summary>
    public static Chunk Parse(DeserializationContext context)
    {
        ReadOnlySequence<byte> payload = context.PayloadAsReadOnlySequence();
        if (!TryFindValue(payload, out ReadOnlySequence<byte> value))
        {
            // Not the one form that servers send; the general parser decides what it is.
            value = new ReadOnlySequence<byte>(BytesValue.Parser.ParseFrom(payload).Value.Memory);
        }

        int length = checked((int)value.Length);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(length);
        value.CopyTo(buffer);
        return new Chunk(buffer, length);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _buffer, null) is { } rented)
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    // One field with number 1 that fills the message.
    private static bool TryFindValue(in ReadOnlySequence<byte> payload, out ReadOnlySequence<byte> value)
    {
        value = default;
        if (payload.IsEmpty)
        {
            return true;
        }

        SequenceReader<byte> reader = new(payload);
        if (!reader.TryRead(out byte tag) || tag != ValueTag)
        {
            return false;
        }

        ulong length = 0;
        for (int shift = 0; shift < 35; shift += 7)
        {
            if (!reader.TryRead(out byte part))
            {
                return false;
            }

            length |= (ulong)(part & 0x7F) << shift;
            if ((part & 0x80) == 0)
            {
                value = reader.UnreadSequence;
                return length == (ulong)reader.Remaining;
            }
        }

        return false;
    }
}

/// <summary>The methods that answer with content, bound to <see cref="Chunk"/>.</summary>
internal static class ChunkMethods
{
    private static readonly Marshaller<Chunk> Chunks = Marshallers.Create<Chunk>(
        (_, _) => throw new NotSupportedException("Content is only received this way."), Chunk.Parse);

    /// <summary><c>pfs.API/GetFile</c>.</summary>
    public static Method<GetFileRequest, Chunk> GetFile { get; } = Create("pfs.API", "GetFile", GetFileRequest.Parser);

    /// <summary><c>pfs.ObjectAPI/GetObject</c>.</summary>
    public static Method<Wire.Pfs.Object, Chunk> GetObject { get; } = Create("pfs.ObjectAPI", "GetObject", Wire.Pfs.Object.Parser);

    /// <summary><c>pfs.ObjectAPI/GetObjects</c>.</summary>
    public static Method<GetObjectsRequest, Chunk> GetObjects { get; } = Create("pfs.ObjectAPI", "GetObjects", GetObjectsRequest.Parser);

    /// <summary><c>pfs.ObjectAPI/GetTag</c>.</summary>
    public static Method<Tag, Chunk> GetTag { get; } = Create("pfs.ObjectAPI", "GetTag", Tag.Parser);

    private static Method<TRequest, Chunk> Create<TRequest>(string service, string name, MessageParser<TRequest> parser)
        where TRequest : class, IMessage<TRequest> =>
        new(
            MethodType.ServerStreaming, service, name,
            Marshallers.Create(Write, context => parser.ParseFrom(context.PayloadAsReadOnlySequence())), Chunks);

    private static void Write<TRequest>(TRequest message, SerializationContext context)
        where TRequest : class, IMessage<TRequest>
    {
        context.SetPayloadLength(message.CalculateSize());
        message.WriteTo(context.GetBufferWriter());
        context.Complete();
    }
}
