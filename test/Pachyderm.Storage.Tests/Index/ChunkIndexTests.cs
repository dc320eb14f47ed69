using Pachyderm.Storage.Content;
using Pachyderm.Storage.Index;
using Pachyderm.Storage.Packs;
using Pachyderm.Storage.Tests.Packs;

namespace Pachyderm.Storage.Tests.Index;

public sealed class ChunkIndexTests : IDisposable
{
    private readonly StoreFolder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Every_chunk_is_found_and_no_other_while_tables_become_runs_and_runs_merge()
    {
        PackSet packs = new();
        await using ChunkIndex index = ChunkIndex.Open(_folder.Index, packs, Options(tableLimit: 500));
        index.Start();
        PackFile pack = packs.Add(PackId.Create(), PackFile.Past);
        for (int i = 0; i < 20_000; i++)
        {
            index.Add(Id(i), Location(pack, i));
            if (i % 3_000 == 0)
            {
                await index.FlushAsync(Token);
            }
        }

        using IndexRun? run = await index.CompactAsync(Token);
        Assert.Equal(20_000, run!.Count);
        for (int i = 0; i < 20_000; i++)
        {
            Assert.True(index.TryGet(Id(i), out ChunkLocation location, out PackFile? holder));
            Assert.Equal(Location(pack, i), location);
            Assert.Same(pack, holder);
            Assert.False(index.TryGet(Id(-1 - i), out _, out _));
        }

        Assert.Equal(Enumerable.Range(0, 20_000).Select(Id).Order(), run.ReadAll().Select(static entry => entry.Id));
        Assert.Single(Directory.GetFiles(_folder.Index, "*.run"));
    }

    [Fact]
    public async Task The_newest_entry_wins_and_entries_of_removed_packs_do_not_count()
    {
        PackSet packs = new();

        // No table fills up: a merge in the background would drop the older entries.
        await using ChunkIndex index = ChunkIndex.Open(_folder.Index, packs, Options(tableLimit: 100_000));
        index.Start();
        PackFile first = packs.Add(PackId.Create(), PackFile.Past);
        PackFile second = packs.Add(PackId.Create(), PackFile.Past);
        foreach (PackFile pack in (PackFile[])[first, second])
        {
            for (int i = 0; i < 1_000; i++)
            {
                index.Add(Id(i), Location(pack, i));
            }

            await index.FlushAsync(Token);
        }

        Assert.True(index.TryGet(Id(5), out ChunkLocation location, out _));
        Assert.Equal(second.Number, location.Pack);
        packs.Remove(second);
        Assert.True(index.TryGet(Id(5), out location, out _));
        Assert.Equal(first.Number, location.Pack);
        packs.Remove(first);
        Assert.False(index.TryGet(Id(5), out _, out _));
        Assert.Null(await index.CompactAsync(Token));
    }

    [Fact]
    public async Task Identifiers_with_equal_beginnings_that_fill_several_blocks_are_all_found()
    {
        PackSet packs = new();
        await using ChunkIndex index = ChunkIndex.Open(_folder.Index, packs, Options(tableLimit: 100_000));
        index.Start();
        PackFile pack = packs.Add(PackId.Create(), PackFile.Past);
        List<ChunkId> ids = [];
        for (int i = 0; i < 600; i++)
        {
            byte[] bytes = new byte[ChunkId.Length];
            bytes[0] = (byte)(i < 300 ? 7 : 9);
            bytes[30] = (byte)(i >> 8);
            bytes[31] = (byte)i;
            ids.Add(new ChunkId(bytes));
        }

        ids.AddRange(Enumerable.Range(0, 600).Select(Id));
        for (int i = 0; i < ids.Count; i++)
        {
            index.Add(ids[i], Location(pack, i));
        }

        using IndexRun? run = await index.CompactAsync(Token);
        for (int i = 0; i < ids.Count; i++)
        {
            Assert.True(run!.Find(ids[i], out ChunkLocation location) >= 0);
            Assert.Equal(Location(pack, i), location);
        }

        List<long> places = [];
        run!.FindPrefix(ids[0].Prefix, places);
        Assert.Equal(300, places.Count);
    }

