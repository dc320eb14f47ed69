using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Pachyderm.Migration.Specs;

/// <summary>Reads any number of JSON objects that follow one another, as pachctl reads a pipeline spec file.</summary>
/// <remarks>Strict: no comments, no trailing commas, no member given twice, at most <see cref="DeepestNesting"/> levels.</remarks>
internal static class PipelineSpecReader
{
    /// <summary>
    /// Longest accepted text in characters. A real spec takes one or two thousand; its report takes at worst 600 bytes for each.
    /// </summary>
    public const int LongestText = 1 << 18;

    /// <summary>Most levels of nesting; a real spec has about six.</summary>
    public const int DeepestNesting = 64;

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Reads all objects of a text.</summary>
    /// <exception cref="MalformedPipelineSpecException">The text is anything but JSON objects one after another.</exception>
    public static IReadOnlyList<JsonObject> Read(string text)
    {
        if (text.Length > LongestText)
        {
            throw new MalformedPipelineSpecException(1, 1, $"the text is longer than {LongestText} characters; split it");
        }

        var bytes = Encode(text);
        var reader = new Utf8JsonReader(bytes, new JsonReaderOptions { AllowMultipleValues = true, MaxDepth = DeepestNesting });
        var specs = new List<JsonObject>();
        try
        {
            while (reader.Read())
            {
                if (reader.TokenType != JsonTokenType.StartObject)
                {
                    throw At(bytes, reader.TokenStartIndex, "a JSON object is expected here");
                }

                specs.Add(ReadObject(ref reader, bytes));
            }
        }
        catch (JsonException failure)
        {
            throw Explain(bytes, failure);
        }

        return specs;
    }

    private static byte[] Encode(string text)
    {
        // Editors on Windows put a byte order mark first, which is no part of the JSON.
        var content = text.StartsWith('\uFEFF') ? text[1..] : text;
        try
        {
            return StrictUtf8.GetBytes(content);
        }
        catch (EncoderFallbackException failure)
        {
            var (line, column) = Position(Encoding.UTF8.GetBytes(content, 0, failure.Index));
            throw new MalformedPipelineSpecException(line, column, "half of a surrogate pair", failure);
        }
    }

    private static JsonNode? ReadValue(ref Utf8JsonReader reader, byte[] bytes) => reader.TokenType switch
    {
        JsonTokenType.StartObject => ReadObject(ref reader, bytes),
        JsonTokenType.StartArray => ReadArray(ref reader, bytes),
        JsonTokenType.String => JsonValue.Create(ReadString(ref reader, bytes)),
        JsonTokenType.True => JsonValue.Create(true),
        JsonTokenType.False => JsonValue.Create(false),
        JsonTokenType.Null => null,
        // An element keeps a number as it was written, whatever its size.
        _ => JsonValue.Create(JsonElement.ParseValue(ref reader)),
    };

    private static JsonObject ReadObject(ref Utf8JsonReader reader, byte[] bytes)
    {
        var result = new JsonObject();
        while (Advance(ref reader) != JsonTokenType.EndObject)
        {
            var start = reader.TokenStartIndex;
            var name = ReadString(ref reader, bytes);
            Advance(ref reader);
            if (!result.TryAdd(name, ReadValue(ref reader, bytes)))
            {
                throw At(bytes, start, $"the field {JsonText.Quote(name)} is given twice");
            }
        }

        return result;
    }

    private static JsonArray ReadArray(ref Utf8JsonReader reader, byte[] bytes)
    {
        var result = new JsonArray();
        while (Advance(ref reader) != JsonTokenType.EndArray)
        {
            result.Add(ReadValue(ref reader, bytes));
        }

        return result;
    }

    // Inside an object or array a complete buffer always yields another token or a JsonException.
    private static JsonTokenType Advance(ref Utf8JsonReader reader)
    {
        reader.Read();
        return reader.TokenType;
    }

    private static string ReadString(ref Utf8JsonReader reader, byte[] bytes)
    {
        try
        {
            return reader.GetString()!;
        }
        catch (InvalidOperationException failure)
        {
            throw At(bytes, reader.TokenStartIndex, "the text has an escape that is no character", failure);
        }
    }

    private static MalformedPipelineSpecException At(byte[] bytes, long offset, string problem, Exception? inner = null)
    {
        var (line, column) = Position(bytes.AsSpan(0, (int)offset));
        return new MalformedPipelineSpecException(line, column, problem, inner);
    }

    private static MalformedPipelineSpecException Explain(byte[] bytes, JsonException failure)
    {
        var lineStart = 0;
        for (long line = failure.LineNumber ?? 0; line > 0; line--)
        {
            lineStart += bytes.AsSpan(lineStart).IndexOf((byte)'\n') + 1;
        }

        var offset = Math.Min(lineStart + (failure.BytePositionInLine ?? 0), bytes.Length);
        var end = failure.Message.IndexOf(" LineNumber:", StringComparison.Ordinal);
        var problem = end < 0 ? failure.Message : failure.Message[..end];
        // The message may quote the text, and errors are one line.
        var oneLine = string.Create(problem.Length, problem, static (line, text) =>
        {
            for (var i = 0; i < line.Length; i++)
            {
                line[i] = char.IsControl(text[i]) ? ' ' : text[i];
            }
        });
        return At(bytes, offset, oneLine.TrimEnd('.', ' '), failure);
    }

    private static (int Line, int Column) Position(ReadOnlySpan<byte> before)
    {
        var lineStart = before.LastIndexOf((byte)'\n') + 1;
        return (before.Count((byte)'\n') + 1, Encoding.UTF8.GetCharCount(before[lineStart..]) + 1);
    }
}
