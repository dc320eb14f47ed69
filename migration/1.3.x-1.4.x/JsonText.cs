using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Pachyderm.Migration.Specs;

/// <summary>JSON as text for people: nothing escaped that need not be, control characters always.</summary>
internal static class JsonText
{
    private const int LongestShownValue = 160;

    private static readonly JsonSerializerOptions CompactOptions = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private static readonly JsonSerializerOptions IndentedOptions = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        WriteIndented = true,
        IndentSize = 2,
        NewLine = "\n",
    };

    /// <summary>The whole value over several lines.</summary>
    public static string Indented(JsonNode node) => node.ToJsonString(IndentedOptions);

    /// <summary>The value on one line, shortened when long.</summary>
    public static string Compact(JsonNode? node)
    {
        var text = node is null ? "null" : node.ToJsonString(CompactOptions);
        return text.Length <= LongestShownValue ? text : string.Concat(text.AsSpan(0, LongestShownValue), "...");
    }

    /// <summary>A string from a spec as it may be shown: quoted, with control characters escaped, shortened when long.</summary>
    public static string Quote(string text) => Compact(JsonValue.Create(text));

    /// <summary>The path of a member below an object.</summary>
    public static string Member(string path, string name) =>
        name.Length > 0 && name.All(static c => char.IsAsciiLetterOrDigit(c) || c == '_') ? $"{path}.{name}" : $"{path}[{Quote(name)}]";
}
