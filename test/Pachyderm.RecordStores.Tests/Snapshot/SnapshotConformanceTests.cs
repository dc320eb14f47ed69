using Pachyderm.RecordStores.Etcd;
using Pachyderm.RecordStores.Snapshot;
using Pachyderm.TestSupport;

namespace Pachyderm.RecordStores.Tests.Snapshot;

/// <summary>A file that a real etcd made must behave as that etcd does.</summary>
public sealed class SnapshotConformanceTests : RecordStoreConformance
{
    private readonly TemporaryDirectory _directory = new();

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _directory.Dispose();
    }

    protected override async Task<IRecordStore> CreateAsync(IReadOnlyList<(byte[] Key, byte[] Value)> initial)
    {
        await using EtcdProcess server = await EtcdProcess.StartAsync(Cancellation);
        await using EtcdRecordStore etcd = await EtcdRecordStore.ConnectAsync(server.Endpoint, null, Cancellation);
        foreach ((byte[] Key, byte[] Value)[] some in initial.Chunk(EtcdRecordStore.MaxOperations))
        {
            await CommitAsync(etcd, [], [.. some.Select(record => RecordWrite.Put(record.Key, record.Value))]);
        }

        string path = _directory["etcd.snap"];
        await using (FileStream file = File.Create(path))
        {
            await etcd.SaveSnapshotAsync(file, Cancellation);
        }

        return await SnapshotRecordStore.OpenAsync(path, SnapshotIntegrity.VerifyHash, TimeProvider.System, Cancellation);
    }
}
