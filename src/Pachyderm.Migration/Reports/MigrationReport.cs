using System.Text.Json;
using System.Text.Json.Serialization;
using Pachyderm.Errors;
using Pachyderm.Formats;
using Pachyderm.Migration.Survey;

namespace Pachyderm.Migration.Reports;

/// <summary>The report of a check, a dry run or a migration, for people and for machines. Written as JSON with <c>--report</c>.</summary>
public sealed record MigrationReport
{
    /// <summary>Version of the report's format.</summary>
    public int Version { get; init; } = 1;

    /// <summary>Identifier of the migration; null for a check.</summary>
    public string? MigrationId { get; init; }

    /// <summary>What was done: check, dry-run, migrate, resume, verify, undo.</summary>
    public required string Action { get; init; }

    /// <summary>How it ended: ready, blocked, done, nothing-to-do, failed, undone.</summary>
    public required string Result { get; set; }

    /// <summary>Version of the program.</summary>
    public required string Program { get; init; }

    /// <summary>The store.</summary>
    public required string Store { get; init; }

    /// <summary>Key prefix of file-system records.</summary>
    public required string PfsPrefix { get; init; }

    /// <summary>Key prefix of pipeline records.</summary>
    public required string PpsPrefix { get; init; }

    /// <summary>Release that the data was found to be of.</summary>
    public string? From { get; set; }

    /// <summary>What shows it.</summary>
    public string? Evidence { get; set; }

    /// <summary>Release that it is carried to.</summary>
    public string? To { get; set; }

    /// <summary>The legs of the way.</summary>
    public IReadOnlyList<string> Path { get; set; } = [];

    /// <summary>Findings by identifier.</summary>
    public IReadOnlyList<FindingCount> FindingCounts { get; set; } = [];

    /// <summary>Findings, the first thousand of each identifier.</summary>
    public IReadOnlyList<Finding> Findings { get; set; } = [];

    /// <summary>What the store held before.</summary>
    public StoreInventory? Before { get; set; }

    /// <summary>What it held afterwards, or for a check what it will hold.</summary>
    public StoreInventory? After { get; set; }

    /// <summary>Changes by name.</summary>
    public IReadOnlyDictionary<string, long> Changes { get; set; } = new Dictionary<string, long>(StringComparer.Ordinal);

    /// <summary>Results of old datums; null without a storage root.</summary>
    public TagSummary? Tags { get; set; }

    /// <summary>What was carried into a data directory; null if none was made.</summary>
    public ImportSummary? Import { get; set; }

    /// <summary>Name of the backup.</summary>
    public string? Backup { get; set; }

    /// <summary>Directory of its repository.</summary>
    public string? BackupRepository { get; set; }

    /// <summary>SHA-256 of the metadata in it.</summary>
    public string? BackupSha256 { get; set; }

    /// <summary>Digest of the plan.</summary>
    public string? PlanDigest { get; set; }

    /// <summary>Space in the store.</summary>
    public SpaceSummary? Space { get; set; }

    /// <summary>Seconds taken by each phase.</summary>
    public Dictionary<string, double> Seconds { get; init; } = new(StringComparer.Ordinal);

    /// <summary>When it began.</summary>
    public required DateTimeOffset Started { get; init; }

    /// <summary>When it ended.</summary>
    public DateTimeOffset Ended { get; set; }

    /// <summary>Reads a report that was written before.</summary>
    /// <exception cref="OperatorException"><c>report-unreadable</c>.</exception>
    public static async Task<MigrationReport> ReadAsync(string path, CancellationToken cancellationToken)
    {
        try
        {
            await using FileStream file = File.OpenRead(path);
            return await JsonSerializer.DeserializeAsync(file, ReportJson.Default.MigrationReport, cancellationToken)
                ?? throw new JsonException("null");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or JsonException)
        {
            throw new OperatorException(
                "report-unreadable", path, $"it is not a report of a migration ({exception.Message})",
                "name the file that was written with --report", exception);
        }
    }

    /// <summary>Makes sure that a report can be written to a file, before anything is done that it would tell of.</summary>
    /// <exception cref="OperatorException"><c>report-path</c>.</exception>
    public static void Probe(string path)
    {
        try
        {
            File.Open(path, FileMode.OpenOrCreate, FileAccess.Write).Dispose();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new OperatorException(
                "report-path", path, $"a report cannot be written there ({exception.Message})", "name another file with --report",
                exception);
        }
    }

