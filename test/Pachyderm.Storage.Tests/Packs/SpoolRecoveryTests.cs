using Pachyderm.Errors;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Packs;

namespace Pachyderm.Storage.Tests.Packs;

/// <summary>What a kill or a power loss leaves behind, byte by byte.</summary>
public sealed class SpoolRecoveryTests : IDisposable
{
    private readonly StoreFolder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Everything_acknowledged_is_there_after_a_kill_and_moves_to_the_object_store()
    {
        List<ChunkId> ids = await PutAndKillAsync(20, 3_000);
        await using PackChunkStore store = await _folder.OpenAsync();
        for (int i = 0; i < ids.Count; i++)
        {
            Assert.Equal(StoreExtensions.Random(i, 3_000), await store.ReadBytesAsync(ids[i]));
        }

        await store.SealAsync(Token);
        Assert.Empty(_folder.SpoolPacks);
        Assert.Single(_folder.StoredPacks);
        Assert.False(_folder.Found("spool-tail-cut"), _folder.Told);
        for (int i = 0; i < ids.Count; i++)
        {
            Assert.Equal(StoreExtensions.Random(i, 3_000), await store.ReadBytesAsync(ids[i]));
        }
    }

    [Fact]
    public async Task A_tail_torn_at_any_byte_costs_only_the_chunk_that_it_belongs_to()
    {
        List<ChunkId> ids = await PutAndKillAsync(3, 100);
        string path = Assert.Single(_folder.SpoolPacks);
        byte[] whole = await File.ReadAllBytesAsync(path, Token);
        int last = whole.Length - RecordHeader.Length - 100;
        for (int length = last; length < whole.Length; length++)
        {
            Reset(path, whole[..length]);
            await using PackChunkStore store = await _folder.OpenAsync();
            Assert.Equal([true, true, false], ids.Select(store.Contains));
            Assert.Equal(StoreExtensions.Random(1, 100), await store.ReadBytesAsync(ids[1]));
            Assert.Equal(length > last, _folder.Found("spool-tail-cut"));

            // Stored anew, it is durable again.
            await store.PutDurablyAsync(StoreExtensions.Random(2, 100));
            Assert.Equal(StoreExtensions.Random(2, 100), await store.ReadBytesAsync(ids[2]));
        }
    }

    [Fact]
    public async Task Any_flipped_bit_is_found_and_costs_no_other_chunk()
    {
        List<ChunkId> ids = await PutAndKillAsync(3, 40);
        string path = Assert.Single(_folder.SpoolPacks);
        byte[] whole = await File.ReadAllBytesAsync(path, Token);
        int record = RecordHeader.Length + 40;
        for (int position = 0; position < whole.Length; position++)
        {
            byte[] damaged = [.. whole];
            damaged[position] ^= 4;
            Reset(path, damaged);
            await using PackChunkStore store = await _folder.OpenAsync();
            int hit = position < PackFormat.HeaderLength ? -1 : (position - PackFormat.HeaderLength) / record;
            for (int i = 0; i < ids.Count; i++)
            {
                Assert.Equal(i != hit, store.Contains(ids[i]));
            }

            string expected = hit switch
            {
                -1 => "pack-header-damaged",
                2 => "spool-tail-cut",
                _ when (position - PackFormat.HeaderLength) % record < RecordHeader.Length => "pack-record-damaged",
                _ => "chunk-damaged",
            };
            Assert.True(_folder.Found(expected), _folder.Told);
        }
    }

    [Fact]
    public async Task A_chunk_that_contains_a_pack_hides_no_damage_and_adds_no_records()
    {
        await PutAndKillAsync(3, 100);
        byte[] inner = await File.ReadAllBytesAsync(Assert.Single(_folder.SpoolPacks), Token);
        Reset(_folder.SpoolPacks[0], []);
        PackChunkStore first = await _folder.OpenAsync();
        List<ChunkId> ids = await first.PutDurablyAsync(inner, StoreExtensions.Random(9, 50));
        await first.AbandonAsync();
        string path = Assert.Single(_folder.SpoolPacks);
        byte[] outer = await File.ReadAllBytesAsync(path, Token);
        outer[PackFormat.HeaderLength] ^= 1;
        Reset(path, outer);
        await using PackChunkStore store = await _folder.OpenAsync();
        Assert.False(store.Contains(ids[0]));
        Assert.True(store.Contains(ids[1]));
        Assert.False(store.Contains(ChunkId.Of(StoreExtensions.Random(0, 100))));
    }

