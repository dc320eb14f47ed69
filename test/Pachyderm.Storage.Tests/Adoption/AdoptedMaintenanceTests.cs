using CsCheck;
using Pachyderm.Errors;
using Pachyderm.ObjectStores;
using Pachyderm.Storage.Adoption;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Index;
using Pachyderm.Storage.Maintenance;
using Pachyderm.Storage.Packs;
using Pachyderm.Storage.Tests.Packs;

namespace Pachyderm.Storage.Tests.Adoption;

public sealed class AdoptedMaintenanceTests : IDisposable
{
    private readonly StoreFolder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_collection_leaves_adopted_packs_alone_until_their_source_is_released_and_the_source_always(bool isReleased)
    {
        using OldStore old = Small(30);
        await using (PackChunkStore store = await StoreFolder.OpenAsync(Options(old)))
        {
            await old.AdoptAsync(store);
        }

        Dictionary<string, string> before = Snapshot(old);
        PackStoreOptions options = Options(old) with { AdoptedFrom = [old.Source with { Released = isReleased }] };
        await using PackChunkStore again = await StoreFolder.OpenAsync(options);
        List<ChunkId> native = await again.PutDurablyAsync(StoreExtensions.Random(99, 500));
        await again.SealAsync(Token);

        // Two of the three adopted packs have nothing that is needed.
        ChunkId[] live = [.. old.Chunks[..3].Select(static chunk => chunk.Id), .. native];
        GarbageCollectionResult result = await CollectAsync(again, live);
        Assert.Equal((31, 4, isReleased ? 2 : 0), (result.Chunks, result.Live, result.PacksDeleted));
        Assert.Equal(isReleased ? 10 : 30, old.Chunks.Count(chunk => again.Contains(chunk.Id)));
        foreach (ChunkId id in live)
        {
            await again.ReadBytesAsync(id);
        }

        Assert.Equal(before, Snapshot(old));
        Assert.DoesNotContain(old.Objects.Calls, static call => call.Operation is ObjectStoreOperation.Put or ObjectStoreOperation.Delete);
    }

    [Fact]
    public async Task A_copied_chunk_is_collected_and_moved_as_any_other()
    {
        using OldStore old = OldStore.Of(
            [.. Enumerable.Range(0, 60).Select(static i => StoreExtensions.Random(i, 1000)), StoreExtensions.Text(7, 17 << 20)]);
        PackStoreOptions options = Options(old) with { PackSize = 20_000, AdoptedPackChunks = 1000 };
        await using PackChunkStore store = await StoreFolder.OpenAsync(options);
        await old.AdoptAsync(store);
        await store.ConsolidateAsync("old", options: null, Token);
        await store.SealAsync(Token);
        ChunkReference[] live = [.. old.Chunks.Where(static (_, i) => i % 4 == 0 || i >= 60)];
        GarbageCollectionResult result = await CollectAsync(store, live.Select(static chunk => chunk.Id));
        Assert.True(result.PacksRewritten > 0);
        Assert.True(result.BytesFreed > 30_000);
        await store.SealAsync(Token);
        foreach (ChunkReference chunk in live)
        {
            Assert.Equal(chunk.Length, (await store.ReadBytesAsync(chunk.Id)).Length);
        }

        Assert.Empty(await CheckAsync(store, readData: true));
    }

    [Fact]
    public async Task A_damaged_source_is_told_object_by_object_and_nothing_else_is()
    {
        using OldStore old = Small(30);
        await using PackChunkStore store = await StoreFolder.OpenAsync(Options(old));
        await old.AdoptAsync(store);
        await store.PutDurablyAsync(StoreExtensions.Random(99, 500));
        await store.SealAsync(Token);
        Assert.Empty(await CheckAsync(store, readData: false));
        Assert.Empty(await CheckAsync(store, readData: true));
        File.Delete(old.PathOf(old.Listed[4]));
        File.WriteAllBytes(old.PathOf(old.Listed[14]), old.BytesOf(old.Listed[14])[..^1]);
        File.WriteAllBytes(old.PathOf(old.Listed[24]), new byte[old.Listed[24].Length]);
        List<(string, string)> missingAndShort =
            [("adopted-block-missing", old.Listed[4].Key), ("adopted-block-short", old.Listed[14].Key)];
        Assert.Equal(missingAndShort, Told(await CheckAsync(store, readData: false)));
        List<(string, string)> all = [.. missingAndShort, ("adopted-object-damaged", old.Listed[24].Key)];
        Assert.Equal(all, Told(await CheckAsync(store, readData: true)));

        List<(string, string)> Told(List<StorageFinding> findings) =>
        [
            .. findings
                .Select(finding => (
                    finding.Id, old.Listed.Single(item => finding.Thing.Contains(item.Key, StringComparison.Ordinal)).Key))
                .OrderBy(static told => told.Id switch { "adopted-block-missing" => 0, "adopted-block-short" => 1, _ => 2 }),
        ];
    }

