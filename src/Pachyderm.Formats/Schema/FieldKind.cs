namespace Pachyderm.Formats.Schema;

/// <summary>How a field's value looks on the wire and in text. Only the kinds that stored records use.</summary>
internal enum FieldKind : byte
{
    Bytes,
    Message,
    Bool,
    Int32,
    Int64,
    UInt32,
    UInt64,
    Enum,
    Float,
    Double,
}
