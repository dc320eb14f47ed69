using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;

namespace Pachyderm.Pachctl.Output;

/// <summary>
/// Messages as <c>--raw</c> prints them: names in lowerCamel, what has its default left out, enums by name, 64-bit numbers as strings,
/// bytes in
/// base64, times and durations with 3, 6 or 9 decimals. Each message is followed by a newline.
/// </summary>
internal static class RawJson
{
    private static readonly JsonWriterOptions Compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly JsonWriterOptions Indented = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes one message.</summary>
    public static void Write(TextWriter output, IMessage message) => Write(output, message, Indented);

    /// <summary>Writes one message in one line.</summary>
    public static void WriteLine(TextWriter output, IMessage message) => Write(output, message, Compact);

    private static void Write(TextWriter output, IMessage message, JsonWriterOptions options)
    {
        using MemoryStream buffer = new();
        using (Utf8JsonWriter json = new(buffer, options))
        {
            WriteMessage(json, message);
        }

        output.WriteLine(System.Text.Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length));
    }

    private static void WriteMessage(Utf8JsonWriter json, IMessage message)
    {
        switch (message)
        {
            case Timestamp time:
                json.WriteStringValue(
                    time.ToDateTime().ToString("yyyy-MM-dd'T'HH:mm:ss", CultureInfo.InvariantCulture) + Decimals(time.Nanos) + "Z");
                return;
            case Duration duration:
                string sign = duration.Seconds < 0 || duration.Nanos < 0 ? "-" : "";
                json.WriteStringValue(
                    string.Create(
                        CultureInfo.InvariantCulture, $"{sign}{Math.Abs(duration.Seconds)}{Decimals(Math.Abs(duration.Nanos))}s"));
                return;
        }

        json.WriteStartObject();
        foreach (FieldDescriptor field in message.Descriptor.Fields.InFieldNumberOrder())
        {
            object? value = field.Accessor.GetValue(message);
            if (IsDefault(field, message, value))
            {
                continue;
            }

            json.WritePropertyName(field.JsonName);
            if (field.IsMap)
            {
                WriteMap(json, field, (System.Collections.IDictionary)value);
            }
            else if (field.IsRepeated)
            {
                json.WriteStartArray();
                foreach (object item in (System.Collections.IList)value)
                {
                    WriteValue(json, field, item);
                }

                json.WriteEndArray();
            }
            else
            {
                WriteValue(json, field, value);
            }
        }

        json.WriteEndObject();
    }

    private static void WriteMap(Utf8JsonWriter json, FieldDescriptor field, System.Collections.IDictionary map)
    {
        FieldDescriptor values = field.MessageType.FindFieldByNumber(2);
        json.WriteStartObject();
        foreach (System.Collections.DictionaryEntry entry in map)
        {
            json.WritePropertyName(Convert.ToString(entry.Key, CultureInfo.InvariantCulture)!);
            WriteValue(json, values, entry.Value!);
        }

        json.WriteEndObject();
    }

    private static void WriteValue(Utf8JsonWriter json, FieldDescriptor field, object value)
    {
        switch (value)
        {
            case IMessage message:
                WriteMessage(json, message);
                break;
            case string text:
                json.WriteStringValue(text);
                break;
            case ByteString bytes:
                json.WriteBase64StringValue(bytes.Span);
                break;
            case bool flag:
                json.WriteBooleanValue(flag);
                break;
            case int or uint:
                json.WriteRawValue(Convert.ToString(value, CultureInfo.InvariantCulture)!);
                break;
            case long or ulong:
                json.WriteStringValue(Convert.ToString(value, CultureInfo.InvariantCulture));
                break;
            case double number:
                json.WriteNumberValue(number);
                break;
            case float number:
                json.WriteNumberValue(number);
                break;
            case System.Enum:
                int number32 = Convert.ToInt32(value, CultureInfo.InvariantCulture);
                if (field.EnumType.FindValueByNumber(number32) is { } known)
                {
                    json.WriteStringValue(known.Name);
                }
                else
                {
                    json.WriteNumberValue(number32);
                }

                break;
            default:
                throw new NotSupportedException($"{field.FullName} has a type that has no form in JSON here");
        }
    }

    private static bool IsDefault(FieldDescriptor field, IMessage message, object? value) => value switch
    {
        null => true,
        System.Collections.ICollection collection => collection.Count == 0,
        _ when field.HasPresence => !field.Accessor.HasValue(message),
        string text => text.Length == 0,
        ByteString bytes => bytes.IsEmpty,
        bool flag => !flag,
        System.Enum => Convert.ToInt32(value, CultureInfo.InvariantCulture) == 0,
        double number => number == 0,
        float number => number == 0,
        _ => Convert.ToDecimal(value, CultureInfo.InvariantCulture) == 0,
    };

    private static string Decimals(int nanoseconds)
    {
        int digits = nanoseconds % 1_000_000 == 0 ? 3 : nanoseconds % 1000 == 0 ? 6 : 9;
        return "." + nanoseconds.ToString("000000000", CultureInfo.InvariantCulture)[..digits];
    }
}