    [Fact]
    public async Task A_missing_damaged_or_foreign_index_is_built_again_from_the_packs()
    {
        List<ChunkId> ids;
        PackStoreOptions options = _folder.Options with { PackSize = 10_000, IndexTableLimit = 20 };
        await using (PackChunkStore store = await StoreFolder.OpenAsync(options))
        {
            ids = await store.PutDurablyAsync(Enumerable.Range(0, 100).Select(i => StoreExtensions.Random(i, 800)));
        }

        using StoreFolder other = new();
        await using (PackChunkStore store = await other.OpenAsync())
        {
            await store.PutDurablyAsync(StoreExtensions.Random(777, 10));
        }

        Action[] damages =
        [
            () => Directory.Delete(_folder.Index, recursive: true),
            () => File.WriteAllBytes(IndexManifest.PathIn(_folder.Index), StoreExtensions.Random(1, 200)),
            () => File.WriteAllBytes(IndexManifest.PathIn(_folder.Index), []),
            () => File.Delete(Directory.GetFiles(_folder.Index, "*.run")[0]),
            () => File.WriteAllBytes(Directory.GetFiles(_folder.Index, "*.run")[0], StoreExtensions.Random(2, 5_000)),
            () =>
            {
                Directory.Delete(_folder.Index, recursive: true);
                Directory.CreateDirectory(_folder.Index);
                foreach (string file in Directory.GetFiles(other.Index))
                {
                    File.Copy(file, Path.Combine(_folder.Index, Path.GetFileName(file)));
                }
            },
        ];
        foreach (Action damage in damages)
        {
            damage();
            _folder.Findings.Clear();
            await using PackChunkStore store = await StoreFolder.OpenAsync(options);
            Assert.True(_folder.Found("packs-indexed"), _folder.Told);
            for (int i = 0; i < ids.Count; i++)
            {
                Assert.Equal(StoreExtensions.Random(i, 800), await store.ReadBytesAsync(ids[i]));
            }
        }
    }

    [Fact]
    public async Task A_block_that_is_damaged_while_the_store_runs_is_noticed_and_the_index_built_again()
    {
        PackStoreOptions options = _folder.Options with { PackSize = 10_000 };
        await using PackChunkStore store = await StoreFolder.OpenAsync(options);
        List<ChunkId> ids = await store.PutDurablyAsync(Enumerable.Range(0, 100).Select(i => StoreExtensions.Random(i, 800)));
        await store.Index.FlushAsync(Token);
        string path = Assert.Single(Directory.GetFiles(_folder.Index, "*.run"));
        await using (FileStream file = File.Open(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
        {
            file.Position = IndexRunFormat.BlockLength + 100;
            file.Write(new byte[20]);
        }

        for (int i = 0; i < ids.Count; i++)
        {
            Assert.Equal(StoreExtensions.Random(i, 800), await store.ReadBytesAsync(ids[i]));
        }

        Assert.Single(_folder.FindingIds, static id => id == "index-rebuilt");
    }

    [Fact]
    public async Task An_index_that_is_closed_properly_is_opened_without_looking_into_packs()
    {
        await using (PackChunkStore store = await _folder.OpenAsync())
        {
            await store.PutDurablyAsync(StoreExtensions.Random(1, 800));
        }

        _folder.Findings.Clear();
        await using PackChunkStore again = await _folder.OpenAsync();
        Assert.True(again.Contains(ChunkId.Of(StoreExtensions.Random(1, 800))));
        Assert.Empty(_folder.Findings);
    }

    [Fact]
    public async Task Entries_become_a_run_only_after_what_they_point_to_is_durable()
    {
        await using PackChunkStore store = await _folder.OpenAsync();
        using IChunkWriter writer = store.OpenWriter();
        await writer.PutAsync(StoreExtensions.Random(1, 800), Token);
        Assert.Equal(0, store.GetStatistics().Flushes);
        await store.Index.FlushAsync(Token);
        Assert.Equal(1, store.GetStatistics().Flushes);
        await writer.FlushAsync(Token);
        Assert.Equal(1, store.GetStatistics().Flushes);
    }

    private ChunkIndexOptions Options(int tableLimit) =>
        new(ReadOnly: false, tableLimit, _folder.Findings.Enqueue, static () => { }, static _ => Task.CompletedTask);

    private static ChunkId Id(int number) => ChunkId.Of(BitConverter.GetBytes(number));

    private static ChunkLocation Location(PackFile pack, int number) =>
        new(pack.Number, (uint)number * 7, new ChunkPayload(number % 100, 100 + (number % 50), ChunkEncoding.Zstd, ChunkHash.Sha256));
}
