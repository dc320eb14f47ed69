using Pachyderm.Migration.Engine;
using Pachyderm.Migration.Journal;
using Pachyderm.Migration.Steps;
using Pachyderm.Migration.Survey;
using Pachyderm.Migration.Targets;
using Pachyderm.ObjectStores.Tests;
using Pachyderm.RecordStores;

namespace Pachyderm.Migration.Tests.Support;

/// <summary>Migrates the cluster in a live etcd, with a backup directory of its own.</summary>
internal sealed class LiveMigration(EtcdFixture etcd, SyntheticCluster cluster) : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public MigrationRequest Request { get; set; } = new()
    {
        To = PreparedCluster.Version("1.5.3"),
        PfsPrefix = cluster.PfsPrefix,
        PpsPrefix = cluster.PpsPrefix,
        BackupDirectory = "",
        Accepted = new HashSet<string>(StringComparer.Ordinal) { "open-commit" },
    };

    public string BackupDirectory => _directory["backup"];

    public string File(string name) => _directory[name];

    /// <summary>An engine over the store, or over one that stands before it.</summary>
    public async Task<T> WithEngineAsync<T>(Func<MigrationEngine, Task<T>> work, IRecordStore? through = null, IMigrationObserver? observer = null)
    {
        MigrationSteps.Register();
        await using LiveTarget target = new(
            through ?? new FaultInjectingRecordStore(etcd.Store, leaveOpen: true), cluster.PfsPrefix, TimeProvider.System);
        return await work(new MigrationEngine(
            target, Request with { BackupDirectory = BackupDirectory }, observer ?? new NoObserver(), TimeProvider.System));
    }

    public Task<Reports.MigrationReport> RunAsync(IRecordStore? through = null, IMigrationObserver? observer = null) =>
        WithEngineAsync(engine => engine.RunAsync(TestContext.Current.CancellationToken), through, observer);

    public Task<Reports.MigrationReport> UndoAsync(IRecordStore? through = null) =>
        WithEngineAsync(engine => engine.UndoAsync(TestContext.Current.CancellationToken), through);

    /// <summary>Digest of the cluster's records as they are now.</summary>
    public async Task<string> DigestAsync() =>
        (await PreparedCluster.SurveyAsync(new StoreRecordSource(etcd.Store), cluster.Keys, cluster.PfsPrefix)).Digest.ToString();

    public async Task<bool> IsStampedAsync() =>
        await etcd.Store.GetAsync(new MigrationKeys(cluster.PfsPrefix).Stamp, TestContext.Current.CancellationToken) is not null;

    /// <summary>Ends the lease of the fence, as time does when its holder is gone.</summary>
    public async Task ExpireFenceAsync()
    {
        byte[] key = new MigrationKeys(cluster.PfsPrefix).Fence;
        if (await etcd.Store.GetAsync(key, TestContext.Current.CancellationToken) is { } fence)
        {
            await etcd.Store.RevokeLeaseAsync(fence.Lease, TestContext.Current.CancellationToken);
        }
    }

    public void Dispose() => _directory.Dispose();
}
