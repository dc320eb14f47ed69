using System.Collections;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;

namespace Pachyderm.Client;

/// <summary>
/// Reads messages from JSON as the server's own reader of 1.5 did: names in both forms, durations in Go's notation. The parser of the
/// library takes neither durations in minutes, nor two forms of one name, nor several objects, and does not tell places.
/// </summary>
internal sealed class MessageReader
{
    // Twice as deep as the server lets inputs be; each is an object in an array.
    private const int MaxDepth = 256;
    private const int LongestShown = 80;

    private static readonly JsonReaderOptions Options = new() { AllowMultipleValues = true, MaxDepth = MaxDepth };
    private static readonly ReadOnlyMemory<byte> ByteOrderMark = new([0xef, 0xbb, 0xbf]);

    private readonly ReadOnlyMemory<byte> _bytes;

    private MessageReader(ReadOnlyMemory<byte> bytes) => _bytes = bytes;

    /// <summary>Reads all objects of a text.</summary>
    /// <param name="json">The text in UTF-8.</param>
    /// <param name="create">Makes the message that an object is read into.</param>
    /// <exception cref="MalformedSpecException">The text is anything but objects that describe such messages.</exception>
    public static IReadOnlyList<T> ReadAll<T>(ReadOnlyMemory<byte> json, Func<T> create)
        where T : IMessage
    {
        if (json.Length > PipelineSpecs.MaxLength)
        {
            throw new MalformedSpecException($"the text has more than {PipelineSpecs.MaxLength >> 20} MiB", 1, 1);
        }
        // Editors of Windows put it first; it is no part of the JSON.
        return new MessageReader(json.Span.StartsWith(ByteOrderMark.Span) ? json[ByteOrderMark.Length..] : json).ReadAll(create);
    }

    private List<T> ReadAll<T>(Func<T> create)
        where T : IMessage
    {
        List<T> messages = [];
        Utf8JsonReader reader = new(_bytes.Span, Options);
        try
        {
            while (reader.Read())
            {
                T message = create();
                ReadMessage(ref reader, message);
                messages.Add(message);
            }
            return messages;
        }
        catch (JsonException exception)
        {
            throw Explain(exception);
        }
    }

    private void ReadMessage(ref Utf8JsonReader reader, IMessage message)
    {
        switch (message)
        {
            case Timestamp time when reader.TokenType == JsonTokenType.String:
                ReadTime(ref reader, time);
                return;
            case Duration duration when reader.TokenType == JsonTokenType.String:
                ReadDuration(ref reader, duration);
                return;
        }
        Expect(ref reader, JsonTokenType.StartObject, $"{message.Descriptor.FullName} must be an object");
        HashSet<int> camel = [];
        while (Advance(ref reader) != JsonTokenType.EndObject)
        {
            long start = reader.TokenStartIndex;
            string name = ReadString(ref reader);
            FieldDescriptor field = message.Descriptor.Fields.InDeclarationOrder()
                .FirstOrDefault(candidate => candidate.JsonName == name || candidate.Name == name)
                ?? throw At(start, $"unknown field {Quote(name)} in {message.Descriptor.FullName}");
            Advance(ref reader);
            bool isCamel = field.JsonName == name;
            if (!isCamel && camel.Contains(field.FieldNumber))
            {
                reader.Skip();
                continue;
            }
            if (isCamel)
            {
                camel.Add(field.FieldNumber);
            }
            field.Accessor.Clear(message);
            if (reader.TokenType != JsonTokenType.Null)
            {
                ReadField(ref reader, message, field);
            }
        }
    }

    private void ReadField(ref Utf8JsonReader reader, IMessage message, FieldDescriptor field)
    {
        if (field.IsMap)
        {
            ReadMap(ref reader, field, (IDictionary)field.Accessor.GetValue(message));
        }
        else if (field.IsRepeated)
        {
            Expect(ref reader, JsonTokenType.StartArray, $"{Name(field)} must be a list");
            IList list = (IList)field.Accessor.GetValue(message);
            while (Advance(ref reader) != JsonTokenType.EndArray)
            {
                list.Add(ReadValue(ref reader, field));
            }
        }
        else
        {
            field.Accessor.SetValue(message, ReadValue(ref reader, field));
        }
    }

    private void ReadMap(ref Utf8JsonReader reader, FieldDescriptor field, IDictionary map)
    {
        Expect(ref reader, JsonTokenType.StartObject, $"{Name(field)} must be an object");
        (FieldDescriptor keys, FieldDescriptor values) =
            (field.MessageType.FindFieldByNumber(1), field.MessageType.FindFieldByNumber(2));
        while (Advance(ref reader) != JsonTokenType.EndObject)
        {
            long start = reader.TokenStartIndex;
            string text = ReadString(ref reader);
            object key = keys.FieldType == FieldType.String
                ? text
                : ParseNumber(keys.FieldType, text) ?? throw At(start, $"{Quote(text)} is no key of {Name(field)}");
            Advance(ref reader);
            map[key] = ReadValue(ref reader, values, field);
        }
    }

    private object ReadValue(ref Utf8JsonReader reader, FieldDescriptor field, FieldDescriptor? shown = null)
    {
        string name = Name(shown ?? field);
        switch (field.FieldType)
        {
            case FieldType.Message:
                IMessage inner = field.MessageType.Parser.ParseFrom(ByteString.Empty);
                ReadMessage(ref reader, inner);
                return inner;
            case FieldType.String:
                Expect(ref reader, JsonTokenType.String, $"{name} must be a text");
                return ReadString(ref reader);
            case FieldType.Bool:
                return reader.TokenType is JsonTokenType.True or JsonTokenType.False
                    ? reader.GetBoolean()
                    : throw At(reader.TokenStartIndex, $"{name} must be true or false");
            case FieldType.Bytes:
                return reader.TokenType == JsonTokenType.String && reader.TryGetBytesFromBase64(out byte[]? content)
                    ? ByteString.CopyFrom(content)
                    : throw At(reader.TokenStartIndex, $"{name} must be bytes in base64");
            case FieldType.Enum:
                return ReadEnum(ref reader, field.EnumType, name);
            default:
                return ReadNumber(ref reader, field.FieldType, name);
        }
    }

