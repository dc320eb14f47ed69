using System.Buffers.Binary;
using Pachyderm.Pps.Identity;
using Pachyderm.Storage.Content;

namespace Pachyderm.Scheduling;

/// <summary>The first hexadecimal digits of an identifier or a tag of a datum, or all of them.</summary>
internal sealed class DigitPrefix
{
    private const int IdDigits = 2 * ChunkId.Length;
    private const int TagDigits = (2 * sizeof(ushort)) + IdDigits;

    private readonly byte[] digits;

    private DigitPrefix(byte[] digits) => this.digits = digits;

    /// <summary>Whether it is a whole identifier or a whole tag.</summary>
    public bool IsWhole => digits.Length is IdDigits or TagDigits;

    /// <summary>Reads 1 to 68 digits of either case; null if the text is anything else.</summary>
    public static DigitPrefix? Parse(string text) => text.Length is > 0 and <= TagDigits && text.All(char.IsAsciiHexDigit)
        ? new DigitPrefix([.. text.Select(static digit => (byte)Convert.ToInt32(digit.ToString(), 16))])
        : null;

    /// <summary>Whether a tag begins with these digits.</summary>
    public bool IsFrontOf(DatumTag tag)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ushort) + ChunkId.Length];
        BinaryPrimitives.WriteUInt16BigEndian(bytes, tag.Prefix ?? 0);
        tag.Hash.CopyTo(bytes[sizeof(ushort)..]);
        return IsFrontOf(bytes);
    }

    /// <summary>Whether an identifier begins with these digits.</summary>
    public bool IsFrontOf(ChunkId id)
    {
        Span<byte> bytes = stackalloc byte[ChunkId.Length];
        id.CopyTo(bytes);
        return IsFrontOf(bytes);
    }

    private bool IsFrontOf(ReadOnlySpan<byte> bytes)
    {
        if (digits.Length > 2 * bytes.Length)
        {
            return false;
        }
        for (int i = 0; i < digits.Length; i++)
        {
            int digit = i % 2 == 0 ? bytes[i / 2] >> 4 : bytes[i / 2] & 0xf;
            if (digit != digits[i])
            {
                return false;
            }
        }
        return true;
    }
}
