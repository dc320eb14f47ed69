using System.Buffers.Binary;
using Pachyderm.Storage.Content;

namespace Pachyderm.Storage.Trees.Nodes;

/// <summary>Bytes that grow at their end; the counterpart of <see cref="ByteReader"/>.</summary>
internal sealed class ByteBuffer(int capacity)
{
    private byte[] bytes = new byte[capacity];

    internal int Length { get; private set; }

    internal ReadOnlyMemory<byte> Memory => bytes.AsMemory(0, Length);

    internal ReadOnlySpan<byte> Span => bytes.AsSpan(0, Length);

    internal void Clear() => Length = 0;

    internal void Byte(byte value) => Reserve(1)[0] = value;

    internal void Bytes(ReadOnlySpan<byte> value) => value.CopyTo(Reserve(value.Length));

    internal void Id(ChunkId value) => value.CopyTo(Reserve(ChunkId.Length));

    internal void Number(long value)
    {
        ulong rest = (ulong)value;
        while (rest >= 0x80)
        {
            Byte((byte)(rest | 0x80));
            rest >>= 7;
        }
        Byte((byte)rest);
    }

    internal void Fixed32(int value) => BinaryPrimitives.WriteInt32LittleEndian(Reserve(sizeof(int)), value);

    /// <summary>Replaces four bytes that were written before.</summary>
    internal void Fixed32At(int position, int value) => BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(position), value);

    private Span<byte> Reserve(int count)
    {
        int start = Length;
        if (bytes.Length - start < count)
        {
            Array.Resize(ref bytes, Math.Max(bytes.Length * 2, start + count));
        }
        Length = start + count;
        return bytes.AsSpan(start, count);
    }
}