    /// <summary>Writes the report to a file, replacing one that exists.</summary>
    /// <exception cref="OperatorException"><c>report-not-writable</c>.</exception>
    public async Task WriteAsync(string path, CancellationToken cancellationToken)
    {
        try
        {
            await using FileStream file = new(path, FileMode.Create);
            await WriteAsync(file, cancellationToken);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new OperatorException(
                "report-not-writable", path, $"the report cannot be written ({exception.Message})",
                "name another file with --report; the migration itself is not affected", exception);
        }
    }

    /// <summary>Writes the report as JSON.</summary>
    public Task WriteAsync(Stream destination, CancellationToken cancellationToken) =>
        JsonSerializer.SerializeAsync(destination, this, ReportJson.Default.MigrationReport, cancellationToken);
}

/// <summary>How often something was found.</summary>
/// <param name="Id">Its identifier.</param>
/// <param name="Severity">What it means.</param>
/// <param name="Count">How often.</param>
/// <param name="Accepted">Whether the operator accepted it.</param>
public sealed record FindingCount(string Id, FindingSeverity Severity, long Count, bool Accepted);

/// <summary>Lasting records of a store.</summary>
/// <param name="Digest">Digest of all.</param>
/// <param name="Kinds">By kind.</param>
/// <param name="Repos">By repo; commits and branches only.</param>
public sealed record StoreInventory(
    string Digest, IReadOnlyDictionary<string, KindInventory> Kinds, IReadOnlyDictionary<string, RepoInventory>? Repos);

/// <summary>Records of one kind.</summary>
/// <param name="Count">Number.</param>
/// <param name="Bytes">Bytes of keys and values.</param>
/// <param name="Digest">Digest of keys and values.</param>
public sealed record KindInventory(long Count, long Bytes, string Digest);

/// <summary>One repo.</summary>
/// <param name="Commits">Number of its commits.</param>
/// <param name="Branches">Number of its branches.</param>
/// <param name="CommitDigest">Digest of its commit records.</param>
public sealed record RepoInventory(long Commits, long Branches, string CommitDigest);

/// <summary>Results of old datums.</summary>
/// <param name="Carried">Results that were given the tag under which the target release looks for them.</param>
/// <param name="Unreachable">Datums of jobs that succeeded whose result was not found: they will be recomputed.</param>
/// <param name="WithoutResult">Datums that no job has finished well: there is no result to carry.</param>
/// <param name="Details">The first of those that were not found, each with its reason.</param>
public sealed record TagSummary(long Carried, long Unreachable, long WithoutResult, IReadOnlyList<string> Details);

/// <summary>Space in the store.</summary>
/// <param name="NeededBytes">Bytes that the migration adds at most.</param>
/// <param name="AvailableBytes">Bytes that are free.</param>
/// <param name="Where">What would fill up.</param>
public sealed record SpaceSummary(long NeededBytes, long? AvailableBytes, string Where);

/// <summary>JSON of reports.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UseStringEnumConverter = true,
    WriteIndented = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(MigrationReport))]
internal sealed partial class ReportJson : JsonSerializerContext;

/// <summary>Makes inventories for reports.</summary>
internal static class StoreInventories
{
    /// <summary>The inventory of a surveyed store.</summary>
    public static StoreInventory Of(ClusterInventory inventory) => new(
        inventory.Digest.ToString(),
        Kinds(inventory.Totals),
        inventory.Repos.OrderBy(repo => repo.Key.ToStringUtf8(), StringComparer.Ordinal).ToDictionary(
            repo => KeyText.Show(repo.Key.Span),
            repo => new RepoInventory(repo.Value.Commits.Count, repo.Value.Branches, repo.Value.Commits.Digest.ToString()),
            StringComparer.Ordinal));

    /// <summary>The inventory that a store will have.</summary>
    public static StoreInventory Of(ChangeTally tally) => new(tally.Digest.ToString(), Kinds(tally.After), null);

    private static Dictionary<string, KindInventory> Kinds(IReadOnlyDictionary<RecordKind, RecordTotals> totals) => totals
        .OrderBy(pair => pair.Key)
        .ToDictionary(
            pair => pair.Key.ToString(), pair => new KindInventory(pair.Value.Count, pair.Value.Bytes, pair.Value.Digest.ToString()),
            StringComparer.Ordinal);
}
