using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Pachyderm.Migration.Engine;
using Pachyderm.Migration.Reports;
using Pachyderm.Migration.Steps;
using Pachyderm.Migration.Targets;
using Pachyderm.Migration.Tests.Support;
using Pachyderm.ObjectStores.Tests;
using Pachyderm.TestSupport;

namespace Pachyderm.Migration.Tests.Engine;

/// <summary>
/// The whole report of a dry run of each genuine cluster, compared with <c>golden/</c>. Set PACHYDERM_ACCEPT_GOLDEN=1 to write the files
/// anew, and read the difference before it is committed.
/// </summary>
public sealed class GoldenRehearsalTests
{
    private static readonly JsonSerializerOptions Readable = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    [Theory]
    [InlineData("pachyderm-1.4.8-small", "1.5.3")]
    [InlineData("pachyderm-1.4.8-small", "1.5.0")]
    [InlineData("pachyderm-1.4.8-dirty", "1.5.3")]
    [InlineData("pachyderm-1.4.8-objstore", "1.5.3")]
    [InlineData("pachyderm-1.5.3-small", "1.5.3")]
    public async Task A_dry_run_reports_what_it_did_before(string set, string to)
    {
        using TemporaryDirectory directory = new();
        MigrationReport report = await RehearseAsync(set, to, directory);
        string actual = await NormaliseAsync(report, directory);
        string golden = Path.Combine(RepositoryPaths.Root, "test", "Pachyderm.Migration.Tests", "golden", $"{set}-to-{to}.json");
        if (Environment.GetEnvironmentVariable("PACHYDERM_ACCEPT_GOLDEN") == "1")
        {
            await File.WriteAllTextAsync(golden, actual, TestContext.Current.CancellationToken);
        }

        Assert.Equal(await File.ReadAllTextAsync(golden, TestContext.Current.CancellationToken), actual);
        Assert.False(File.Exists(directory["out.snap"]) || Directory.Exists(directory["backup"]), "a dry run left something behind");
    }

    private static async Task<MigrationReport> RehearseAsync(string set, string to, TemporaryDirectory directory)
    {
        MigrationSteps.Register();
        await using SnapshotTarget target = await SnapshotTarget.OpenAsync(
            Path.Combine(RepositoryPaths.Fixture(set), "etcd.snap"),
            directory["out.snap"],
            "pachyderm_pfs",
            TimeProvider.System,
            TestContext.Current.CancellationToken);
        MigrationRequest request = new()
        {
            To = PreparedCluster.Version(to),
            BackupDirectory = directory["backup"],
            Accepted = new HashSet<string>(MigrationRequest.Acceptable, StringComparer.Ordinal),
        };
        return await new MigrationEngine(target, request, new NoObserver(), TimeProvider.System).RehearseAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>The report without what differs from run to run and from machine to machine, its sections and findings in a fixed order.</summary>
    private static async Task<string> NormaliseAsync(MigrationReport report, TemporaryDirectory directory)
    {
        using MemoryStream stream = new();
        await report.WriteAsync(stream, TestContext.Current.CancellationToken);
        JsonObject json = JsonNode.Parse(Encoding.UTF8.GetString(stream.ToArray()).Replace(directory.Path, "DIRECTORY", StringComparison.Ordinal)
            .Replace(RepositoryPaths.Root, "REPOSITORY", StringComparison.Ordinal))!.AsObject();
        foreach (string name in (string[])["started", "ended", "program"])
        {
            json[name] = name.ToUpperInvariant();
        }

        if (json["seconds"] is JsonObject seconds)
        {
            json["seconds"] = new JsonArray([.. seconds.Select(phase => (JsonNode)JsonValue.Create(phase.Key)!)]);
        }

        if (json["space"] is JsonObject space && space.ContainsKey("availableBytes"))
        {
            space["availableBytes"] = "SPACE";
        }

        if (json["findings"] is JsonArray findings)
        {
            string[] lines = [.. findings.Select(finding => $"{finding!["severity"]} {finding["id"]}: {finding["thing"]}: {finding["problem"]}; {finding["remedy"]}").Order(StringComparer.Ordinal)];
            json["findings"] = new JsonArray([.. lines.Select(line => (JsonNode)JsonValue.Create(line)!)]);
        }

        return json.ToJsonString(Readable) + "\n";
    }
}
