using System.Buffers;
using System.Buffers.Binary;
using System.IO.Hashing;

namespace Pachyderm.Migration.Survey;

/// <summary>
/// A 256-bit digest of a set of records that does not depend on their order: the sum, modulo 2^256, of two differently seeded XXH128 hashes
/// of
/// each record's key length, key and value. A live etcd is read in key order and a snapshot in revision order, and both must give the
/// same digest without sorting. It guards against accident, not against a forger: backups and snapshots bear a SHA-256 of their own.
/// </summary>
public struct MultisetDigest : IEquatable<MultisetDigest>
{
    private const int StackLimit = 2048;
    private const long SecondSeed = 0x5061636879646572;

    private ulong _a;
    private ulong _b;
    private ulong _c;
    private ulong _d;

    /// <summary>The digest of one record.</summary>
    public static MultisetDigest Of(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        int total = sizeof(int) + key.Length + value.Length;
        byte[]? rented = total > StackLimit ? ArrayPool<byte>.Shared.Rent(total) : null;
        Span<byte> joined = rented is null ? stackalloc byte[StackLimit] : rented;
        BinaryPrimitives.WriteInt32LittleEndian(joined, key.Length);
        key.CopyTo(joined[sizeof(int)..]);
        value.CopyTo(joined[(sizeof(int) + key.Length)..]);
        UInt128 first = XxHash128.HashToUInt128(joined[..total]);
        UInt128 second = XxHash128.HashToUInt128(joined[..total], SecondSeed);
        if (rented is not null)
        {
            ArrayPool<byte>.Shared.Return(rented);
        }

        return new MultisetDigest { _a = (ulong)first, _b = (ulong)(first >> 64), _c = (ulong)second, _d = (ulong)(second >> 64) };
    }

    /// <summary>Adds all records of another digest.</summary>
    public void Add(MultisetDigest other)
    {
        UInt128 sum = (UInt128)_a + other._a;
        _a = (ulong)sum;
        sum = (UInt128)_b + other._b + (ulong)(sum >> 64);
        _b = (ulong)sum;
        sum = (UInt128)_c + other._c + (ulong)(sum >> 64);
        _c = (ulong)sum;
        _d = unchecked(_d + other._d + (ulong)(sum >> 64));
    }

    /// <inheritdoc/>
    public readonly bool Equals(MultisetDigest other) => _a == other._a && _b == other._b && _c == other._c && _d == other._d;

    /// <inheritdoc/>
    public override readonly bool Equals(object? obj) => obj is MultisetDigest other && Equals(other);

    /// <inheritdoc/>
    public override readonly int GetHashCode() => HashCode.Combine(_a, _b, _c, _d);

    /// <summary>The digest as 64 lower-case hexadecimal digits.</summary>
    public override readonly string ToString()
    {
        Span<byte> bytes = stackalloc byte[4 * sizeof(ulong)];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, _d);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[8..], _c);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[16..], _b);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[24..], _a);
        return Convert.ToHexStringLower(bytes);
    }

    /// <summary>Whether two digests are equal.</summary>
    public static bool operator ==(MultisetDigest left, MultisetDigest right) => left.Equals(right);

    /// <summary>Whether two digests differ.</summary>
    public static bool operator !=(MultisetDigest left, MultisetDigest right) => !left.Equals(right);
}
