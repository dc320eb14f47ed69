using Pachyderm.ObjectStores;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Index;
using Pachyderm.Storage.Maintenance;
using Pachyderm.Storage.Packs;
using Pachyderm.Storage.Tests.Packs;

namespace Pachyderm.Storage.Tests.Maintenance;

public sealed class StorageCheckTests : IDisposable
{
    private readonly StoreFolder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private PackStoreOptions Options => _folder.Options with { PackSize = 10_000 };

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_sound_store_has_no_findings(bool local)
    {
        LocalObjectStore objects = new(_folder.Objects);
        await using PackChunkStore store = await StoreFolder.OpenAsync(
            Options with { Objects = local ? objects : new FaultInjectingObjectStore(objects, static _ => null) });
        await PutAsync(store);
        Assert.Empty(await CheckAsync(store, readData: false));
        Assert.Empty(await CheckAsync(store, readData: true));
    }

    [Fact]
    public async Task A_damaged_chunk_is_named_and_the_others_move_to_a_new_pack()
    {
        List<ChunkId> ids;
        await using (PackChunkStore store = await StoreFolder.OpenAsync(Options))
        {
            ids = await PutAsync(store);
            string path = PathOf(store, ids[20], out long offset);
            Flip(path, offset + RecordHeader.Length + 5);
            Assert.Empty(await CheckAsync(store, readData: false));
            StorageFinding finding = Assert.Single(await CheckAsync(store, readData: true));
            Assert.Equal("chunk-damaged", finding.Id);
            Assert.Contains(ids[20].ToString(), finding.Thing, StringComparison.Ordinal);
            Assert.Single(await CheckAsync(store, readData: true, fix: true));
            Assert.Empty(await CheckAsync(store, readData: true));
            Assert.False(store.Contains(ids[20]));
            Assert.False(File.Exists(path));
            Assert.Single(Directory.GetFiles(Path.Combine(_folder.Objects, "quarantine"), "*", SearchOption.AllDirectories));
        }

        await using PackChunkStore again = await StoreFolder.OpenAsync(Options);
        for (int i = 0; i < ids.Count; i++)
        {
            if (i != 20)
            {
                Assert.Equal(StoreExtensions.Random(i, 800), await again.ReadBytesAsync(ids[i]));
            }
        }

        // The same content heals it.
        await again.PutDurablyAsync(StoreExtensions.Random(20, 800));
        Assert.Equal(StoreExtensions.Random(20, 800), await again.ReadBytesAsync(ids[20]));
    }

    [Theory]
    [InlineData("pack-header-damaged", 20)]
    [InlineData("pack-record-damaged", PackFormat.HeaderLength + 3)]
    [InlineData("pack-footer-damaged", -10)]
    [InlineData("pack-footer-damaged", -100)]
    public async Task Damage_to_the_framing_is_found_without_reading_data_and_repaired(string id, int position)
    {
        await using PackChunkStore store = await StoreFolder.OpenAsync(Options);
        List<ChunkId> ids = await PutAsync(store);
        string path = PathOf(store, ids[0], out _);
        Flip(path, position < 0 ? new FileInfo(path).Length + position : position);
        Assert.Contains(await CheckAsync(store, readData: false), finding => finding.Id == id);
        await CheckAsync(store, readData: false, fix: true);
        Assert.Empty(await CheckAsync(store, readData: true));
        Assert.Equal(id == "pack-record-damaged" ? 49 : 50, ids.Count(store.Contains));
        Assert.Equal(StoreExtensions.Random(1, 800), await store.ReadBytesAsync(ids[1]));
    }

