using System.Collections.Concurrent;
using System.Text;
using Pachyderm.Errors;
using Pachyderm.ObjectStores;
using Pachyderm.Storage.Adoption;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Maintenance;
using Pachyderm.Storage.Packs;
using Pachyderm.Storage.Tests.Packs;

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
            Assert.DoesNotContain(old.Objects.Calls, static call => call.Operation is ObjectStoreOperation.Put or ObjectStoreOperation.Delete);
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
    public async Task Stopped_at_any_point_and_killed_a_second_run_goes_on_and_nothing_is_lost()
    {
        using OldStore old = Small(24);
        int strike = 0;
        bool struck = true;
        HashSet<string> points = new(StringComparer.Ordinal);
        while (struck)
        {
            strike++;
            struck = false;
            int count = int.MinValue;
            using StoreFolder folder = new();
            PackStoreOptions options = folder.Options with
            {
                AdoptedFrom = [old.Source],
                AdoptedPackChunks = 8,
                PackSize = 3_000,
                IndexTableLimit = 7,
                FaultPoint = name =>
                {
                    if (Interlocked.Increment(ref count) == strike)
                    {
                        struck = true;
                        points.Add(name);
                        throw new OperatorException("killed", "process", "killed here", "start again");
                    }
                },
            };
            PackChunkStore store = await StoreFolder.OpenAsync(options);
            await old.AdoptAsync(store);
            count = 0;
            Exception? exception = await Record.ExceptionAsync(() => store.ConsolidateAsync("old", options: null, Token));
            count = int.MinValue;
            Assert.True(exception is null or OperatorException { Id: "killed" }, exception?.ToString());
            await store.AbandonAsync();
            if (strike % 3 == 0)
            {
                Directory.Delete(folder.Index, recursive: true);
            }

            await using PackChunkStore again = await StoreFolder.OpenAsync(options);
            await old.AssertReadableAsync(again);
            int copied = old.Chunks.Count(chunk => IsCopied(again, chunk.Id));
            ConsolidationResult rest = await again.ConsolidateAsync("old", options: null, Token);
            Assert.Equal((24 - copied, 0, 0), (rest.Chunks, rest.LeftChunks, rest.FailedChunks));
            Assert.Empty(again.ListAdoptions());
            await again.SealAsync(Token);
            Assert.Empty(await CheckAsync(again, readData: true));
        }

        Assert.Superset(
            new HashSet<string>(["adopted-chunk-copied", "adopted-pack-copied", "packs-forgotten", "pack-deleted"], StringComparer.Ordinal), points);
    }

    [Fact]
    public async Task Whatever_was_copied_is_not_read_from_its_source_again_even_when_the_index_is_lost()
    {
        using OldStore old = Small(20);
        PackStoreOptions options = Options(old) with { PackSize = 3_000 };
        await using (PackChunkStore store = await StoreFolder.OpenAsync(options))
        {
            await old.AdoptAsync(store);
            await ConsolidateAsync(store, old.Chunks[..12]);
            await store.RebuildIndexAsync(Token);
            Assert.Equal(12, old.Chunks.Count(chunk => IsCopied(store, chunk.Id)));
        }

        Directory.Delete(_folder.Index, recursive: true);
        await using PackChunkStore again = await StoreFolder.OpenAsync(options);
        Assert.Equal(old.Chunks[..12], old.Chunks.Where(chunk => IsCopied(again, chunk.Id)));
        int before = old.Objects.Calls.Count;
        foreach (ChunkReference chunk in old.Chunks[..12])
        {
            await again.ReadBytesAsync(chunk.Id);
        }

        Assert.Equal(before, old.Objects.Calls.Count);
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
    public async Task A_damaged_object_is_named_and_stays_adopted_and_the_others_are_copied()
    {
        using OldStore old = OldStore.Of([.. Enumerable.Range(0, 9).Select(static i => StoreExtensions.Random(i, 100)), StoreExtensions.Random(9, 17 << 20)]);
        await using PackChunkStore store = await OpenAsync(old);
        await old.AdoptAsync(store);
        byte[] small = old.BytesOf(old.Listed[3]);
        byte[] large = old.BytesOf(old.Listed[9]);
        File.WriteAllBytes(old.PathOf(old.Listed[3]), new byte[100]);
        File.WriteAllBytes(old.PathOf(old.Listed[9]), [.. large[..^1], (byte)~large[^1]]);
        ConsolidationResult result = await store.ConsolidateAsync("old", options: null, Token);
        Assert.Equal((8, 6, 6, 0), (result.Chunks, result.FailedChunks, result.LeftChunks, result.PacksDropped));
        StorageFinding[] told = [.. _folder.Findings.Where(static finding => finding.Id == "adopted-object-damaged")];
        Assert.Contains(told, finding => finding.Thing.Contains(old.Listed[3].Key, StringComparison.Ordinal));
        Assert.Contains(told, finding => finding.Thing.Contains(old.Listed[9].Key, StringComparison.Ordinal));
        await Assert.ThrowsAsync<OperatorException>(() => ReleaseAsync(store, old.Chunks));
        File.WriteAllBytes(old.PathOf(old.Listed[3]), small);
        File.WriteAllBytes(old.PathOf(old.Listed[9]), large);
        Assert.Equal((6, 1), ((await store.ConsolidateAsync("old", options: null, Token)) is var last ? (last.Chunks, last.PacksDropped) : default));
        await ReleaseAsync(store, old.Chunks);
        await old.AssertReadableAsync(store);
    }

    [Fact]
    public async Task A_source_that_is_not_there_ends_the_run_and_changes_nothing()
    {
        using OldStore old = Small(5);
        await using PackChunkStore store = await OpenAsync(old);
        await old.AdoptAsync(store);
        Directory.Move(old.Root, old.Root + "-elsewhere");
        Assert.Equal(
            "adopted-source-missing",
            (await Assert.ThrowsAsync<OperatorException>(() => store.ConsolidateAsync("old", options: null, Token))).Id);
        Assert.Equal(
            "adopted-source-unknown",
            (await Assert.ThrowsAsync<OperatorException>(() => store.ConsolidateAsync("other", options: null, Token))).Id);
        Directory.Move(old.Root + "-elsewhere", old.Root);
        Assert.Equal(5, (await store.ConsolidateAsync("old", options: null, Token)).Chunks);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_disk_that_fails_ends_the_run_and_what_was_not_copied_durably_is_still_adopted(bool isFlush)
    {
        using OldStore old = Small(10);
        FailingSpoolFiles files = new();
        await using PackChunkStore store = await StoreFolder.OpenAsync(Options(old) with { Files = files });
        await old.AdoptAsync(store);
        await ConsolidateAsync(store, old.Chunks[..3]);
        (files.WriteError, files.FlushError) = isFlush ? (0, FailingSpoolFiles.InputOutput) : (FailingSpoolFiles.NoSpace, 0);
        OperatorException exception =
            await Assert.ThrowsAsync<OperatorException>(() => store.ConsolidateAsync("old", options: null, Token));
        Assert.Equal(isFlush ? "storage-device-failed" : "storage-full", exception.Id);
        (files.WriteError, files.FlushError) = (0, 0);
        await old.AssertReadableAsync(store);
        Assert.Equal(7, (await store.ConsolidateAsync("old", options: null, Token)).Chunks);
        await old.AssertReadableAsync(store);
        Assert.Empty(store.ListAdoptions());
    }

    [Fact]
    public async Task Nothing_is_lost_beside_readers_writers_and_collections()
    {
        using OldStore old = Small(400);
        PackStoreOptions options = Options(old) with { PackSize = 10_000, IndexTableLimit = 40, AdoptedPackChunks = 37 };
        await using PackChunkStore store = await StoreFolder.OpenAsync(options);
        await old.AdoptAsync(store);
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(Token);
        Task[] others =
        [
            Task.Run(() => CollectAsync(), Token), Task.Run(() => ReadAsync(new Random(1)), Token), Task.Run(() => WriteAsync(new Random(2)), Token),
        ];
        ConsolidationResult result = default;
        while (!result.IsComplete)
        {
            result = await store.ConsolidateAsync("old", new ConsolidationOptions { MaximumBytes = 5_000 }, Token);
        }

        await stop.CancelAsync();
        await Task.WhenAll(others);
        Assert.Empty(store.ListAdoptions());
        await old.AssertReadableAsync(store);

        async Task CollectAsync()
        {
            GarbageCollectionOptions often = new() { DeadShare = 0.05, SmallPacks = 2 };
            while (!stop.IsCancellationRequested)
            {
                await using GarbageCollector collector = await GarbageCollector.BeginAsync(store, often, Token);
                await collector.MarkAsync(old.Chunks.Select(static chunk => chunk.Id).ToAsyncEnumerable(), Token);
                await collector.SweepAsync(Token);
            }
        }

        async Task ReadAsync(Random random)
        {
            while (!stop.IsCancellationRequested)
            {
                ChunkReference chunk = old.Chunks[random.Next(old.Chunks.Count)];
                Assert.Equal(chunk.Length, (await store.ReadBytesAsync(chunk.Id)).Length);
            }
        }

        async Task WriteAsync(Random random)
        {
            while (!stop.IsCancellationRequested)
            {
                using IChunkWriter writer = store.OpenWriter();
                await writer.PutAsync(StoreExtensions.Random(random.Next(1_000_000), 300), Token);
                writer.TryReuse(old.Chunks[random.Next(old.Chunks.Count)]);
                await writer.FlushAsync(Token);
            }
        }
    }

    [Fact]
    public async Task Files_put_together_are_the_same_before_and_after_the_copy()
    {
        using OldStore old = OldStore.Of(
            StoreExtensions.Random(1, 3 << 20), StoreExtensions.Random(2, 70), StoreExtensions.Random(3, 18 << 20), StoreExtensions.Random(4, 5));
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

    private static OldStore Small(int count) => OldStore.Of(Enumerable.Range(0, count).Select(static i => StoreExtensions.Random(i, 100 + (i % 50))));

    private static bool IsCopied(PackChunkStore store, ChunkId id) =>
        store.Index.TryGet(id, out _, out PackFile? pack) && pack.Adoption is null;

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

    private static async Task<ConsolidationResult> ConsolidateAsync(PackChunkStore store, IEnumerable<ChunkReference> needed)
    {
        ChunkMarks marks;
        await using (GarbageCollector collector = await GarbageCollector.BeginAsync(store, options: null, Token))
        {
            await collector.MarkAsync(needed.Select(static chunk => chunk.Id).ToAsyncEnumerable(), Token);
            marks = collector.TakeMarks();
        }

        using (marks)
        {
            return await store.ConsolidateAsync("old", new ConsolidationOptions { Needed = marks.Contains }, Token);
        }
    }

    private static async Task ReleaseAsync(PackChunkStore store, IEnumerable<ChunkReference> needed)
    {
        await using GarbageCollector collector = await GarbageCollector.BeginAsync(store, options: null, Token);
        await collector.MarkAsync(needed.Select(static chunk => chunk.Id).ToAsyncEnumerable(), Token);
        await collector.ReleaseAsync("old", Token);
    }

    private static async Task<List<StorageFinding>> CheckAsync(PackChunkStore store, bool readData) =>
        await new StorageCheck(store, new StorageCheckOptions { ReadData = readData }).RunAsync(Token).ToListAsync(Token);

    private PackStoreOptions Options(OldStore old) => _folder.Options with { AdoptedFrom = [old.Source] };

    private Task<PackChunkStore> OpenAsync(OldStore old) => StoreFolder.OpenAsync(Options(old));

    private sealed class Told(Action<ConsolidationProgress> tell) : IProgress<ConsolidationProgress>
    {
        public void Report(ConsolidationProgress value) => tell(value);
    }
}
