using Pachyderm.Errors;
using Pachyderm.ObjectStores;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Packs;

namespace Pachyderm.Storage.Tests.Packs;

public sealed class PackChunkStoreTests : IDisposable
{
    private readonly StoreFolder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Chunks_of_all_sizes_are_read_back_at_once_and_after_a_restart()
    {
        byte[][] contents =
        [
            [], [7], StoreExtensions.Random(1, 4096), StoreExtensions.Text(2, 100_000), StoreExtensions.Random(3, 1 << 20),
            StoreExtensions.Random(4, IChunkStore.MaximumLength), StoreExtensions.Text(5, IChunkStore.MaximumLength),
        ];
        List<ChunkId> ids;
        await using (PackChunkStore store = await _folder.OpenAsync())
        {
            ids = await store.PutDurablyAsync(contents);
            for (int i = 0; i < ids.Count; i++)
            {
                Assert.Equal(ChunkId.Of(contents[i]), ids[i]);
                Assert.Equal(contents[i], await store.ReadBytesAsync(ids[i]));
            }
        }

        Assert.Empty(_folder.SpoolPacks);
        await using (PackChunkStore store = await _folder.OpenAsync())
        {
            for (int i = 0; i < ids.Count; i++)
            {
                Assert.True(store.Contains(ids[i]));
                Assert.Equal(contents[i], await store.ReadBytesAsync(ids[i]));
            }
        }

        Assert.Empty(_folder.Findings);
    }

    [Fact]
    public async Task A_store_that_was_closed_before_its_first_chunk_opens_without_a_word()
    {
        await (await _folder.OpenAsync()).DisposeAsync();
        await using PackChunkStore again = await _folder.OpenAsync();
        Assert.Empty(_folder.Findings);
    }

    [Fact]
    public async Task A_chunk_above_the_limit_is_refused()
    {
        await using PackChunkStore store = await _folder.OpenAsync();
        using IChunkWriter writer = store.OpenWriter();
        byte[] tooLong = new byte[IChunkStore.MaximumLength + 1];
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () => await writer.PutAsync(tooLong, Token));
    }

    [Fact]
    public async Task Equal_chunks_are_stored_once_even_when_many_put_them_at_the_same_time()
    {
        await using PackChunkStore store = await _folder.OpenAsync();
        byte[][] contents = [.. Enumerable.Range(0, 50).Select(i => StoreExtensions.Random(i, 2000))];
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => store.PutDurablyAsync(contents), Token)));
        Assert.Equal(
            PackFormat.HeaderLength + (50 * (2000 + RecordHeader.Length)), store.GetStatistics().AppendedBytes);
    }

    [Fact]
    public async Task Full_packs_move_to_the_object_store_and_stay_readable()
    {
        PackStoreOptions options = _folder.Options with { PackSize = 100_000 };
        await using PackChunkStore store = await StoreFolder.OpenAsync(options);
        List<ChunkId> ids = await store.PutDurablyAsync(Enumerable.Range(0, 100).Select(i => StoreExtensions.Random(i, 10_000)));
        await store.SealAsync(Token);
        Assert.Equal(10, _folder.StoredPacks.Length);
        Assert.Empty(_folder.SpoolPacks);
        for (int i = 0; i < ids.Count; i++)
        {
            Assert.Equal(StoreExtensions.Random(i, 10_000), await store.ReadBytesAsync(ids[i]));
        }
    }

    [Fact]
    public async Task An_object_store_that_is_not_local_gets_packs_by_upload_and_serves_ranges()
    {
        PackStoreOptions options = _folder.Options with
        {
            Objects = new FaultInjectingObjectStore(new LocalObjectStore(_folder.Objects), static _ => null),
            PackSize = 100_000,
        };
        List<ChunkId> ids;
        await using (PackChunkStore store = await StoreFolder.OpenAsync(options))
        {
            ids = await store.PutDurablyAsync(Enumerable.Range(0, 30).Select(i => StoreExtensions.Text(i, 10_000 + i)));
        }

        Assert.Empty(_folder.SpoolPacks);
        await using PackChunkStore again = await StoreFolder.OpenAsync(options);
        for (int i = 0; i < ids.Count; i++)
        {
            Assert.Equal(StoreExtensions.Text(i, 10_000 + i), await again.ReadBytesAsync(ids[i]));
        }
    }

    [Fact]
    public async Task A_missing_chunk_is_named()
    {
        await using PackChunkStore store = await _folder.OpenAsync();
        ChunkId id = ChunkId.Of("nothing"u8);
        CorruptionException exception = await Assert.ThrowsAsync<CorruptionException>(async () => await store.ReadAsync(id, Token));
        Assert.Equal("chunk-missing", exception.Id);
        Assert.Contains(id.ToString(), exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_second_process_is_refused_while_the_store_is_open()
    {
        await using PackChunkStore store = await _folder.OpenAsync();
        OperatorException exception = await Assert.ThrowsAsync<OperatorException>(_folder.OpenAsync);
        Assert.Equal("storage-in-use", exception.Id);
    }

    [Fact]
    public async Task More_packs_than_open_files_can_be_read_by_many_threads()
    {
        PackStoreOptions options = _folder.Options with { PackSize = 5_000, OpenFiles = 3 };
        await using PackChunkStore store = await StoreFolder.OpenAsync(options);
        List<ChunkId> ids = await store.PutDurablyAsync(Enumerable.Range(0, 60).Select(i => StoreExtensions.Random(i, 3_000)));
        await store.SealAsync(Token);
        await Parallel.ForEachAsync(Enumerable.Range(0, 2_000), Token, async (i, _) =>
            Assert.Equal(StoreExtensions.Random(i % 60, 3_000), await store.ReadBytesAsync(ids[i % 60])));
    }
}
