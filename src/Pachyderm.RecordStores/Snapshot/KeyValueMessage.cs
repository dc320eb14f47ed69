namespace Pachyderm.RecordStores.Snapshot;

/// <summary>
/// etcd's <c>mvccpb.KeyValue</c> in protobuf's wire format, read in place: 1 key, 2 create_revision, 3 mod_revision, 4 version, 5 value,
/// 6 lease. Offsets count from the start of the message.
/// </summary>
internal readonly record struct KeyValueMessage(
    int KeyOffset,
    int KeyLength,
    long CreateRevision,
    long ModRevision,
    long Version,
    int ValueOffset,
    int ValueLength,
    long Lease)
{
    private const int LongestVarint = 10;

    /// <summary>Reads a message; false if the bytes are none. Fields that are not known are stepped over.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out KeyValueMessage message)
    {
        int keyOffset = 0, keyLength = 0, valueOffset = 0, valueLength = 0;
        long create = 0, mod = 0, version = 0, lease = 0;
        message = default;
        int position = 0;
        while (position < bytes.Length)
        {
            if (!TryReadVarint(bytes, ref position, out ulong tag))
            {
                return false;
            }

            ulong number = 0;
            switch (tag & 7)
            {
                case 0 when TryReadVarint(bytes, ref position, out number):
                    break;
                case 1 when bytes.Length - position >= 8:
                    position += 8;
                    break;
                case 2 when TryReadVarint(bytes, ref position, out number) && number <= (ulong)(bytes.Length - position):
                    position += (int)number;
                    break;
                case 5 when bytes.Length - position >= 4:
                    position += 4;
                    break;
                default:
                    return false;
            }

            switch (tag)
            {
                case (1 << 3) | 2:
                    (keyOffset, keyLength) = (position - (int)number, (int)number);
                    break;
                case 2 << 3:
                    create = (long)number;
                    break;
                case 3 << 3:
                    mod = (long)number;
                    break;
                case 4 << 3:
                    version = (long)number;
                    break;
                case (5 << 3) | 2:
                    (valueOffset, valueLength) = (position - (int)number, (int)number);
                    break;
                case 6 << 3:
                    lease = (long)number;
                    break;
                default:
                    break;
            }
        }

        message = new KeyValueMessage(keyOffset, keyLength, create, mod, version, valueOffset, valueLength, lease);
        return keyLength > 0;
    }

    /// <summary>Number of bytes that <see cref="Write"/> needs.</summary>
    public static int Measure(in StoredRecord record) =>
        MeasureBytes(record.Key.Length)
        + MeasureNumber(record.CreateRevision)
        + MeasureNumber(record.ModRevision)
        + MeasureNumber(record.Version)
        + MeasureBytes(record.Value.Length)
        + MeasureNumber(record.Lease);

    /// <summary>Writes a record; fields of no value are left out, as etcd does.</summary>
    public static void Write(Span<byte> destination, in StoredRecord record)
    {
        WriteBytes(ref destination, (1 << 3) | 2, record.Key.Span);
        WriteNumber(ref destination, 2 << 3, record.CreateRevision);
        WriteNumber(ref destination, 3 << 3, record.ModRevision);
        WriteNumber(ref destination, 4 << 3, record.Version);
        WriteBytes(ref destination, (5 << 3) | 2, record.Value.Span);
        WriteNumber(ref destination, 6 << 3, record.Lease);
    }

    private static bool TryReadVarint(ReadOnlySpan<byte> bytes, ref int position, out ulong number)
    {
        number = 0;
        for (int index = 0; index < LongestVarint && position < bytes.Length; index++)
        {
            byte next = bytes[position++];
            number |= (ulong)(next & 0x7f) << (7 * index);
            if (next < 0x80)
            {
                return true;
            }
        }

        return false;
    }

    private static int MeasureVarint(ulong number) => (int.Max(64 - System.Numerics.BitOperations.LeadingZeroCount(number), 1) + 6) / 7;

    private static int MeasureNumber(long number) => number == 0 ? 0 : 1 + MeasureVarint((ulong)number);

    private static int MeasureBytes(int length) => length == 0 ? 0 : 1 + MeasureVarint((ulong)length) + length;

    private static void WriteVarint(ref Span<byte> destination, ulong number)
    {
        int index = 0;
        for (; number >= 0x80; number >>= 7)
        {
            destination[index++] = (byte)(number | 0x80);
        }

        destination[index] = (byte)number;
        destination = destination[(index + 1)..];
    }

    private static void WriteNumber(ref Span<byte> destination, byte tag, long number)
    {
        if (number != 0)
        {
            destination[0] = tag;
            destination = destination[1..];
            WriteVarint(ref destination, (ulong)number);
        }
    }

    private static void WriteBytes(ref Span<byte> destination, byte tag, ReadOnlySpan<byte> bytes)
    {
        if (!bytes.IsEmpty)
        {
            destination[0] = tag;
            destination = destination[1..];
            WriteVarint(ref destination, (ulong)bytes.Length);
            bytes.CopyTo(destination);
            destination = destination[bytes.Length..];
        }
    }
}
