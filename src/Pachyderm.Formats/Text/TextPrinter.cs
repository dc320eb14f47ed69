using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using Pachyderm.Formats.Schema;

namespace Pachyderm.Formats.Text;

/// <summary>Prints wire bytes as compact text. Lenient about order and repetition of fields on the wire, as every reader is.</summary>
internal static class TextPrinter
{
    private const int MaxDepth = 100;

    public static bool TryPrint(MessageShape shape, ReadOnlySpan<byte> wire, ArrayBufferWriter<byte> text, int depth)
    {
        if (depth > MaxDepth || !TryCollect(shape, wire, out var elements))
        {
            return false;
        }

        foreach (var field in shape.Fields)
        {
            var values = elements[field.Index];
            if (values is null)
            {
                if (shape.IsMapEntry && field.Kind != FieldKind.Message)
                {
                    PrintScalar(field, default, text);
                }

                continue;
            }

            if (!TryPrintField(field, values, wire, text, depth, isEntry: shape.IsMapEntry))
            {
                return false;
            }
        }

        return true;
    }

    public static void PrintQuoted(ReadOnlySpan<byte> value, IBufferWriter<byte> text)
    {
        var target = text.GetSpan((value.Length * 4) + 2);
        int n = 0;
        target[n++] = (byte)'"';
        foreach (byte b in value)
        {
            byte letter = b switch
            {
                (byte)'\n' => (byte)'n',
                (byte)'\r' => (byte)'r',
                (byte)'\t' => (byte)'t',
                (byte)'"' or (byte)'\\' => b,
                _ => 0,
            };
            if (letter != 0)
            {
                target[n++] = (byte)'\\';
                target[n++] = letter;
            }
            else if (b is >= 0x20 and < 0x7f)
            {
                target[n++] = b;
            }
            else
            {
                target[n++] = (byte)'\\';
                target[n++] = (byte)('0' + (b >> 6));
                target[n++] = (byte)('0' + ((b >> 3) & 7));
                target[n++] = (byte)('0' + (b & 7));
            }
        }

        target[n++] = (byte)'"';
        text.Advance(n);
    }

    private static bool TryPrintField(
        FieldShape field, List<Range> values, ReadOnlySpan<byte> wire, ArrayBufferWriter<byte> text, int depth, bool isEntry)
    {
        if (field.Kind != FieldKind.Message)
        {
            // The last one counts where there can be only one.
            int first = field.IsRepeated ? 0 : values.Count - 1;
            for (int i = first; i < values.Count; i++)
            {
                var value = wire[values[i]];
                if (field.IsRepeated || isEntry || field.AlwaysWritten || !IsDefault(field, value))
                {
                    PrintScalar(field, value, text);
                }
            }

            return true;
        }

        if (!field.IsRepeated && values.Count > 1)
        {
            // Several parts of one message are merged by putting their bytes one after the other.
            var merged = new ArrayBufferWriter<byte>();
            foreach (var part in values)
            {
                merged.Write(wire[part]);
            }

            return TryPrintNested(field, merged.WrittenSpan, text, depth);
        }

        if (field.Message!.IsMapEntry && !TrySortByKey(field.Message, values, wire))
        {
            return false;
        }

        foreach (var part in values)
        {
            if (!TryPrintNested(field, wire[part], text, depth))
            {
                return false;
            }
        }

        return true;
    }

    private static bool TryPrintNested(FieldShape field, ReadOnlySpan<byte> wire, ArrayBufferWriter<byte> text, int depth)
    {
        text.Write(field.Name);
        text.Write(":<"u8);
        if (!TryPrint(field.Message!, wire, text, depth + 1))
        {
            return false;
        }

        text.Write("> "u8);
        return true;
    }

    // An empty value stands for the default, in whatever wire type.
    private static void PrintScalar(FieldShape field, ReadOnlySpan<byte> value, ArrayBufferWriter<byte> text)
    {
        text.Write(field.Name);
        text.Write(":"u8);
        switch (field.Kind)
        {
            case FieldKind.Bytes:
                PrintQuoted(value, text);
                break;
            case FieldKind.Float:
                text.Write(GoNumber.Format(value.IsEmpty ? 0f : BinaryPrimitives.ReadSingleLittleEndian(value)));
                break;
            case FieldKind.Double:
                text.Write(GoNumber.Format(value.IsEmpty ? 0d : BinaryPrimitives.ReadDoubleLittleEndian(value)));
                break;
            default:
                PrintInteger(field, Varint(value), text);
                break;
        }

        text.Write(" "u8);
    }

