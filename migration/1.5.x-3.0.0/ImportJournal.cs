using System.Text.Json;
using System.Text.Json.Serialization;
using Pachyderm.Errors;
using Pachyderm.Migration.Journal;
using Pachyderm.Migration.Targets;
using Pachyderm.ObjectStores;
using Pachyderm.Pfs;

namespace Pachyderm.Migration.Steps.Native;

/// <summary>
/// What a data directory knows of the import that made it: <c>import.json</c>. How far the records have come is in the metadata store
/// itself,
/// written by the transactions that wrote them (<see cref="ImportProgress"/>).
/// </summary>
public sealed record ImportJournal
{
    /// <summary>
    /// The format that this release writes. 2 has, more than 1, where a live etcd is; readers of 1 do without, and this release reads both.
    /// </summary>
    public const int CurrentVersion = 2;

    /// <summary>Format of this record.</summary>
    public int Version { get; init; } = CurrentVersion;

    /// <summary>Oldest format whose readers understand it.</summary>
    public int MinReader { get; init; } = 1;

    /// <summary>Identifier of the import.</summary>
    public required string Id { get; init; }

    /// <summary>Release of the source.</summary>
    public required string From { get; init; }

    /// <summary>How far it has come. There is no backup to be made, since the source is only read.</summary>
    public required MigrationPhase Phase { get; init; }

    /// <summary>Where the source's records are, for people.</summary>
    public required string Source { get; init; }

    /// <summary>Endpoint of the live etcd that the records are of; null if they are not of one that is named by its endpoint.</summary>
    public string? Etcd { get; init; }

    /// <summary>Kubernetes namespace of the live etcd that the records are of; null if they are not of one that is named by it.</summary>
    public string? Namespace { get; init; }

    /// <summary>The snapshot file that is imported, as an absolute path: the operator's, or one that was saved of a live etcd.</summary>
    public required string Snapshot { get; init; }

    /// <summary>Digest of the source's records: an import that goes on must find the same.</summary>
    public required string SourceDigest { get; init; }

    /// <summary>The storage root of the source.</summary>
    public required string Storage { get; init; }

    /// <summary>Whether content is copied.</summary>
    public required bool Copy { get; init; }

    /// <summary>Whether unreadable records are left behind.</summary>
    public bool Quarantine { get; init; }

    /// <summary>Blocking findings that the operator accepted.</summary>
    public IReadOnlyList<string> Accepted { get; init; } = [];

    /// <summary>Key prefix of file-system records.</summary>
    public required string PfsPrefix { get; init; }

    /// <summary>Key prefix of pipeline records.</summary>
    public required string PpsPrefix { get; init; }

    /// <summary>The last change of the feed that the import made; what follows was written on this release.</summary>
    public long LastChange { get; init; }

    /// <summary>Whether the import can no longer be undone.</summary>
    public bool Final { get; init; }

    /// <summary>When it began.</summary>
    public required DateTimeOffset Started { get; init; }

    /// <summary>When the journal was last written.</summary>
    public required DateTimeOffset Updated { get; init; }

    /// <summary>The live etcd that the records are of; null if they are those of a snapshot file, or of an import of format 1.</summary>
    [JsonIgnore]
    internal StoreAddress? Live => Etcd is null && Namespace is null ? null : new StoreAddress { Etcd = Etcd, Namespace = Namespace };

    /// <summary>Reads the journal of a data directory; null if it has none.</summary>
    /// <exception cref="OperatorException">A later release wrote it.</exception>
    /// <exception cref="CorruptionException">It is damaged.</exception>
    public static async Task<ImportJournal?> ReadAsync(string data, CancellationToken cancellationToken)
    {
        string path = PathIn(data);
        byte[] json;
        try
        {
            json = await File.ReadAllBytesAsync(path, cancellationToken);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (Exception exception) when (StorageErrors.IsStorageFailure(exception))
        {
            throw StorageErrors.Translate(exception, path);
        }
        ImportJournal journal;
        try
        {
            journal = JsonSerializer.Deserialize(json, ImportJson.Default.ImportJournal) ?? throw new JsonException("null");
        }
        catch (JsonException exception)
        {
            throw new CorruptionException(
                "journal-unreadable", path, $"it is no journal of an import ({exception.Message})",
                "remove the data directory and import again; the source is untouched", exception);
        }
        return journal.MinReader <= CurrentVersion
            ? journal
            : throw new OperatorException(
                "journal-too-new", path, $"it is of format {journal.Version}, and this program knows {CurrentVersion}",
                "use a newer pachctl");
    }

    /// <summary>Writes the journal, durably.</summary>
    internal Task WriteAsync(string data, CancellationToken cancellationToken) =>
        DurableFile.WriteAsync(
            PathIn(data), JsonSerializer.SerializeToUtf8Bytes(this, ImportJson.Default.ImportJournal), cancellationToken);

    /// <summary>Where the journal of a data directory is.</summary>
    internal static string PathIn(string data) => Path.Combine(data, DataStores.ImportJournal);
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UseStringEnumConverter = true,
    WriteIndented = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ImportJournal))]
internal sealed partial class ImportJson : JsonSerializerContext;