    [Fact]
    public async Task Bytes_that_are_no_pack_never_crash_the_opening()
    {
        for (int seed = 0; seed < 200; seed++)
        {
            byte[] junk = StoreExtensions.Random(seed, seed * 7);
            Directory.CreateDirectory(_folder.Spool);
            string path = Path.Combine(_folder.Spool, PackId.Create() + PackRecovery.FileSuffix);
            Reset(path, junk);
            await using PackChunkStore store = await _folder.OpenAsync();
            Assert.Empty(_folder.SpoolPacks);
        }
    }

    [Fact]
    public async Task A_reader_of_a_stopped_store_sees_everything_and_changes_nothing()
    {
        List<ChunkId> ids = await PutAndKillAsync(5, 1_000);
        await using (PackChunkStore store = await _folder.OpenAsync())
        {
            await store.SealAsync(Token);
        }

        ids.AddRange(await PutAndKillAsync(9, 1_001));
        string path = Assert.Single(_folder.SpoolPacks);
        await File.AppendAllTextAsync(path, "torn", Token);
        Directory.Delete(_folder.Index, recursive: true);
        List<string> before = Describe();
        await using (PackChunkStore store = await StoreFolder.OpenAsync(_folder.Options with { ReadOnly = true }))
        {
            Assert.All(ids, id => Assert.True(store.Contains(id)));
            Assert.Equal(StoreExtensions.Random(8, 1_001), await store.ReadBytesAsync(ids[^1]));
            Assert.Equal("store-read-only", Assert.Throws<OperatorException>(() => store.OpenWriter()).Id);
        }

        Assert.Equal(before, Describe());
    }

    [Fact]
    public async Task A_kill_between_upload_and_removal_leaves_one_copy()
    {
        List<ChunkId> ids = await PutAndKillAsync(5, 1_000);
        string spooled = Assert.Single(_folder.SpoolPacks);
        await using (PackChunkStore store = await _folder.OpenAsync())
        {
            await store.SealAsync(Token);
        }

        File.Copy(Assert.Single(_folder.StoredPacks), spooled);
        await using PackChunkStore again = await _folder.OpenAsync();
        Assert.Empty(_folder.SpoolPacks);
        Assert.Equal(StoreExtensions.Random(4, 1_000), await again.ReadBytesAsync(ids[4]));
    }

    [Fact]
    public async Task Packs_and_index_of_a_killed_process_fit_together_whenever_the_table_was_written()
    {
        // A tiny table: entries of a pack that is still open reach the disk before the kill.
        PackStoreOptions options = _folder.Options with { IndexTableLimit = 8, PackSize = 20_000 };
        HashSet<ChunkId> acknowledged = [];
        for (int round = 0; round < 8; round++)
        {
            PackChunkStore store = await StoreFolder.OpenAsync(options);
            acknowledged.UnionWith(await store.PutDurablyAsync(
                Enumerable.Range(0, 30).Select(i => StoreExtensions.Random((round * 20) + i, 700))));
            await store.AbandonAsync();
        }

        await using PackChunkStore last = await StoreFolder.OpenAsync(options);
        foreach (ChunkId id in acknowledged)
        {
            using ChunkBuffer chunk = await last.ReadAsync(id, Token);
            Assert.Equal(700, chunk.Memory.Length);
        }
    }

    private async Task<List<ChunkId>> PutAndKillAsync(int count, int length)
    {
        PackChunkStore store = await _folder.OpenAsync();
        List<ChunkId> ids = await store.PutDurablyAsync(Enumerable.Range(0, count).Select(i => StoreExtensions.Random(i, length)));
        await store.AbandonAsync();
        return ids;
    }

    // Back to one file in the spool and nothing else.
    private void Reset(string path, byte[] content)
    {
        foreach (string directory in (string[])[_folder.Index, _folder.Objects])
        {
            if (Directory.Exists(directory))
            {
                Directory.Delete(directory, recursive: true);
            }
        }

        foreach (string file in _folder.SpoolPacks)
        {
            File.Delete(file);
        }

        _folder.Findings.Clear();
        File.WriteAllBytes(path, content);
    }

    private List<string> Describe() => [.. Directory.EnumerateFileSystemEntries(_folder.Root, "*", SearchOption.AllDirectories)
        .Order(StringComparer.Ordinal)
        .Select(static path => File.Exists(path) ? $"{path} {Convert.ToHexString(File.ReadAllBytes(path))}" : path)];
}
