using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Pachyderm.Formats;
using Pachyderm.Migration.Releases;
using Pachyderm.Migration.Steps;
using Pachyderm.Migration.Survey;
using Pachyderm.Migration.Tests.Support;
using Pachyderm.RecordStores;
using Pachyderm.RecordStores.Snapshot;
using Pachyderm.TestSupport;

namespace Pachyderm.Migration.Tests.Conversion;

/// <summary>
/// The files of migration/1.4.x-1.5.x/golden: genuine records of the cluster pachyderm-1.4.8-small, and what each becomes in 1.5.0 and 1.5.3.
/// To write them anew after a deliberate change, run with PACHYDERM_WRITE_GOLDEN=1 and read the difference.
/// </summary>
public sealed class GoldenRecordTests
{
    private static readonly string Folder = Path.Combine(RepositoryPaths.Root, "migration", "1.4.x-1.5.x", "golden");

    private static readonly JsonSerializerOptions Indented = new()
    {
        WriteIndented = true,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static TheoryData<string> Names() => new("repo", "commit", "branch", "pipeline", "pipeline-environment", "pipeline-coefficient", "pipeline-stopped", "job");

    [Theory]
    [MemberData(nameof(Names))]
    public async Task A_genuine_record_becomes_what_its_golden_file_says(string name)
    {
        using EtcdSnapshotFile file = await EtcdSnapshotFile.OpenAsync(
            Path.Combine(RepositoryPaths.Fixture("pachyderm-1.4.8-small"), "etcd.snap"), SnapshotIntegrity.VerifyHash, TestContext.Current.CancellationToken);
        ClusterInventory inventory = await PreparedCluster.SurveyAsync(new SnapshotRecordSource(file), new ClusterKeys());
        StoredRecord record = await FindAsync(file, KeyOf(name));
        JsonObject golden = new()
        {
            ["key"] = Encoding.UTF8.GetString(record.Key.Span),
            ["1.4.8"] = Encoding.UTF8.GetString(record.Value.Span),
            ["1.5.0"] = Convert.ToHexStringLower(Converted(inventory, record, new ReleaseVersion(1, 5, 0)).Span),
            ["1.5.3"] = Convert.ToHexStringLower(Converted(inventory, record, new ReleaseVersion(1, 5, 3)).Span),
        };
        string json = golden.ToJsonString(Indented) + "\n";
        string path = Path.Combine(Folder, name + ".json");
        if (Environment.GetEnvironmentVariable("PACHYDERM_WRITE_GOLDEN") == "1")
        {
            await File.WriteAllTextAsync(path, json, TestContext.Current.CancellationToken);
        }

        Assert.Equal(await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken), json);
    }

    private static string KeyOf(string name) => name switch
    {
        "repo" => "pachyderm_pfs/repos/derived2",
        "commit" => "pachyderm_pfs/commits/images/a199b67354334183b0d5a74312f60f7a",
        "branch" => "pachyderm_pfs/branches/quirks/rel/1.0",
        "pipeline" => "pachyderm_pps/pipelines/p-cross",
        "pipeline-environment" => "pachyderm_pps/pipelines/p-env",
        "pipeline-coefficient" => "pachyderm_pps/pipelines/p-coef",
        "pipeline-stopped" => "pachyderm_pps/pipelines/p-stopped",
        "job" => "pachyderm_pps/jobs/138f9684-097a-4c2f-87a9-0e64904ea4db",
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, "no such golden record"),
    };

    private static ReadOnlyMemory<byte> Converted(ClusterInventory inventory, StoredRecord record, ReleaseVersion to)
    {
        MigrationSteps.Register();
        IRecordConversion conversion = StepCatalog.Get("1.4.x-1.5.x").Prepare(inventory, new StepOptions(to, Quarantine: false, HasStorage: false));
        RecordChange change = conversion.Convert(record);
        Assert.Equal(RecordChangeKind.Replace, change.Kind);
        return change.Value;
    }

    private static async Task<StoredRecord> FindAsync(EtcdSnapshotFile file, string key)
    {
        await foreach (IReadOnlyList<StoredRecord> page in file.ReadByRevisionAsync(KeyRange.Prefix(key), TestContext.Current.CancellationToken))
        {
            return page.Single(record => record.Key.Span.SequenceEqual(Encoding.UTF8.GetBytes(key)));
        }

        throw new InvalidOperationException($"the cluster has no {key}");
    }
}
