using Pachyderm.Errors;
using Pachyderm.ObjectStores;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Packs;

namespace Pachyderm.Storage.Tests.Packs;

public sealed class SpoolFailureTests : IDisposable
{
    private readonly StoreFolder _folder = new();
    private readonly FailingSpoolFiles _files = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private PackStoreOptions Options => _folder.Options with { Files = _files };

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(0)]
    [InlineData(30)]
    [InlineData(RecordHeader.Length)]
    [InlineData(500)]
    public async Task On_a_full_disk_the_write_fails_and_the_store_goes_on_when_there_is_room(int room)
    {
        PackChunkStore store = await StoreFolder.OpenAsync(Options);
        ChunkId before = (await store.PutDurablyAsync(StoreExtensions.Random(1, 1000)))[0];
        _files.WriteError = FailingSpoolFiles.NoSpace;
        _files.Room = room;
        OperatorException exception = await Assert.ThrowsAsync<OperatorException>(
            () => store.PutDurablyAsync(StoreExtensions.Random(2, 1000)));
        Assert.Equal("storage-full", exception.Id);
        Assert.Contains(_folder.Spool, exception.Message, StringComparison.Ordinal);
        Assert.False(store.Contains(ChunkId.Of(StoreExtensions.Random(2, 1000))));
        Assert.Equal(StoreExtensions.Random(1, 1000), await store.ReadBytesAsync(before));

        _files.WriteError = 0;
        ChunkId after = (await store.PutDurablyAsync(StoreExtensions.Random(3, 200)))[0];
        await store.AbandonAsync();
        await using PackChunkStore again = await StoreFolder.OpenAsync(Options);
        Assert.Equal(StoreExtensions.Random(1, 1000), await again.ReadBytesAsync(before));
        Assert.Equal(StoreExtensions.Random(3, 200), await again.ReadBytesAsync(after));
    }

    [Fact]
    public async Task After_a_flush_that_failed_nothing_behind_the_last_good_one_counts()
    {
        PackChunkStore store = await StoreFolder.OpenAsync(Options);
        ChunkId durable = (await store.PutDurablyAsync(StoreExtensions.Random(1, 1000)))[0];
        using IChunkWriter writer = store.OpenWriter();
        ChunkId lost = await writer.PutAsync(StoreExtensions.Random(2, 1000), Token);
        using IChunkWriter other = store.OpenWriter();
        await other.PutAsync(StoreExtensions.Random(2, 1000), Token);

        _files.FlushError = FailingSpoolFiles.InputOutput;
        OperatorException exception = await Assert.ThrowsAsync<OperatorException>(() => writer.FlushAsync(Token));
        Assert.Equal("storage-device-failed", exception.Id);
        _files.FlushError = 0;

        // Not even a later flush that succeeds acknowledges what was lost, to whoever relied on it.
        await Assert.ThrowsAsync<OperatorException>(() => writer.FlushAsync(Token));
        await Assert.ThrowsAsync<OperatorException>(() => other.FlushAsync(Token));
        Assert.False(store.Contains(lost));
        Assert.Equal(StoreExtensions.Random(1, 1000), await store.ReadBytesAsync(durable));

        // A new writer that puts it again is fine, and its bytes are in another file.
        await store.PutDurablyAsync(StoreExtensions.Random(2, 1000));
        await store.AbandonAsync();
        await using PackChunkStore again = await StoreFolder.OpenAsync(Options);
        Assert.Equal(StoreExtensions.Random(1, 1000), await again.ReadBytesAsync(durable));
        Assert.Equal(StoreExtensions.Random(2, 1000), await again.ReadBytesAsync(lost));
        Assert.False(_folder.Found("chunk-damaged"), _folder.Told);
    }

    [Fact]
    public async Task Writers_share_flushes()
    {
        await using PackChunkStore store = await StoreFolder.OpenAsync(Options);
        await Parallel.ForEachAsync(
            Enumerable.Range(0, 400), new ParallelOptions { MaxDegreeOfParallelism = 64, CancellationToken = Token },
            async (i, _) => await store.PutDurablyAsync(StoreExtensions.Random(i, 100)));
        Assert.InRange(store.GetStatistics().Flushes, 1, 399);
    }

    [Fact]
    public async Task While_the_object_store_fails_chunks_stay_readable_and_sealing_says_so()
    {
        bool fails = true;
        FaultInjectingObjectStore objects = new(new LocalObjectStore(_folder.Objects), call =>
            fails && call.Operation == ObjectStoreOperation.Put
                ? new ObjectStoreFault(FaultMoment.During, new OperatorException("bucket-gone", "bucket", "it is gone", "create it"))
                : null);
        ChunkId id;
        await using (PackChunkStore store = await StoreFolder.OpenAsync(Options with { Objects = objects }))
        {
            id = (await store.PutDurablyAsync(StoreExtensions.Random(1, 1000)))[0];
            OperatorException exception = await Assert.ThrowsAsync<OperatorException>(() => store.SealAsync(Token));
            Assert.Equal("bucket-gone", exception.Id);
            Assert.Equal(StoreExtensions.Random(1, 1000), await store.ReadBytesAsync(id));
        }

        Assert.Single(_folder.SpoolPacks);
        fails = false;
        await using PackChunkStore again = await StoreFolder.OpenAsync(Options with { Objects = objects });
        await again.SealAsync(Token);
        Assert.Empty(_folder.SpoolPacks);
        Assert.Equal(StoreExtensions.Random(1, 1000), await again.ReadBytesAsync(id));
    }

    [Fact]
    public async Task Writers_wait_for_an_object_store_that_lags_behind_rather_than_fill_the_spool()
    {
        FaultInjectingObjectStore objects = new(new LocalObjectStore(_folder.Objects), call =>
            call.Operation == ObjectStoreOperation.Put
                ? new ObjectStoreFault(FaultMoment.Before, new OperatorException("bucket-gone", "bucket", "it is gone", "create it"))
                : null);
        await using PackChunkStore store = await StoreFolder.OpenAsync(
            Options with { Objects = objects, PackSize = 10_000, SpoolLimit = 50_000 });
        OperatorException exception = await Assert.ThrowsAsync<OperatorException>(
            () => store.PutDurablyAsync(Enumerable.Range(0, 100).Select(i => StoreExtensions.Random(i, 1000))));
        Assert.Equal("bucket-gone", exception.Id);
        Assert.InRange(_folder.SpoolPacks.Sum(static path => new FileInfo(path).Length), 50_000, 80_000);
    }
}