    [Fact]
    public async Task A_truncated_pack_and_a_missing_one_are_found()
    {
        await using PackChunkStore store = await StoreFolder.OpenAsync(Options);
        List<ChunkId> ids = await PutAsync(store);
        string truncated = PathOf(store, ids[0], out _);
        await using (FileStream file = File.Open(truncated, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
        {
            file.SetLength(3_000);
        }

        string missing = PathOf(store, ids[49], out _);
        File.Delete(missing);
        List<StorageFinding> found = await CheckAsync(store, readData: false, fix: true);
        Assert.Contains(found, static finding => finding.Id == "pack-length-wrong");
        Assert.Contains(found, static finding => finding.Id == "pack-missing");
        Assert.Empty(await CheckAsync(store, readData: true));
        Assert.True(store.Contains(ids[0]));
        Assert.False(store.Contains(ids[49]));
        await store.PutDurablyAsync(StoreExtensions.Random(49, 800));
        Assert.Equal(StoreExtensions.Random(49, 800), await store.ReadBytesAsync(ids[49]));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_chunk_in_two_packs_outlives_the_one_that_the_index_names(bool missing)
    {
        await using PackChunkStore store = await StoreFolder.OpenAsync(Options);
        List<ChunkId> ids = await PutAsync(store);
        string first = PathOf(store, ids[7], out _);
        await AppendAgainAsync(store, ids[7]);
        string second = PathOf(store, ids[7], out long offset);
        Assert.NotEqual(first, second, StringComparer.Ordinal);
        using (await store.Index.CompactAsync(Token))
        {
            if (missing)
            {
                File.Delete(second);
            }
            else
            {
                Flip(second, offset + RecordHeader.Length + 5);
            }
        }

        await CheckAsync(store, readData: true, fix: true);
        Assert.Equal(StoreExtensions.Random(7, 800), await store.ReadBytesAsync(ids[7]));
        Assert.Equal(first, PathOf(store, ids[7], out _));
        Assert.Empty(await CheckAsync(store, readData: true));
    }

    [Fact]
    public async Task An_index_that_disagrees_with_the_packs_is_found_both_ways_and_built_again()
    {
        await using PackChunkStore store = await StoreFolder.OpenAsync(Options);
        List<ChunkId> ids = await PutAsync(store);
        await store.Index.FlushAsync(Token);
        Assert.True(store.Index.TryGet(ids[0], out ChunkLocation location, out _));
        store.Index.Add(ids[1], location);
        store.Index.Add(ChunkId.Of("nowhere"u8), location);
        await store.Index.FlushAsync(Token);
        List<StorageFinding> findings = await CheckAsync(store, readData: false, fix: true);
        Assert.Equal(2, findings.Count);
        Assert.All(findings, static finding => Assert.Equal(("index-wrong", true), (finding.Id, finding.Fixed)));
        Assert.Empty(await CheckAsync(store, readData: true));
        Assert.False(store.Contains(ChunkId.Of("nowhere"u8)));
        Assert.Equal(StoreExtensions.Random(1, 800), await store.ReadBytesAsync(ids[1]));
    }

    private static async Task<List<ChunkId>> PutAsync(PackChunkStore store)
    {
        List<ChunkId> ids = await store.PutDurablyAsync(Enumerable.Range(0, 50).Select(i => StoreExtensions.Random(i, 800)));
        await store.SealAsync(Token);
        return ids;
    }

    private static async Task AppendAgainAsync(PackChunkStore store, ChunkId id)
    {
        Assert.True(store.Index.TryGet(id, out ChunkLocation location, out PackFile? pack));
        byte[] stored = new byte[location.Payload.StoredLength];
        Assert.True(await store.TryReadStoredAsync(pack, new PackEntry(id, location.Offset, location.Payload), stored, Token));

        // As a collection does that is broken off.
        pack.Condemned = true;
        await store.AppendStoredAsync(id, location.Payload, stored, Token);
        pack.Condemned = false;
        await store.SealAsync(Token);
    }

    private static async Task<List<StorageFinding>> CheckAsync(PackChunkStore store, bool readData, bool fix = false) =>
        await new StorageCheck(store, new StorageCheckOptions { ReadData = readData, Fix = fix }).RunAsync(Token).ToListAsync(Token);

    private string PathOf(PackChunkStore store, ChunkId id, out long offset)
    {
        Assert.True(store.Index.TryGet(id, out ChunkLocation location, out PackFile? pack));
        offset = location.Offset;
        return Path.Combine(_folder.Objects, pack.Id.Key);
    }

    private static void Flip(string path, long position)
    {
        using FileStream file = File.Open(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        file.Position = position;
        int value = file.ReadByte();
        file.Position = position;
        file.WriteByte((byte)(value ^ 0x20));
    }
}
