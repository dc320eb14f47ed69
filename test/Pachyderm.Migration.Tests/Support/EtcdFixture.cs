using Pachyderm.RecordStores;
using Pachyderm.RecordStores.Etcd;
using Pachyderm.TestSupport;

namespace Pachyderm.Migration.Tests.Support;

/// <summary>One real etcd for all tests of a class, which run one after the other; each fills it anew.</summary>
public sealed class EtcdFixture : IAsyncLifetime
{
    private EtcdProcess? _etcd;
    private EtcdRecordStore? _store;

    /// <summary>A connection that no test closes.</summary>
    public IRecordStore Store => _store!;

    /// <inheritdoc/>
    public async ValueTask InitializeAsync()
    {
        _etcd = await EtcdProcess.StartAsync(CancellationToken.None);
        _store = await EtcdRecordStore.ConnectAsync(_etcd.Endpoint, options: null, CancellationToken.None);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_store is not null)
        {
            await _store.DisposeAsync();
        }

        if (_etcd is not null)
        {
            await _etcd.DisposeAsync();
        }
    }

    /// <summary>Empties the store and writes a cluster into it, each record at a revision of its own.</summary>
    internal async Task FillAsync(SyntheticCluster cluster)
    {
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        foreach (StoredRecord[] some in (await ReadAllAsync()).Chunk(100))
        {
            await Store.CommitAsync(new RecordTransaction([], [.. some.Select(record => RecordWrite.Delete(record.Key))]), cancellation);
        }

        foreach (StoredRecord record in cluster.Records)
        {
            await PutAsync(record.Key, record.Value);
        }
    }

    internal Task PutAsync(ReadOnlyMemory<byte> key, ReadOnlyMemory<byte> value) =>
        Store.CommitAsync(new RecordTransaction([], [RecordWrite.Put(key, value)]), TestContext.Current.CancellationToken);

    internal Task DeleteAsync(ReadOnlyMemory<byte> key) =>
        Store.CommitAsync(new RecordTransaction([], [RecordWrite.Delete(key)]), TestContext.Current.CancellationToken);

    internal async Task<List<StoredRecord>> ReadAllAsync()
    {
        List<StoredRecord> records = [];
        await foreach (IReadOnlyList<StoredRecord> page in Store.ReadAsync(KeyRange.All, 0, TestContext.Current.CancellationToken))
        {
            records.AddRange(page);
        }

        return records;
    }
}
