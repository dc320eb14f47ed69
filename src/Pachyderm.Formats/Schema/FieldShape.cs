using System.Text;
using Google.Protobuf.Reflection;

namespace Pachyderm.Formats.Schema;

/// <summary>One field of a <see cref="MessageShape"/>, with everything that readers and writers ask for precomputed.</summary>
internal sealed class FieldShape
{
    internal const int VarintType = 0;
    internal const int Fixed64Type = 1;
    internal const int LengthDelimitedType = 2;
    internal const int Fixed32Type = 5;

    private readonly Dictionary<int, byte[]>? _enumNames;
    private readonly KeyValuePair<byte[], int>[]? _enumValues;

    public FieldShape(FieldDescriptor field, int index, MessageShape? message)
    {
        Name = Encoding.UTF8.GetBytes(field.Name);
        Number = field.FieldNumber;
        Index = index;
        Kind = KindOf(field);
        IsRepeated = field.IsRepeated;

        // The descriptor calls every field of a proto3 file packed, also those that cannot be.
        IsPacked = field.IsRepeated && field.IsPacked && Kind is not (FieldKind.Bytes or FieldKind.Message);
        AlwaysWritten = field.HasPresence && !field.IsRepeated;
        Message = message;
        if (Kind == FieldKind.Enum)
        {
            _enumNames = field.EnumType.Values.ToDictionary(static v => v.Number, static v => Encoding.UTF8.GetBytes(v.Name));
            _enumValues = [.. field.EnumType.Values.Select(static v => KeyValuePair.Create(Encoding.UTF8.GetBytes(v.Name), v.Number))];
        }

        uint tag = ((uint)Number << 3) | (uint)(IsPacked ? LengthDelimitedType : ElementWireType);
        Tag = tag;
        var bytes = new byte[Wire.MaxVarint];
        TagBytes = bytes[..Wire.WriteVarint(bytes, tag)];
    }

    public byte[] Name { get; }

    public int Number { get; }

    /// <summary>Position in the declaration, which is the order of the text form.</summary>
    public int Index { get; }

    public FieldKind Kind { get; }

    public bool IsRepeated { get; }

    public bool IsPacked { get; }

    /// <summary>Whether a value equal to the default is written nevertheless: explicit presence.</summary>
    public bool AlwaysWritten { get; }

    public MessageShape? Message { get; }

    /// <summary>Number and wire type, as the field is written: length-delimited when packed.</summary>
    public uint Tag { get; }

    public byte[] TagBytes { get; }

    public int ElementWireType => Kind switch
    {
        FieldKind.Bytes or FieldKind.Message => LengthDelimitedType,
        FieldKind.Double => Fixed64Type,
        FieldKind.Float => Fixed32Type,
        _ => VarintType,
    };

    public bool TryGetEnumValue(ReadOnlySpan<byte> name, out int value)
    {
        foreach (var (candidate, number) in _enumValues!)
        {
            if (name.SequenceEqual(candidate))
            {
                value = number;
                return true;
            }
        }

        value = 0;
        return false;
    }

    public ReadOnlySpan<byte> EnumName(int value) => _enumNames!.TryGetValue(value, out byte[]? name) ? name : default;

    private static FieldKind KindOf(FieldDescriptor field) => field.FieldType switch
    {
        FieldType.Bytes or FieldType.String => FieldKind.Bytes,
        FieldType.Message => FieldKind.Message,
        FieldType.Bool => FieldKind.Bool,
        FieldType.Int32 => FieldKind.Int32,
        FieldType.Int64 => FieldKind.Int64,
        FieldType.UInt32 => FieldKind.UInt32,
        FieldType.UInt64 => FieldKind.UInt64,
        FieldType.Enum => FieldKind.Enum,
        FieldType.Float => FieldKind.Float,
        FieldType.Double => FieldKind.Double,
        _ => throw new NotSupportedException($"{field.FullName}: no stored record has a field of type {field.FieldType}"),
    };
}
