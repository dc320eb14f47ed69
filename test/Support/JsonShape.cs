using System.Globalization;
using System.Text;
using System.Text.Json.Serialization.Metadata;

namespace Pachyderm.TestSupport;

/// <summary>The shape of records that are stored as JSON, as text: each type with the names and types of its fields, and each enum with its numbers.</summary>
public static class JsonShape
{
    /// <summary>Describes records, and whatever types are in them.</summary>
    /// <param name="records">The records, of one context.</param>
    public static string Of(params ReadOnlySpan<JsonTypeInfo> records)
    {
        Queue<JsonTypeInfo> waiting = new(records.ToArray());
        HashSet<Type> seen = [];
        StringBuilder text = new();
        while (waiting.TryDequeue(out JsonTypeInfo? type))
        {
            if (!seen.Add(type.Type))
            {
                continue;
            }

            if (type.Type.IsEnum)
            {
                text.Append(Of(type.Type));
            }
            else if (type.Kind == JsonTypeInfoKind.Object)
            {
                text.Append(CultureInfo.InvariantCulture, $"{type.Type.Name}\n");
                foreach (JsonPropertyInfo field in type.Properties.Where(static field => field.Get is not null))
                {
                    text.Append(CultureInfo.InvariantCulture, $"  {field.Name}: {NameOf(field.PropertyType)}{(field.IsRequired ? ", required" : "")}\n");
                    waiting.Enqueue(type.Options.GetTypeInfo(field.PropertyType));
                }
            }

            if ((type.ElementType ?? Nullable.GetUnderlyingType(type.Type)) is { } element)
            {
                waiting.Enqueue(type.Options.GetTypeInfo(element));
            }
        }

        return text.ToString();
    }

    /// <summary>Describes an enum whose names or numbers are stored.</summary>
    /// <param name="type">The enum.</param>
    public static string Of(Type type)
    {
        StringBuilder text = new StringBuilder().Append(CultureInfo.InvariantCulture, $"{type.Name}\n");
        foreach (object value in Enum.GetValues(type))
        {
            text.Append(CultureInfo.InvariantCulture, $"  {value} = {Convert.ToInt64(value, CultureInfo.InvariantCulture)}\n");
        }

        return text.ToString();
    }

    private static string NameOf(Type type) => type switch
    {
        { IsArray: true } => NameOf(type.GetElementType()!) + "[]",
        { IsGenericType: true } when Nullable.GetUnderlyingType(type) is { } inner => NameOf(inner) + "?",
        { IsGenericType: true } => $"{type.Name[..type.Name.IndexOf('`', StringComparison.Ordinal)]}<{string.Join(", ", type.GetGenericArguments().Select(NameOf))}>",
        _ => type.Name,
    };
}
