using System.Text.Json;
using System.Text.Json.Serialization;

namespace Pachyderm.Migration.Native;

/// <summary>The report of an upgrade of a data directory, for people and for machines.</summary>
public sealed record UpgradeReport
{
    /// <summary>Version of the report's format.</summary>
    public int Version { get; init; } = 1;

    /// <summary>What was done: check, migrate, verify, undo, finalize.</summary>
    public required string Action { get; init; }

    /// <summary>How it ended: ready, blocked, done, nothing-to-do, undone, final.</summary>
    public required string Result { get; set; }

    /// <summary>The data directory.</summary>
    public required string Data { get; init; }

    /// <summary>The format that it had.</summary>
    public required int From { get; init; }

    /// <summary>The format that it has, or for a check would get.</summary>
    public required int To { get; init; }

    /// <summary>Identity of the upgrade; null for a check.</summary>
    public string? Id { get; set; }

    /// <summary>What stands in the way, a line each.</summary>
    public IReadOnlyList<string> Blockers { get; set; } = [];

    /// <summary>Rows that get another shape.</summary>
    public long Rows { get; set; }

    /// <summary>Bytes of the metadata before.</summary>
    public long BytesBefore { get; set; }

    /// <summary>Bytes that the upgrade needs on the disk until it is finalized; an upper bound.</summary>
    public long BytesNeeded { get; set; }

    /// <summary>Bytes that are free on the disk.</summary>
    public long BytesFree { get; set; }

    /// <summary>Digest of all records before, in hexadecimal digits.</summary>
    public string? DigestBefore { get; set; }

    /// <summary>Digest of all records afterwards, read as the format before had them.</summary>
    public string? DigestAfter { get; set; }

    /// <summary>Rows written since the upgrade, which an undo keeps.</summary>
    public long LaterWrites { get; set; }

    /// <summary>The copy of the metadata that was made before anything was changed.</summary>
    public string? Backup { get; set; }

    /// <summary>Seconds taken by each phase.</summary>
    public Dictionary<string, double> Seconds { get; init; } = new(StringComparer.Ordinal);

    /// <summary>The report as JSON.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, UpgradeReportJson.Default.UpgradeReport);
}

/// <summary>JSON of reports.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    WriteIndented = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(UpgradeReport))]
internal sealed partial class UpgradeReportJson : JsonSerializerContext;
