using System.Buffers.Binary;
using Google.Protobuf.Reflection;
using Pachyderm.Formats.Schema;

namespace Pachyderm.Formats;

/// <summary>A strict reading of wire bytes: are they exactly what upstream's marshaller writes for some message of a type?</summary>
public static class CanonicalWire
{
    private const int MaxDepth = 100;

    /// <summary>
    /// Whether <paramref name="wire"/> would come back byte for byte from a parse and a new serialization, and holds nothing that the type
    /// does not declare: fields in ascending number, each singular one once, shortest varints, packed where declared so, no scalar that
    /// equals its default, values in the range of their type, at most 100 levels. The empty message is canonical. Allocates nothing.
    /// </summary>
    /// <param name="descriptor">The message type, from <c>Pachyderm.Formats.V1_4</c> or <c>V1_5</c>.</param>
    /// <param name="wire">The bytes to judge.</param>
    public static bool IsCanonical(MessageDescriptor descriptor, ReadOnlySpan<byte> wire)
    {
        ArgumentNullException.ThrowIfNull(descriptor);
        return IsCanonical(MessageShape.Of(descriptor), wire, 0);
    }

    internal static bool IsCanonical(MessageShape shape, ReadOnlySpan<byte> wire, int depth)
    {
        if (depth > MaxDepth)
        {
            return false;
        }

        int lastNumber = 0;
        while (!wire.IsEmpty)
        {
            if (!Wire.TryReadVarint(wire, out ulong tag, out int tagSize) || tag > uint.MaxValue)
            {
                return false;
            }

            var field = shape.Find((int)(tag >> 3));
            if (field is null || field.Tag != tag || tagSize != field.TagBytes.Length)
            {
                return false;
            }

            bool mayRepeat = field is { IsRepeated: true, IsPacked: false };
            if (field.Number < lastNumber || (field.Number == lastNumber && !mayRepeat))
            {
                return false;
            }

            lastNumber = field.Number;
            if (!TryReadValue(field, wire[tagSize..], depth, out int size))
            {
                return false;
            }

            wire = wire[(tagSize + size)..];
        }

        return true;
    }

    private static bool TryReadValue(FieldShape field, ReadOnlySpan<byte> wire, int depth, out int size)
    {
        if (field.Kind is not (FieldKind.Bytes or FieldKind.Message) && !field.IsPacked)
        {
            return TryReadScalar(field, wire, !field.IsRepeated && !field.AlwaysWritten, out size);
        }

        size = 0;
        if (!Wire.TryReadVarint(wire, out ulong length, out int prefix)
            || prefix != Wire.VarintSize(length)
            || length > (ulong)(wire.Length - prefix))
        {
            return false;
        }

        size = prefix + (int)length;
        var content = wire[prefix..size];
        if (field.IsPacked)
        {
            return IsCanonicalBlock(field, content);
        }

        return field.Kind == FieldKind.Message
            ? IsCanonical(field.Message!, content, depth + 1)
            : !content.IsEmpty || field.IsRepeated || field.AlwaysWritten;
    }

    private static bool IsCanonicalBlock(FieldShape field, ReadOnlySpan<byte> block)
    {
        if (block.IsEmpty)
        {
            return false;
        }

        while (!block.IsEmpty)
        {
            if (!TryReadScalar(field, block, mustDiffer: false, out int size))
            {
                return false;
            }

            block = block[size..];
        }

        return true;
    }

    private static bool TryReadScalar(FieldShape field, ReadOnlySpan<byte> wire, bool mustDiffer, out int size)
    {
        size = 0;
        ulong value;
        switch (field.Kind)
        {
            case FieldKind.Double:
                size = sizeof(ulong);
                return BinaryPrimitives.TryReadUInt64LittleEndian(wire, out value) && (value != 0 || !mustDiffer);
            case FieldKind.Float:
                size = sizeof(uint);
                return BinaryPrimitives.TryReadUInt32LittleEndian(wire, out uint bits) && (bits != 0 || !mustDiffer);
        }

        if (!Wire.TryReadVarint(wire, out value, out size) || size != Wire.VarintSize(value) || (value == 0 && mustDiffer))
        {
            return false;
        }

        return field.Kind switch
        {
            FieldKind.Bool => value <= 1,
            FieldKind.Int32 or FieldKind.Enum => (long)value is >= int.MinValue and <= int.MaxValue,
            FieldKind.UInt32 => value <= uint.MaxValue,
            _ => true,
        };
    }
}