    private object ReadNumber(ref Utf8JsonReader reader, FieldType type, string name)
    {
        string text = reader.TokenType switch
        {
            JsonTokenType.String => ReadString(ref reader),
            JsonTokenType.Number => Encoding.UTF8.GetString(reader.ValueSpan),
            _ => "",
        };
        return ParseNumber(type, text) ?? throw At(reader.TokenStartIndex, type switch
        {
            FieldType.UInt32 or FieldType.UInt64 => $"{name} must be a whole number that is not negative",
            FieldType.Int32 or FieldType.Int64 => $"{name} must be a whole number",
            _ => $"{name} must be a number",
        });
    }

    private int ReadEnum(ref Utf8JsonReader reader, EnumDescriptor type, string name)
    {
        EnumValueDescriptor? value = reader.TokenType switch
        {
            JsonTokenType.String => type.FindValueByName(ReadString(ref reader)),
            JsonTokenType.Number when reader.TryGetInt32(out int number) => type.FindValueByNumber(number),
            _ => null,
        };
        return value?.Number
            ?? throw At(reader.TokenStartIndex, $"{name} must be one of {string.Join(", ", type.Values.Select(known => known.Name))}");
    }

    private void ReadTime(ref Utf8JsonReader reader, Timestamp time)
    {
        string text = ReadString(ref reader);
        if (!TimeTexts.TryParse(text, time))
        {
            throw At(reader.TokenStartIndex, $"{Quote(text)} is no time such as 2017-08-17T23:11:40Z");
        }
    }

    private void ReadDuration(ref Utf8JsonReader reader, Duration duration)
    {
        string text = ReadString(ref reader);
        if (!TimeTexts.TryParse(text, duration))
        {
            throw At(reader.TokenStartIndex, $"{Quote(text)} is no duration such as 90s or 1h30m");
        }
    }

    private static object? ParseNumber(FieldType type, string text)
    {
        const NumberStyles Whole = NumberStyles.AllowLeadingSign;
        CultureInfo culture = CultureInfo.InvariantCulture;
        return type switch
        {
            FieldType.Int32 => int.TryParse(text, Whole, culture, out int number) ? number : null,
            FieldType.Int64 => long.TryParse(text, Whole, culture, out long number) ? number : null,
            FieldType.UInt32 => uint.TryParse(text, NumberStyles.None, culture, out uint number) ? number : null,
            FieldType.UInt64 => ulong.TryParse(text, NumberStyles.None, culture, out ulong number) ? number : null,
            FieldType.Double =>
                double.TryParse(text, NumberStyles.Float, culture, out double number) && double.IsFinite(number) ? number : null,
            FieldType.Float =>
                float.TryParse(text, NumberStyles.Float, culture, out float number) && float.IsFinite(number) ? number : null,
            _ => throw new NotSupportedException($"no message that is read has a field of type {type}"),
        };
    }

    private static string Name(FieldDescriptor field) => $"{Quote(field.Name)} in {field.ContainingType.FullName}";

    private static string Quote(string text)
    {
        string shown = text.Length <= LongestShown ? text : string.Concat(text.AsSpan(0, LongestShown), "...");
        return $"\"{string.Concat(shown.Select(static c => char.IsControl(c) || char.IsSurrogate(c) ? '?' : c))}\"";
    }

    // Inside an object or a list there is always another token, or a JsonException.
    private static JsonTokenType Advance(ref Utf8JsonReader reader)
    {
        reader.Read();
        return reader.TokenType;
    }

    private void Expect(ref Utf8JsonReader reader, JsonTokenType type, string problem)
    {
        if (reader.TokenType != type)
        {
            throw At(reader.TokenStartIndex, problem);
        }
    }

    private string ReadString(ref Utf8JsonReader reader)
    {
        try
        {
            return reader.GetString()!;
        }
        catch (InvalidOperationException exception)
        {
            throw At(reader.TokenStartIndex, "the text is not Unicode", exception);
        }
    }

    private MalformedSpecException At(long offset, string problem, Exception? inner = null)
    {
        ReadOnlySpan<byte> before = _bytes.Span[..(int)offset];
        int lineStart = before.LastIndexOf((byte)'\n') + 1;
        return new MalformedSpecException(
            problem, before.Count((byte)'\n') + 1, Encoding.UTF8.GetCharCount(before[lineStart..]) + 1, inner);
    }

    private MalformedSpecException Explain(JsonException exception)
    {
        int lineStart = 0;
        for (long line = exception.LineNumber ?? 0; line > 0; line--)
        {
            lineStart += _bytes.Span[lineStart..].IndexOf((byte)'\n') + 1;
        }
        long offset = Math.Min(lineStart + (exception.BytePositionInLine ?? 0), _bytes.Length);
        if (_bytes.Span[(int)offset..].Trim(" \t\r\n"u8).IsEmpty)
        {
            return At(offset, "unexpected EOF", exception);
        }
        int end = exception.Message.IndexOf(" LineNumber:", StringComparison.Ordinal);
        string text = end < 0 ? exception.Message : exception.Message[..end];
        // The message may quote what it read, and an error is one line.
        return At(offset, string.Concat(text.Select(static c => char.IsControl(c) ? ' ' : c)).TrimEnd('.', ' '), exception);
    }
}
