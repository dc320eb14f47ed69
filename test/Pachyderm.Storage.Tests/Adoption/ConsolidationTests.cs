using System.Collections.Concurrent;
using System.Text;
using Pachyderm.Errors;
using Pachyderm.ObjectStores;
using Pachyderm.Storage.Adoption;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Index;
using Pachyderm.Storage.Maintenance;
using Pachyderm.Storage.Packs;
using Pachyderm.Storage.Tests.Packs;
using static Pachyderm.Storage.Tests.Adoption.ConsolidationSteps;

namespace Pachyderm.Storage.Tests.Adoption;

public sealed class ConsolidationTests : IDisposable
{
    private readonly StoreFolder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("pachyderm-1.5.3-small", "object-store.tar.gz")]
    [InlineData("pachyderm-1.4.8-objstore", "object-store-before-compaction.tar.gz")]
    [InlineData("pachyderm-1.4.8-objstore", "object-store.tar.gz")]
    public async Task A_genuine_store_that_was_copied_and_released_is_needed_no_more_and_no_name_has_changed(string fixture, string archive)
    {
        using OldStore old = OldStore.Unpack(fixture, archive);
        await using (PackChunkStore store = await OpenAsync(old))
        {
            await old.AdoptAsync(store);
            ConsolidationResult result = await store.ConsolidateAsync("old", options: null, Token);
            long bytes = old.Chunks.Sum(static chunk => chunk.Length);
            Assert.Equal(new ConsolidationResult(old.Chunks.Count, bytes, 1, 0, 0, 0, IsComplete: true), result);
            Assert.Empty(store.ListAdoptions());
            await ReleaseAsync(store, old.Chunks);
            Assert.DoesNotContain(
                old.Objects.Calls, static call => call.Operation is ObjectStoreOperation.Put or ObjectStoreOperation.Delete);
            Assert.False(Directory.Exists(Path.Combine(_folder.Index, "slices")));
            Directory.Delete(old.Root, recursive: true);
            await old.AssertReadableAsync(store);
        }

        await using (PackChunkStore without = await _folder.OpenAsync())
        {
            await old.AssertReadableAsync(without);
            Assert.Empty(await CheckAsync(without, readData: true));
        }

        Directory.Delete(_folder.Index, recursive: true);
        await using PackChunkStore rebuilt = await _folder.OpenAsync();
        await old.AssertReadableAsync(rebuilt);
        Assert.Empty(await CheckAsync(rebuilt, readData: true));
    }

    [Fact]
    public async Task Only_what_is_needed_is_copied_and_a_source_goes_only_when_nothing_needed_is_left_in_it()
    {
        using OldStore old = Small(30);
        await using PackChunkStore store = await StoreFolder.OpenAsync(Options(old) with { AdoptedPackChunks = 10 });
        await old.AdoptAsync(store);
        List<ChunkReference> needed = [.. old.Chunks.Where(static (_, i) => i % 3 == 0)];
        OperatorException refusal = await Assert.ThrowsAsync<OperatorException>(() => ReleaseAsync(store, needed));
        Assert.Equal("adopted-source-needed", refusal.Id);
        Assert.Contains("'old'", refusal.Thing, StringComparison.Ordinal);
        Assert.Contains(old.Root, refusal.Thing, StringComparison.Ordinal);
        Assert.Contains($"10 chunks with {needed.Sum(static chunk => chunk.Length)} bytes", refusal.Problem, StringComparison.Ordinal);
        await old.AssertReadableAsync(store);

        ConsolidationResult result = await ConsolidateAsync(store, needed);
        Assert.Equal((10, 20, 0, true), (result.Chunks, result.LeftChunks, result.PacksDropped, result.IsComplete));
        Assert.Equal(0, (await ConsolidateAsync(store, needed)).Chunks);
        await ReleaseAsync(store, needed);
        Assert.Empty(store.ListAdoptions());
        Assert.Equal(needed.Select(static chunk => chunk.Id), old.Chunks.Select(static chunk => chunk.Id).Where(store.Contains));
        Directory.Delete(old.Root, recursive: true);
        foreach (ChunkReference chunk in needed)
        {
            Assert.Equal(chunk.Length, (await store.ReadBytesAsync(chunk.Id)).Length);
        }
    }

    [Fact]
    public async Task What_is_adopted_or_used_after_a_collection_began_keeps_its_source_from_being_released()
    {
        using OldStore old = Small(6);
        await using PackChunkStore store = await OpenAsync(old);
        await store.AdoptAsync("old", old.Listed.Take(3).ToAsyncEnumerable(), Token);
        await using (GarbageCollector collector = await GarbageCollector.BeginAsync(store, options: null, Token))
        {
            using IChunkWriter writer = store.OpenWriter();
            Assert.True(writer.TryReuse(old.Chunks[1]));
            OperatorException used = await Assert.ThrowsAsync<OperatorException>(() => collector.ReleaseAsync("old", Token));
            Assert.Contains("1 chunks", used.Problem, StringComparison.Ordinal);
        }

        await using (GarbageCollector collector = await GarbageCollector.BeginAsync(store, options: null, Token))
        {
            await old.AdoptAsync(store);
            OperatorException young = await Assert.ThrowsAsync<OperatorException>(() => collector.ReleaseAsync("old", Token));
            Assert.Contains("3 chunks", young.Problem, StringComparison.Ordinal);
        }

        await old.AssertReadableAsync(store);
    }

    [Fact]
    public async Task A_run_ends_after_the_bytes_that_it_may_copy_and_says_how_far_it_is()
    {
        using OldStore old = Small(600);
        await using PackChunkStore store = await StoreFolder.OpenAsync(Options(old) with { AdoptedPackChunks = 200 });
        await old.AdoptAsync(store);
        ConcurrentQueue<ConsolidationProgress> told = new();
        ConsolidationOptions options = new() { MaximumBytes = 20_000, Progress = new Told(told.Enqueue) };
        int runs = 0;
        ConsolidationResult result;
        do
        {
            result = await store.ConsolidateAsync("old", options, Token);
            Assert.InRange(result.Bytes, 1, 21_500);
            runs++;
        }
        while (!result.IsComplete);
        Assert.True(runs > 3);
        Assert.Equal(0, told.Last().LeftBytes);
        Assert.Empty(store.ListAdoptions());
        await old.AssertReadableAsync(store);
    }

    [Fact]
    public async Task What_was_written_of_an_open_pack_does_not_change_when_copies_follow()
    {
        using OldStore old = Small(3);
        PackChunkStore store = await OpenAsync(old);
        await old.AdoptAsync(store);
        await store.PutDurablyAsync(StoreExtensions.Random(1, 500));
        string open = Assert.Single(_folder.SpoolPacks);
        byte[] written = Content(open);
        await store.ConsolidateAsync("old", options: null, Token);
        await store.PutDurablyAsync(StoreExtensions.Random(2, 500));
        string next = Assert.Single(_folder.SpoolPacks, path => path != open);
        string moved = Path.Combine(_folder.Objects, PackInspection.KeyOf(Path.GetFileNameWithoutExtension(open))!);
        Assert.Equal(written, ContentOfEither(open, moved)[..written.Length]);
        Assert.Equal((1, 3), (written[8], Content(next)[8]));
        await store.AbandonAsync();
        await using PackChunkStore again = await _folder.OpenAsync();
        await again.SealAsync(Token);
        await old.AssertReadableAsync(again);
        Assert.Empty(await CheckAsync(again, readData: true));

        // It moves when it is sealed.
        static byte[] ContentOfEither(string path, string moved)
        {
            try
            {
                return Content(path);
            }
            catch (FileNotFoundException)
            {
                return Content(moved);
            }
        }

        static byte[] Content(string path)
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            byte[] bytes = new byte[file.Length];
            file.ReadExactly(bytes);
            return bytes;
        }
    }

    [Fact]
    public async Task An_index_that_ever_knew_of_copies_says_so_to_older_releases()
    {
        using OldStore old = Small(3);
        await using (PackChunkStore store = await OpenAsync(old))
        {
            await old.AdoptAsync(store);
        }

        Assert.False(IndexManifest.Read(_folder.Index)!.HasCopies);
        await using (PackChunkStore store = await OpenAsync(old))
        {
            await store.ConsolidateAsync("old", options: null, Token);
        }

        Assert.True(IndexManifest.Read(_folder.Index)!.HasCopies);
        await using (PackChunkStore store = await _folder.OpenAsync())
        {
            await store.PutDurablyAsync(StoreExtensions.Random(1, 10));
        }

        Assert.True(IndexManifest.Read(_folder.Index)!.HasCopies);
        Directory.Delete(_folder.Index, recursive: true);
        await using (PackChunkStore store = await _folder.OpenAsync())
        {
            await old.AssertReadableAsync(store);
        }

        Assert.True(IndexManifest.Read(_folder.Index)!.HasCopies);
    }

    [Fact]
    public async Task A_check_does_not_ask_for_what_was_copied()
    {
        using OldStore old = Small(6);
        await using PackChunkStore store = await OpenAsync(old);
        await old.AdoptAsync(store);
        await ConsolidateAsync(store, old.Chunks[..3]);
        File.Delete(old.PathOf(old.Listed[1]));
        Assert.Empty(await CheckAsync(store, readData: true));
        File.Delete(old.PathOf(old.Listed[4]));
        Assert.Equal("adopted-block-missing", Assert.Single(await CheckAsync(store, readData: true)).Id);
    }

    [Fact]
    public async Task Files_put_together_are_the_same_before_and_after_the_copy()
    {
        using OldStore old = OldStore.Of(
            StoreExtensions.Random(1, 3 << 20), StoreExtensions.Random(2, 70), StoreExtensions.Random(3, 18 << 20),
            StoreExtensions.Random(4, 5));
        await using PackChunkStore store = await OpenAsync(old);
        await old.AdoptAsync(store);
        FileContent before = await ConcatAsync(store, old);
        await store.ConsolidateAsync("old", options: null, Token);
        FileContent after = await ConcatAsync(store, old);
        Assert.Equal((before.Hash, before.Size, before.Depth), (after.Hash, after.Size, after.Depth));
        Assert.Equal(before.Chunks.AsEnumerable(), after.Chunks);
    }

    [Fact]
    public async Task Old_text_is_compressed_when_it_is_copied()
    {
        using OldStore old = OldStore.Of(StoreExtensions.Text(1, 3 << 20), StoreExtensions.Text(2, 17 << 20));
        await using PackChunkStore store = await OpenAsync(old);
        await old.AdoptAsync(store);
        await store.ConsolidateAsync("old", options: null, Token);
        await store.SealAsync(Token);
        Assert.InRange(store.GetStatistics().StoredBytes, 1_000, 4 << 20);
        await old.AssertReadableAsync(store);
        Assert.Empty(await CheckAsync(store, readData: true));
    }

    private static async Task<FileContent> ConcatAsync(PackChunkStore store, OldStore old)
    {
        FileContents contents = new(store);
        using IChunkWriter writer = store.OpenWriter();
        List<FileContent> parts = [await FileContents.WriteAsync("begin"u8.ToArray(), writer, Token)];
        foreach (AdoptedObject item in old.Listed)
        {
            parts.Add(await FileContents.FromChunksAsync(
                AdoptedChunks.Of(item.Hash, item.Length), ChunkId.Of(Encoding.ASCII.GetBytes(item.Hash)), writer, Token));
        }

        return await contents.ConcatAsync(parts, writer, Token);
    }

    private PackStoreOptions Options(OldStore old) => _folder.Options with { AdoptedFrom = [old.Source] };

    private Task<PackChunkStore> OpenAsync(OldStore old) => StoreFolder.OpenAsync(Options(old));

    private sealed class Told(Action<ConsolidationProgress> tell) : IProgress<ConsolidationProgress>
    {
        public void Report(ConsolidationProgress value) => tell(value);
    }
}
