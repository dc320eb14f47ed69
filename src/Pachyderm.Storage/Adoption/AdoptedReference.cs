using System.Buffers;
using System.Buffers.Binary;
using System.IO.Hashing;
using System.Security.Cryptography;
using System.Text;
using Pachyderm.ObjectStores;
using Pachyderm.Storage.Packs;

namespace Pachyderm.Storage.Adoption;

/// <summary>
/// The payload of a record of an adopted pack: where the bytes of the chunk are. Everything needed to read them stands here, so that a
/// record serves even where the rest of its pack is damaged.
/// </summary>
/// <param name="Source">The name of the source.</param>
/// <param name="Key">What holds the object there.</param>
/// <param name="Offset">The object's first byte in it.</param>
/// <param name="ObjectLength">The object's length.</param>
/// <param name="SliceOffset">The chunk's first byte in the object; 0 if it is the whole object.</param>
/// <param name="Sha512">The SHA-512 of the object that the chunk is a slice of; null if it is the whole object.</param>
internal sealed record AdoptedReference(string Source, string Key, long Offset, long ObjectLength, long SliceOffset, byte[]? Sha512)
{
    /// <summary>Longest key in bytes of UTF-8.</summary>
    public const int MaximumKeyBytes = 3 * ObjectKey.MaxLength;

    /// <summary>Fewest bytes that a reference has.</summary>
    public const int MinimumLength = FixedLength + 2 + CheckLength;

    /// <summary>Most bytes that a reference has.</summary>
    public const int MaximumLength =
        FixedLength + AdoptionSource.MaximumNameLength + SHA512.HashSizeInBytes + MaximumHexBytes + MaximumKeyBytes + CheckLength;

    // Kind 1, bytes of the key's digits 1, bytes of the key's text 2, of the source's name 1, reserved 3, offset 8, object's length 8,
    // slice's offset 8; then the name, the SHA-512 of a slice's object, the digits, the text, and the check 8.
    private const int FixedLength = 32;
    private const int CheckLength = 8;
    private const int MaximumHexBytes = 64;
    private const byte WholeObject = 0;
    private const byte Slice = 1;
    private static readonly SearchValues<char> HexDigits = SearchValues.Create("0123456789abcdef");
    private const ulong CheckSeed = 0x5265666572656E63;

    /// <summary>The chunk's first byte in what holds the object.</summary>
    public long Start => Offset + SliceOffset;

    /// <summary>Writes the reference.</summary>
    /// <param name="pack">The pack that it goes into.</param>
    /// <param name="recordOffset">Where its record goes.</param>
    /// <param name="target">At least <see cref="MaximumLength"/> bytes.</param>
    /// <returns>Bytes written.</returns>
    public int Write(PackId pack, long recordOffset, Span<byte> target)
    {
        // Names of blocks and objects end in hexadecimal digits, which take half the room as bytes.
        int digits = Key.Length - Key.AsSpan().LastIndexOfAnyExcept(HexDigits) - 1;
        int hexBytes = Math.Min(digits / 2, MaximumHexBytes);
        ReadOnlySpan<char> text = Key.AsSpan(0, Key.Length - (2 * hexBytes));
        target[..FixedLength].Clear();
        target[0] = Sha512 is null ? WholeObject : Slice;
        target[1] = (byte)hexBytes;
        target[4] = (byte)Source.Length;
        BinaryPrimitives.WriteInt64LittleEndian(target[8..], Offset);
        BinaryPrimitives.WriteInt64LittleEndian(target[16..], ObjectLength);
        BinaryPrimitives.WriteInt64LittleEndian(target[24..], SliceOffset);
        int length = FixedLength + Encoding.ASCII.GetBytes(Source, target[FixedLength..]);
        Sha512?.CopyTo(target[length..]);
        length += Sha512?.Length ?? 0;
        Convert.FromHexString(Key.AsSpan(text.Length), target[length..], out _, out _);
        length += hexBytes;
        int textBytes = Encoding.UTF8.GetBytes(text, target[length..]);
        BinaryPrimitives.WriteUInt16LittleEndian(target[2..], (ushort)textBytes);
        length += textBytes;
        BinaryPrimitives.WriteUInt64LittleEndian(target[length..], Check(pack, recordOffset, target[..length]));
        return length + CheckLength;
    }

    /// <summary>Reads a reference.</summary>
    /// <param name="pack">The pack that holds it.</param>
    /// <param name="entry">The record that it is the payload of.</param>
    /// <param name="stored">The payload.</param>
    /// <returns>The reference, or null if it is damaged or not one to the bytes of this chunk.</returns>
    public static AdoptedReference? TryRead(PackId pack, PackEntry entry, ReadOnlySpan<byte> stored)
    {
        if (stored.Length is < MinimumLength or > MaximumLength
            || BinaryPrimitives.ReadUInt64LittleEndian(stored[^CheckLength..]) != Check(pack, entry.Offset, stored[..^CheckLength]))
        {
            return null;
        }

        int hexBytes = stored[1];
        int textBytes = BinaryPrimitives.ReadUInt16LittleEndian(stored[2..]);
        int nameLength = stored[4];
        int hashLength = stored[0] == Slice ? SHA512.HashSizeInBytes : 0;
        if (stored[0] is not (WholeObject or Slice) || stored[5..8].ContainsAnyExcept((byte)0)
            || FixedLength + nameLength + hashLength + hexBytes + textBytes + CheckLength != stored.Length)
        {
            return null;
        }

        ReadOnlySpan<byte> rest = stored[FixedLength..];
        string source = Encoding.ASCII.GetString(rest[..nameLength]);
        byte[]? sha512 = hashLength == 0 ? null : rest.Slice(nameLength, hashLength).ToArray();
        rest = rest[(nameLength + hashLength)..];
        string key = Encoding.UTF8.GetString(rest.Slice(hexBytes, textBytes)) + Convert.ToHexStringLower(rest[..hexBytes]);
        AdoptedReference reference = new(
            source, key, BinaryPrimitives.ReadInt64LittleEndian(stored[8..]), BinaryPrimitives.ReadInt64LittleEndian(stored[16..]),
            BinaryPrimitives.ReadInt64LittleEndian(stored[24..]), sha512);
        return reference.StandsFor(entry) ? reference : null;
    }

    /// <summary>Whether this is where the bytes of a chunk are, as far as that can be told without them.</summary>
    private bool StandsFor(PackEntry entry)
    {
        bool inBounds = Offset >= 0 && ObjectLength is > 0 and <= AdoptedChunks.MaximumObjectLength
            && Offset <= long.MaxValue - ObjectLength && SliceOffset >= 0 && SliceOffset < ObjectLength;
        if (!inBounds || !AdoptionSource.IsName(Source) || !ObjectKey.IsValid(Key))
        {
            return false;
        }

        return Sha512 is null
            ? AdoptedChunks.IsWhole(ObjectLength) && SliceOffset == 0 && entry.Payload.RawLength == ObjectLength
            : !AdoptedChunks.IsWhole(ObjectLength) && SliceOffset % AdoptedChunks.SliceLength == 0
                && entry.Payload.RawLength == AdoptedChunks.LengthAt(ObjectLength, SliceOffset)
                && entry.Id == AdoptedChunks.SliceId(Sha512, ObjectLength, SliceOffset);
    }

    private static ulong Check(PackId pack, long recordOffset, ReadOnlySpan<byte> bytes) =>
        XxHash3.HashToUInt64(bytes, (long)((pack.Seed + (ulong)recordOffset) ^ CheckSeed));
}
