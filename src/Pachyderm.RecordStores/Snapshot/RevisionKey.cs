using System.Buffers.Binary;

namespace Pachyderm.RecordStores.Snapshot;

/// <summary>
/// A key of etcd's <c>key</c> bucket: main revision (8 bytes, big endian), '_', sub revision (8 bytes, big endian), and a 't' if the
/// entry is a tombstone. Several writes of one transaction share a main revision and count up the sub revision.
/// </summary>
internal readonly record struct RevisionKey(long Main, long Sub, bool Tombstone) : IComparable<RevisionKey>
{
    /// <summary>No etcd reaches it. Below it, counting up further cannot overflow.</summary>
    private const long Limit = 1L << 62;

    /// <summary>Bytes of the key of a put.</summary>
    public const int Length = 17;

    public static bool TryRead(ReadOnlySpan<byte> key, out RevisionKey revision)
    {
        revision = default;
        if (key.Length is not (Length or Length + 1) || key[8] != '_' || (key.Length > Length && key[Length] != 't'))
        {
            return false;
        }

        revision = new RevisionKey(
            BinaryPrimitives.ReadInt64BigEndian(key),
            BinaryPrimitives.ReadInt64BigEndian(key[9..]),
            key.Length > Length);
        return revision.Main is >= 0 and < Limit && revision.Sub is >= 0 and < Limit;
    }

    /// <summary>Writes the key of a put.</summary>
    public static void Write(Span<byte> destination, long main, long sub)
    {
        BinaryPrimitives.WriteInt64BigEndian(destination, main);
        destination[8] = (byte)'_';
        BinaryPrimitives.WriteInt64BigEndian(destination[9..], sub);
    }

    /// <summary>Orders by main, then by sub revision, as the bytes do.</summary>
    public int CompareTo(RevisionKey other) => Main != other.Main ? Main.CompareTo(other.Main) : Sub.CompareTo(other.Sub);
}
