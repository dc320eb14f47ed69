using Pachyderm.Bench.Generation;
using Pachyderm.Formats;
using Pachyderm.Migration.Releases;
using Pachyderm.Migration.Steps;
using Pachyderm.Migration.Survey;
using Pachyderm.RecordStores;
using Pachyderm.RecordStores.Snapshot;

namespace Pachyderm.Bench.Micro;

/// <summary>A generated cluster of 100,000 records for the micro suites, and what it takes to convert its records.</summary>
internal sealed class SampleCluster : IAsyncDisposable
{
    public const int Records = 100_000;

    /// <summary>Records that a benchmark of one kind goes through in one call; a kind of fewer is gone through again.</summary>
    public const int PerKind = 1000;

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("pachyderm-bench-");

    private SampleCluster()
    {
    }

    public ClusterKeys Keys { get; } = new(ClusterKeys.DefaultPfsPrefix, ClusterKeys.DefaultPpsPrefix);

    public EtcdSnapshotFile File { get; private set; } = null!;

    public string OutputPath => Path.Combine(_directory.FullName, "migrated.snap");

    public static async Task<SampleCluster> CreateAsync()
    {
        SampleCluster cluster = new();
        string path = Path.Combine(cluster._directory.FullName, "cluster.snap");
        await ClusterGenerator.WriteAsync(path, Records, seed: 1, CancellationToken.None);
        cluster.File = await EtcdSnapshotFile.OpenAsync(path, SnapshotIntegrity.Trust, CancellationToken.None);
        return cluster;
    }

    /// <summary>Exactly <see cref="PerKind"/> records of a kind.</summary>
    public async Task<StoredRecord[]> ReadAsync(RecordKind kind)
    {
        List<StoredRecord> records = [];
        await foreach (IReadOnlyList<StoredRecord> page in File.ReadByRevisionAsync(KeyRange.All, CancellationToken.None))
        {
            records.AddRange(page.Where(record => Keys.Classify(record.Key.Span) == kind));
        }

        return [.. Enumerable.Range(0, PerKind).Select(index => records[index % records.Count])];
    }

    /// <summary>The conversion to 1.5.3.</summary>
    public async Task<IRecordConversion> PrepareConversionAsync()
    {
        MigrationSteps.Register();
        ClusterInventory inventory = await SurveyRunner.RunAsync(
            new SnapshotRecordSource(File), Keys, ClusterKeys.DefaultPfsPrefix, progress: null, CancellationToken.None);
        return StepCatalog.Get("1.4.x-1.5.x").Prepare(inventory, new StepOptions(MigrationPath.Newest, Quarantine: false, HasStorage: false));
    }

    public ValueTask DisposeAsync()
    {
        File.Dispose();
        _directory.Delete(recursive: true);
        return ValueTask.CompletedTask;
    }
}
