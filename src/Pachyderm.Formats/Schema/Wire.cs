using System.Numerics;

namespace Pachyderm.Formats.Schema;

/// <summary>Varints of the protobuf wire format.</summary>
internal static class Wire
{
    public const int MaxVarint = 10;

    public static int VarintSize(ulong value) => ((BitOperations.Log2(value | 1) * 9) + 73) >> 6;

    /// <summary>Writes <paramref name="value"/> in its shortest form. There must be room for it.</summary>
    public static int WriteVarint(Span<byte> target, ulong value)
    {
        int n = 0;
        while (value >= 0x80)
        {
            target[n++] = (byte)(value | 0x80);
            value >>= 7;
        }

        target[n] = (byte)value;
        return n + 1;
    }

    /// <summary>Reads a varint of at most 10 bytes that fits 64 bits.</summary>
    public static bool TryReadVarint(ReadOnlySpan<byte> source, out ulong value, out int size)
    {
        value = 0;
        for (size = 0; size < source.Length && size < MaxVarint;)
        {
            byte b = source[size];
            if (size == MaxVarint - 1 && b > 1)
            {
                return false;
            }

            value |= (ulong)(b & 0x7f) << (7 * size++);
            if (b < 0x80)
            {
                return true;
            }
        }

        return false;
    }
}
