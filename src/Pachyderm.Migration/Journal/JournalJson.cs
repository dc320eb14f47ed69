using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Pachyderm.Errors;

namespace Pachyderm.Migration.Journal;

/// <summary>JSON of the records that a migration keeps in stores.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UseStringEnumConverter = true,
    WriteIndented = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(MigrationJournal))]
[JsonSerializable(typeof(MigrationStamp))]
[JsonSerializable(typeof(FenceHolder))]
internal sealed partial class JournalJson : JsonSerializerContext
{
    /// <summary>Encodes a record.</summary>
    public static byte[] Encode<T>(T value, JsonTypeInfo<T> type) => JsonSerializer.SerializeToUtf8Bytes(value, type);

    /// <summary>Decodes a record, or says which key or file does not hold one.</summary>
    public static T Decode<T>(ReadOnlySpan<byte> json, JsonTypeInfo<T> type, string where)
    {
        try
        {
            return JsonSerializer.Deserialize(json, type) ?? throw new JsonException("null");
        }
        catch (JsonException exception)
        {
            throw new CorruptionException(
                "journal-unreadable",
                where,
                $"it does not hold a {typeof(T).Name} that this program can read ({exception.Message})",
                "restore the backup of the store, or use the newer pachctl that wrote it",
                exception);
        }
    }

    /// <summary>Decodes a journal and refuses one of a future format.</summary>
    public static MigrationJournal DecodeJournal(ReadOnlySpan<byte> json, string where)
    {
        MigrationJournal journal = Decode(json, Default.MigrationJournal, where);
        return journal.MinReader <= Journal.MigrationJournal.CurrentVersion
            ? journal
            : throw new OperatorException(
                "journal-too-new", where,
                $"it is of format {journal.Version}, this program knows {Journal.MigrationJournal.CurrentVersion}", "use a newer pachctl");
    }
}
