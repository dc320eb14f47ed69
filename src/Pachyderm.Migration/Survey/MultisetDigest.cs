using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Pachyderm.Migration.Survey;

/// <summary>
/// A 256-bit digest of a set of records that does not depend on their order: the sum, modulo 2^256, of the SHA-256 of each
/// record's key length, key and value. A live etcd is read in key order and a snapshot in revision order, and both must give
/// the same digest without sorting. Guards against accident, not against a forger who can choose many records.
/// </summary>
public struct MultisetDigest : IEquatable<MultisetDigest>
{
    private const int StackLimit = 2048;

    private ulong _a;
    private ulong _b;
    private ulong _c;
    private ulong _d;

    /// <summary>Adds one record.</summary>
    public void Add(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        int total = sizeof(int) + key.Length + value.Length;
        byte[]? rented = total > StackLimit ? System.Buffers.ArrayPool<byte>.Shared.Rent(total) : null;
        Span<byte> joined = rented is null ? stackalloc byte[StackLimit] : rented;
        BinaryPrimitives.WriteInt32LittleEndian(joined, key.Length);
        key.CopyTo(joined[sizeof(int)..]);
        value.CopyTo(joined[(sizeof(int) + key.Length)..]);
        SHA256.HashData(joined[..total], hash);
        if (rented is not null)
        {
            System.Buffers.ArrayPool<byte>.Shared.Return(rented);
        }

        MultisetDigest one = default;
        one._a = BinaryPrimitives.ReadUInt64LittleEndian(hash);
        one._b = BinaryPrimitives.ReadUInt64LittleEndian(hash[8..]);
        one._c = BinaryPrimitives.ReadUInt64LittleEndian(hash[16..]);
        one._d = BinaryPrimitives.ReadUInt64LittleEndian(hash[24..]);
        Add(one);
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
        Span<byte> bytes = stackalloc byte[SHA256.HashSizeInBytes];
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
