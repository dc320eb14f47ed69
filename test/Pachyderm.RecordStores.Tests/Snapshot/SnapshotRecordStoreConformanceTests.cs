using Pachyderm.RecordStores.Snapshot;

namespace Pachyderm.RecordStores.Tests.Snapshot;

/// <summary>The store keeps the contract when what it began with lies in the file.</summary>
public class SnapshotRecordStoreConformanceTests : RecordStoreConformance
{
    private readonly TemporaryDirectory _directory = new();

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _directory.Dispose();
        GC.SuppressFinalize(this);
    }

    protected override async Task<IRecordStore> CreateAsync(IReadOnlyList<(byte[] Key, byte[] Value)> initial)
    {
        string path = _directory[Guid.NewGuid().ToString("N")];
        await using (EtcdSnapshotWriter writer = await EtcdSnapshotWriter.CreateAsync(path, null, Cancellation))
        {
            for (int index = 0; index < initial.Count; index++)
            {
                long revision = 2 + index;
                writer.Add(revision, 0, new StoredRecord(initial[index].Key, initial[index].Value, revision, revision, 1, 0));
            }

            await writer.CompleteAsync(0, Cancellation);
        }

        return await SnapshotRecordStore.OpenAsync(path, SnapshotIntegrity.VerifyHash, TimeProvider.System, Cancellation);
    }
}

/// <summary>The store keeps the contract when everything was written on top of an empty file.</summary>
public sealed class SnapshotOverlayConformanceTests : SnapshotRecordStoreConformanceTests
{
    protected override async Task<IRecordStore> CreateAsync(IReadOnlyList<(byte[] Key, byte[] Value)> initial)
    {
        IRecordStore store = await base.CreateAsync([]);
        foreach ((byte[] key, byte[] value) in initial)
        {
            await CommitAsync(store, [], RecordWrite.Put(key, value));
        }

        return store;
    }
}