    [Fact]
    public async Task Damage_to_a_shared_block_is_told_for_the_objects_that_it_touches()
    {
        using OldStore old = OldStore.Unpack("pachyderm-1.4.8-objstore");
        await using PackChunkStore store = await StoreFolder.OpenAsync(Options(old) with { AdoptedPackChunks = 1000 });
        await old.AdoptAsync(store);
        AdoptedObject[] touched =
        [
            old.Listed.Where(static item => item.Length is > 0 and < 1000).MinBy(static item => item.Offset),
            old.Listed.MaxBy(static item => item.Length),
        ];
        using (FileStream block = File.Open(old.PathOf(touched[0]), FileMode.Open, FileAccess.ReadWrite))
        {
            foreach (AdoptedObject item in touched)
            {
                block.Position = item.Offset + (item.Length / 2);
                int value = block.ReadByte();
                block.Position--;
                block.WriteByte((byte)~value);
            }
        }

        Assert.Empty(await CheckAsync(store, readData: false));
        List<StorageFinding> findings = await CheckAsync(store, readData: true);
        Assert.Equal(2, findings.Count);
        Assert.All(touched, item => Assert.Single(findings, finding =>
            finding.Id == "adopted-object-damaged"
            && finding.Problem.Contains($"the {item.Length} bytes at offset {item.Offset} ", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_source_that_is_not_there_or_not_configured_is_told_once()
    {
        using OldStore old = Small(30);
        await using (PackChunkStore store = await StoreFolder.OpenAsync(Options(old)))
        {
            await old.AdoptAsync(store);
            Directory.Delete(old.Root, recursive: true);
            StorageFinding gone = Assert.Single(await CheckAsync(store, readData: true));
            Assert.Equal("adopted-source-missing", gone.Id);
            Assert.Contains(old.Root, gone.Thing, StringComparison.Ordinal);
        }

        await using PackChunkStore without = await _folder.OpenAsync();
        Assert.Equal("adopted-source-unknown", Assert.Single(await CheckAsync(without, readData: true)).Id);
    }

    [Theory]
    [InlineData("pack-header-damaged", 40)]
    [InlineData("adopted-reference-damaged", PackFormat.HeaderLength + RecordHeader.Length + 9)]
    [InlineData("pack-record-damaged", PackFormat.HeaderLength + 3)]
    [InlineData("pack-footer-damaged", -10)]
    public async Task A_damaged_adopted_pack_is_told_and_its_intact_references_go_to_a_new_one(string id, int position)
    {
        using OldStore old = Small(10);
        PackStoreOptions options = Options(old) with { AdoptedPackChunks = 100 };
        await using (PackChunkStore store = await StoreFolder.OpenAsync(options))
        {
            await old.AdoptAsync(store);
        }

        string path = Assert.Single(_folder.StoredPacks);
        using (FileStream file = File.Open(path, FileMode.Open, FileAccess.ReadWrite))
        {
            long place = position < 0 ? file.Length + position : position;
            file.Position = place;
            int value = file.ReadByte();
            file.Position = place;
            file.WriteByte((byte)(value ^ 1));
        }

        Directory.Delete(_folder.Index, recursive: true);
        await using PackChunkStore again = await StoreFolder.OpenAsync(options);
        Assert.Contains(await CheckAsync(again, readData: false), finding => finding.Id == id);
        await CheckAsync(again, readData: false, fix: true);
        Assert.Empty(await CheckAsync(again, readData: true));
        Assert.Equal("old", Assert.Single(again.ListAdoptions()).Source);
        int left = old.Chunks.Count(chunk => again.Contains(chunk.Id));
        Assert.Equal(id is "adopted-reference-damaged" or "pack-record-damaged" ? 9 : 10, left);

        // Importing again heals it.
        await old.AdoptAsync(again);
        await old.AssertReadableAsync(again);
    }

    [Fact]
    public async Task Damage_anywhere_in_an_adopted_pack_costs_at_most_the_chunks_that_it_touches_and_never_gives_other_bytes()
    {
        using OldStore old = Small(8);
        PackStoreOptions options = Options(old) with { AdoptedPackChunks = 100 };
        await using (PackChunkStore store = await StoreFolder.OpenAsync(options))
        {
            await old.AdoptAsync(store);
        }

        string path = Assert.Single(_folder.StoredPacks);
        byte[] sound = await File.ReadAllBytesAsync(path, Token);
        await Gen.Select(Gen.Int[0, sound.Length - 1], Gen.Byte[1, 255]).SampleAsync(
            async (place, mask) =>
            {
                byte[] damaged = [.. sound];
                damaged[place] ^= mask;
                await File.WriteAllBytesAsync(path, damaged, Token);
                Directory.Delete(_folder.Index, recursive: true);
                await using PackChunkStore store = await StoreFolder.OpenAsync(options);
                int lost = 0;
                foreach (AdoptedObject item in old.Listed)
                {
                    ChunkId id = AdoptedChunks.Of(item.Hash, item.Length).Single().Id;
                    Exception? exception = await Record.ExceptionAsync(async () =>
                        Assert.Equal(old.BytesOf(item), await store.ReadBytesAsync(id)));
                    Assert.True(exception is null or CorruptionException, exception?.ToString());
                    lost += exception is null ? 0 : 1;
                }

                Assert.InRange(lost, 0, 1);
                Assert.NotEmpty(await CheckAsync(store, readData: false));
            },
            iter: 60, threads: 1);
    }

    [Fact]
    public async Task A_copied_slice_that_is_damaged_is_noticed_by_every_read()
    {
        using OldStore old = OldStore.Of(StoreExtensions.Random(3, 17 << 20));
        await using PackChunkStore store = await StoreFolder.OpenAsync(Options(old));
        await old.AdoptAsync(store);
        await store.ConsolidateAsync("old", options: null, Token);
        await store.SealAsync(Token);
        ChunkId id = old.Chunks[2].Id;
        Assert.True(store.Index.TryGet(id, out ChunkLocation location, out PackFile? pack));
        string path = Path.Combine(_folder.Objects, pack.Id.Key);
        foreach (int place in new[] { 10, 70, 90, SliceSeal.Length, 3_000_000 })
        {
            Flip(path, location.Offset + RecordHeader.Length + place);
            Assert.Equal("chunk-damaged", Assert.Single(await CheckAsync(store, readData: true)).Id);
            await Assert.ThrowsAsync<CorruptionException>(() => store.ReadBytesAsync(id));
            Flip(path, location.Offset + RecordHeader.Length + place);
        }

        await old.AssertReadableAsync(store);
    }

    private static void Flip(string path, long place)
    {
        using FileStream file = File.Open(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        file.Position = place;
        int value = file.ReadByte();
        file.Position = place;
        file.WriteByte((byte)(value ^ 4));
    }

    private static OldStore Small(int count) =>
        OldStore.Of(Enumerable.Range(0, count).Select(static i => StoreExtensions.Random(i, 100 + (i % 50))));

    private static Dictionary<string, string> Snapshot(OldStore old) => Directory.EnumerateFiles(old.Root, "*", SearchOption.AllDirectories)
        .ToDictionary(
            static path => path, static path => $"{File.GetLastWriteTimeUtc(path).Ticks} {ChunkId.Of(File.ReadAllBytes(path))}",
            StringComparer.Ordinal);

    private static async Task<GarbageCollectionResult> CollectAsync(PackChunkStore store, IEnumerable<ChunkId> live)
    {
        await using GarbageCollector collector = await GarbageCollector.BeginAsync(store, options: null, Token);
        await collector.MarkAsync(live.ToAsyncEnumerable(), Token);
        return await collector.SweepAsync(Token);
    }

    private static async Task<List<StorageFinding>> CheckAsync(PackChunkStore store, bool readData, bool fix = false) =>
        await new StorageCheck(store, new StorageCheckOptions { ReadData = readData, Fix = fix }).RunAsync(Token).ToListAsync(Token);

    private PackStoreOptions Options(OldStore old) => _folder.Options with { AdoptedFrom = [old.Source], AdoptedPackChunks = 10 };
}
