using System.Buffers.Binary;
using System.Text;
using Pachyderm.Metadata;

namespace Pachyderm.Pfs;

/// <summary>
/// When each object was last put, tagged or untagged: rows of the metadata store in space 101, with the hash for key. A value is the format, 1,
/// the lowest format of a reader, and the UTC ticks, big-endian. Objects of older stores have no row until the first collection sees them.
/// </summary>
internal static class ObjectAges
{
    private const int Space = 101;
    private const byte Format = 1;
    private const int Length = 10;

    /// <summary>Records that the object was used now.</summary>
    public static void Touch(IMetadataWriter transaction, string hash, DateTimeOffset now)
    {
        Span<byte> value = stackalloc byte[Length];
        value[0] = Format;
        value[1] = Format;
        BinaryPrimitives.WriteInt64BigEndian(value[2..], now.UtcTicks);
        transaction.PutRow(Space, Encoding.UTF8.GetBytes(hash), value);
    }

    /// <summary>Forgets an object that is gone.</summary>
    public static void Forget(IMetadataWriter transaction, string hash) => transaction.DeleteRow(Space, Encoding.UTF8.GetBytes(hash));

    /// <summary>When the object was last used; null if nobody knows. What a later release wrote that this one cannot read counts as the latest moment.</summary>
    public static DateTimeOffset? Find(IMetadataReader reader, string hash)
    {
        if (reader.FindRow(Space, Encoding.UTF8.GetBytes(hash)) is not { } row)
        {
            return null;
        }
        ReadOnlySpan<byte> value = row.Span;
        if (value.Length < Length || value[1] > Format)
        {
            return DateTimeOffset.MaxValue;
        }
        long ticks = BinaryPrimitives.ReadInt64BigEndian(value[2..]);
        return ticks >= 0 && ticks <= DateTimeOffset.MaxValue.Ticks ? new DateTimeOffset(ticks, TimeSpan.Zero) : DateTimeOffset.MaxValue;
    }
}