    private static void PrintInteger(FieldShape field, ulong value, ArrayBufferWriter<byte> text)
    {
        if (field.Kind == FieldKind.Bool)
        {
            text.Write(value != 0 ? "true"u8 : "false"u8);
            return;
        }

        if (field.Kind == FieldKind.Enum && field.EnumName((int)value) is { IsEmpty: false } name)
        {
            text.Write(name);
            return;
        }

        var target = text.GetSpan(24);
        int written;
        bool fits = field.Kind switch
        {
            FieldKind.Int64 => ((long)value).TryFormat(target, out written, default, CultureInfo.InvariantCulture),
            FieldKind.UInt64 => value.TryFormat(target, out written, default, CultureInfo.InvariantCulture),
            FieldKind.UInt32 => ((uint)value).TryFormat(target, out written, default, CultureInfo.InvariantCulture),
            _ => ((int)value).TryFormat(target, out written, default, CultureInfo.InvariantCulture),
        };
        System.Diagnostics.Debug.Assert(fits, "Twenty digits and a sign fit into 24 bytes");
        text.Advance(written);
    }

    private static ulong Varint(ReadOnlySpan<byte> value)
    {
        Wire.TryReadVarint(value, out ulong number, out _);
        return number;
    }

    private static bool IsDefault(FieldShape field, ReadOnlySpan<byte> value) => field.Kind switch
    {
        FieldKind.Bytes => value.IsEmpty,
        FieldKind.Float => BinaryPrimitives.ReadSingleLittleEndian(value) == 0,
        FieldKind.Double => BinaryPrimitives.ReadDoubleLittleEndian(value) == 0,
        _ => Varint(value) == 0,
    };

    // Where the elements of each declared field are, by the field's index. The length prefix of bytes and messages is not part of them.
    private static bool TryCollect(MessageShape shape, ReadOnlySpan<byte> wire, out List<Range>?[] elements)
    {
        elements = new List<Range>?[shape.Fields.Length];
        int at = 0;
        while (at < wire.Length)
        {
            if (!Wire.TryReadVarint(wire[at..], out ulong tag, out int tagSize) || tag is < 8 or > uint.MaxValue)
            {
                return false;
            }

            at += tagSize;
            int wireType = (int)(tag & 7);
            if (!TrySize(wireType, wire[at..], out int prefix, out int size))
            {
                return false;
            }

            var value = new Range(at + prefix, at + prefix + size);
            at += prefix + size;
            var field = shape.Find((int)(tag >> 3));
            if (field is null)
            {
                continue;
            }

            var list = elements[field.Index] ??= [];
            if (wireType == field.ElementWireType)
            {
                list.Add(value);
            }
            else if (!field.IsRepeated || wireType != FieldShape.LengthDelimitedType || !TryUnpack(field, wire, value, list))
            {
                return false;
            }
        }

        return true;
    }

    private static bool TryUnpack(FieldShape field, ReadOnlySpan<byte> wire, Range block, List<Range> list)
    {
        int at = block.Start.Value;
        int end = block.End.Value;
        while (at < end)
        {
            if (!TrySize(field.ElementWireType, wire[at..end], out _, out int size))
            {
                return false;
            }

            list.Add(new Range(at, at + size));
            at += size;
        }

        return true;
    }

    private static bool TrySize(int wireType, ReadOnlySpan<byte> wire, out int prefix, out int size)
    {
        prefix = 0;
        switch (wireType)
        {
            case FieldShape.VarintType:
                return Wire.TryReadVarint(wire, out _, out size);
            case FieldShape.Fixed64Type:
                size = sizeof(ulong);
                return wire.Length >= size;
            case FieldShape.Fixed32Type:
                size = sizeof(uint);
                return wire.Length >= size;
            case FieldShape.LengthDelimitedType when Wire.TryReadVarint(wire, out ulong length, out prefix):
                size = (int)Math.Min(length, int.MaxValue);
                return length <= (ulong)(wire.Length - prefix);
            default:
                size = 0;
                return false;
        }
    }

    private static bool TrySortByKey(MessageShape entry, List<Range> entries, ReadOnlySpan<byte> wire)
    {
        var keyField = entry.Fields[0];
        var keyed = new List<(byte[] Key, Range Entry)>(entries.Count);
        foreach (var range in entries)
        {
            if (!TryCollect(entry, wire[range], out var elements))
            {
                return false;
            }

            var key = elements[0] is [.., var last] ? wire[range][last] : default;
            keyed.Add((keyField.Kind == FieldKind.Bytes ? key.ToArray() : SortableNumber(Varint(key)), range));
        }

        entries.Clear();
        entries.AddRange(keyed.OrderBy(static k => k.Key, ByteOrder.Instance).Select(static k => k.Entry));
        return true;
    }

    // Bytes that sort as the signed number does.
    private static byte[] SortableNumber(ulong value)
    {
        var bytes = new byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, value ^ (1UL << 63));
        return bytes;
    }

    private sealed class ByteOrder : IComparer<byte[]>
    {
        public static readonly ByteOrder Instance = new();

        public int Compare(byte[]? x, byte[]? y) => x.AsSpan().SequenceCompareTo(y);
    }
}
