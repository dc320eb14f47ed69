using Pachyderm.RecordStores;
using Pachyderm.RecordStores.Etcd;
using Pachyderm.TestSupport;

namespace Pachyderm.EndToEnd.Tests.Support;

/// <summary>A real etcd that serves a genuine cluster, with a workspace beside it.</summary>
public sealed class LiveCluster : IAsyncDisposable
{
    /// <summary>Keys of the migration's own records.</summary>
    public const string Journal = "pachyderm_migration/pachyderm_pfs/journal";
    public const string Fence = "pachyderm_migration/pachyderm_pfs/fence";
    public const string Stamp = "pachyderm_migration/pachyderm_pfs/stamp";
    public const string Progress = "pachyderm_migration/pachyderm_pfs/progress/run/";

    private LiveCluster(EtcdProcess etcd, Workspace workspace, EtcdRecordStore store)
    {
        Etcd = etcd;
        Workspace = workspace;
        Store = store;
    }

    public EtcdProcess Etcd { get; }

    public Workspace Workspace { get; }

    /// <summary>The test's own connection.</summary>
    public EtcdRecordStore Store { get; }

    /// <summary>The store and the backup repository, as every command takes them.</summary>
    public string[] Arguments => Workspace.EtcdArguments(Etcd.Endpoint);

    /// <summary>Starts etcd on a snapshot.</summary>
    public static async Task<LiveCluster> StartAsync(string set = Sets.Small, string? snapshot = null, long? quota = null, bool withStorage = false)
    {
        CancellationToken cancellationToken = TestContext.Current.CancellationToken;
        Workspace workspace = new(set, withStorage);
        EtcdProcess etcd = await EtcdProcess.StartAsync(
            new EtcdProcessOptions { Snapshot = snapshot ?? Sets.Snapshot(set), QuotaBytes = quota }, cancellationToken);
        return new LiveCluster(etcd, workspace, await EtcdRecordStore.ConnectAsync(etcd.Endpoint, null, cancellationToken));
    }

    /// <summary>Runs pachctl on it.</summary>
    public Task<PachctlResult> RunAsync(params string[] arguments) => PachctlProcess.RunAsync([.. arguments, .. Arguments], null);

    /// <summary>Starts pachctl on it.</summary>
    public PachctlProcess Start(PointGate? gate, params string[] arguments) => PachctlProcess.Start([.. arguments, .. Arguments], gate?.Environment);

    /// <summary>Everything that it holds.</summary>
    public Task<StoreState> ReadAsync() => StoreState.OfAsync(Store);

    /// <summary>The revision of the last write.</summary>
    public async Task<long> RevisionAsync() => (await Store.GetStatusAsync(TestContext.Current.CancellationToken)).Revision;

    /// <summary>Writes a record, as any other client might.</summary>
    public Task PutAsync(string key, string value) => CommitAsync(RecordWrite.Put(StoreState.Bytes(key), StoreState.Bytes(value)));

    /// <summary>Removes a record.</summary>
    public Task DeleteAsync(string key) => CommitAsync(RecordWrite.Delete(StoreState.Bytes(key)));

    /// <summary>Waits until a key of this beginning has been written, or deleted, since the store was started.</summary>
    public async Task WaitForAsync(string prefix, bool deleted = false)
    {
        CancellationToken cancellationToken = TestContext.Current.CancellationToken;
        await foreach (RecordEvent change in Store.WatchAsync(KeyRange.Prefix(prefix), _startRevision, cancellationToken))
        {
            if (change.Deleted == deleted)
            {
                return;
            }
        }
    }

    /// <summary>Makes <see cref="WaitForAsync"/> wait for what comes from now on.</summary>
    public async Task MarkAsync() => _startRevision = await RevisionAsync() + 1;

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await Store.DisposeAsync();
        await Etcd.DisposeAsync();
        Workspace.Dispose();
    }

    private long _startRevision = 1;

    private async Task CommitAsync(RecordWrite write) =>
        Assert.True((await Store.CommitAsync(new RecordTransaction([], [write]), TestContext.Current.CancellationToken)).Succeeded);
}
