using Pachyderm.Formats;
using Pachyderm.Migration.Releases;
using Pachyderm.Migration.Steps;
using Pachyderm.Migration.Survey;
using Pachyderm.ObjectStores.Tests;
using Pachyderm.RecordStores;
using Pachyderm.RecordStores.Snapshot;

namespace Pachyderm.Migration.Tests.Support;

/// <summary>A cluster in a snapshot file, surveyed. The one place of these tests that knows how a survey is run and a step found.</summary>
internal sealed class PreparedCluster : IDisposable
{
    private PreparedCluster(TemporaryDirectory directory, EtcdSnapshotFile file, ClusterInventory inventory)
    {
        Directory = directory;
        File = file;
        Inventory = inventory;
    }

    public TemporaryDirectory Directory { get; }

    public EtcdSnapshotFile File { get; }

    public ClusterInventory Inventory { get; }

    public static async Task<PreparedCluster> FromAsync(SyntheticCluster cluster)
    {
        TemporaryDirectory directory = new();
        EtcdSnapshotFile file = await EtcdSnapshotFile.OpenAsync(
            await cluster.WriteAsync(directory["source.snap"]), SnapshotIntegrity.VerifyHash, TestContext.Current.CancellationToken);
        return new PreparedCluster(directory, file, await SurveyAsync(new SnapshotRecordSource(file), cluster.Keys, cluster.PfsPrefix));
    }

    public static Task<ClusterInventory> SurveyAsync(IRecordSource source, ClusterKeys keys, string pfsPrefix = ClusterKeys.DefaultPfsPrefix) =>
        SurveyRunner.RunAsync(source, keys, pfsPrefix, progress: null, TestContext.Current.CancellationToken);

    public static ReleaseVersion Version(string text) =>
        ReleaseVersion.TryParse(text, out ReleaseVersion version) ? version : throw new ArgumentException(text, nameof(text));

    /// <summary>The step that a migration of this store would take.</summary>
    public IMigrationStep Step()
    {
        MigrationSteps.Register();
        return StepCatalog.Get(Inventory.Encodings.Text > 0 ? "1.4.x-1.5.x" : "1.5.x-1.5.x");
    }

    public IRecordConversion Prepare(string to, bool quarantine = false) =>
        Step().Prepare(Inventory, new StepOptions(Version(to), quarantine, HasStorage: false));

    /// <summary>What the step says about the store, with what the survey says.</summary>
    public IReadOnlyList<Finding> Findings(string to = "1.5.3")
    {
        FindingList findings = new();
        findings.AddAll(Inventory.Findings);
        Step().Examine(Inventory, new StepOptions(Version(to), Quarantine: false, HasStorage: false), findings);
        return findings.Details;
    }

    public IAsyncEnumerable<IReadOnlyList<StoredRecord>> Read(KeyRange range) =>
        File.ReadByRevisionAsync(range, TestContext.Current.CancellationToken);

    public void Dispose()
    {
        File.Dispose();
        Directory.Dispose();
    }
}
