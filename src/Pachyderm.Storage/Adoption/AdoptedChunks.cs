using System.Buffers.Binary;
using System.Security.Cryptography;
using Pachyderm.Storage.Content;

namespace Pachyderm.Storage.Adoption;

/// <summary>Which chunks stand for an object of an older release. Decided by its name and length alone: no byte is read.</summary>
/// <remarks>
/// An object of up to <see cref="IChunkStore.MaximumLength"/> bytes is one chunk, named by the first 32 bytes of its SHA-512. A longer
/// one is slices of <see cref="SliceLength"/>, named by the complement of a SHA-256 over the object's SHA-512 and the place of the slice.
/// Either way nobody can find bytes whose own SHA-256 is such a name, so that native and adopted chunks are never taken for each other. A
/// name that were the SHA-256 of something known (the hash of a 1.5 file is the SHA-256 of its object's name) would be that of a file
/// with just that in it.
/// </remarks>
public static class AdoptedChunks
{
    /// <summary>Length of all slices of an object but the last.</summary>
    public const int SliceLength = 4 << 20;

    /// <summary>Longest object that can be adopted, 16 TiB: the check of its slices is a table in memory.</summary>
    public const long MaximumObjectLength = 16L << 40;

    private static ReadOnlySpan<byte> SliceLabel => "pachyderm slice\0"u8;

    /// <summary>The chunks of an object, in order; none for an object without bytes.</summary>
    /// <param name="hash">The SHA-512 of its bytes as 128 lower-case hexadecimal digits.</param>
    /// <param name="length">Its length in bytes.</param>
    /// <exception cref="ArgumentException">The hash is none, or the length negative or above <see cref="MaximumObjectLength"/>.</exception>
    public static IEnumerable<ChunkReference> Of(string hash, long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, MaximumObjectLength);
        byte[] sha512 = new byte[SHA512.HashSizeInBytes];
        return TryParseHash(hash, sha512)
            ? List(sha512, length) : throw new ArgumentException("Not a SHA-512 in lower-case digits.", nameof(hash));
    }

    /// <summary>The chunk that an object is, if it is one chunk; null if the hash is none.</summary>
    /// <param name="hash">The SHA-512 of its bytes as 128 lower-case hexadecimal digits.</param>
    public static ChunkId? FindWhole(ReadOnlySpan<char> hash)
    {
        Span<byte> sha512 = stackalloc byte[SHA512.HashSizeInBytes];
        return TryParseHash(hash, sha512) ? WholeId(sha512) : null;
    }

    /// <summary>Reads 128 lower-case hexadecimal digits.</summary>
    internal static bool TryParseHash(ReadOnlySpan<char> hash, Span<byte> sha512) =>
        hash.Length == 2 * SHA512.HashSizeInBytes && !hash.ContainsAnyInRange('A', 'F')
        && Convert.FromHexString(hash, sha512, out _, out _) == System.Buffers.OperationStatus.Done;

    /// <summary>Whether an object of this length is one chunk.</summary>
    internal static bool IsWhole(long length) => length <= IChunkStore.MaximumLength;

    /// <summary>How many chunks an object of this length is.</summary>
    internal static long CountOf(long length) => IsWhole(length) ? Math.Sign(length) : ((length - 1) / SliceLength) + 1;

    /// <summary>The name of an object that is one chunk.</summary>
    internal static ChunkId WholeId(ReadOnlySpan<byte> sha512) => new(sha512);

    /// <summary>The name of a slice.</summary>
    internal static ChunkId SliceId(ReadOnlySpan<byte> sha512, long objectLength, long offset)
    {
        Span<byte> place = stackalloc byte[16 + SHA512.HashSizeInBytes + 16];
        SliceLabel.CopyTo(place);
        sha512.CopyTo(place[16..]);
        BinaryPrimitives.WriteInt64LittleEndian(place[80..], objectLength);
        BinaryPrimitives.WriteInt64LittleEndian(place[88..], offset);
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(place, hash);
        foreach (ref byte value in hash)
        {
            value = (byte)~value;
        }

        return new ChunkId(hash);
    }

    /// <summary>Length of the slice at an offset.</summary>
    internal static int LengthAt(long objectLength, long offset) => (int)Math.Min(SliceLength, objectLength - offset);

    /// <summary>The chunks of an object.</summary>
    internal static IEnumerable<ChunkReference> List(byte[] sha512, long length)
    {
        if (IsWhole(length))
        {
            if (length > 0)
            {
                yield return new ChunkReference(WholeId(sha512), length);
            }

            yield break;
        }

        for (long offset = 0; offset < length; offset += SliceLength)
        {
            yield return new ChunkReference(SliceId(sha512, length, offset), LengthAt(length, offset));
        }
    }
}
