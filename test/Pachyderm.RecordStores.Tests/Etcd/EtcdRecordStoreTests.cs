using Pachyderm.RecordStores.Etcd;
using Pachyderm.TestSupport;

namespace Pachyderm.RecordStores.Tests.Etcd;

public sealed class EtcdRecordStoreTests : RecordStoreConformance
{
    private readonly List<EtcdProcess> _servers = [];

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        foreach (EtcdProcess server in _servers)
        {
            await server.DisposeAsync();
        }
    }

    protected override async Task<IRecordStore> CreateAsync(IReadOnlyList<(byte[] Key, byte[] Value)> initial)
    {
        EtcdProcess server = await EtcdProcess.StartAsync(Cancellation);
        _servers.Add(server);
        EtcdRecordStore store = await EtcdRecordStore.ConnectAsync(server.Endpoint, null, Cancellation);
        foreach ((byte[] Key, byte[] Value)[] some in initial.Chunk(EtcdRecordStore.MaxOperations))
        {
            await CommitAsync(store, [], [.. some.Select(record => RecordWrite.Put(record.Key, record.Value))]);
        }

        return store;
    }
}
