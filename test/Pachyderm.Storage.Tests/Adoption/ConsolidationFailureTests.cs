using Pachyderm.Errors;
using Pachyderm.ObjectStores;
using Pachyderm.Storage.Adoption;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Maintenance;
using Pachyderm.Storage.Packs;
using Pachyderm.Storage.Tests.Packs;
using static Pachyderm.Storage.Tests.Adoption.ConsolidationSteps;

namespace Pachyderm.Storage.Tests.Adoption;

public sealed class ConsolidationFailureTests : IDisposable
{
    private readonly StoreFolder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

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
            new HashSet<string>(["adopted-chunk-copied", "adopted-pack-copied", "packs-forgotten", "pack-deleted"], StringComparer.Ordinal),
            points);
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
            await store.Index.FlushAsync(Token);
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
    public async Task A_damaged_object_is_named_and_stays_adopted_and_the_others_are_copied()
    {
        using OldStore old = OldStore.Of(
            [.. Enumerable.Range(0, 9).Select(static i => StoreExtensions.Random(i, 100)), StoreExtensions.Random(9, 17 << 20)]);
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
        ConsolidationResult rest = await store.ConsolidateAsync("old", options: null, Token);
        Assert.Equal((6, 1), (rest.Chunks, rest.PacksDropped));
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

    [Fact]
    public async Task A_source_that_fails_ends_the_run_and_the_next_one_goes_on()
    {
        using OldStore old = Small(40);
        await using PackChunkStore store = await OpenAsync(old);
        await old.AdoptAsync(store);
        int reads = 0;
        old.Fault = call => call.Operation == ObjectStoreOperation.OpenRead && Interlocked.Increment(ref reads) == 20
            ? new ObjectStoreFault(FaultMoment.During, new OperatorException("network-down", "network", "it is down", "wait")) : null;
        OperatorException exception =
            await Assert.ThrowsAsync<OperatorException>(() => store.ConsolidateAsync("old", options: null, Token));
        Assert.Equal("network-down", exception.Id);
        int copied = old.Chunks.Count(chunk => IsCopied(store, chunk.Id));
        Assert.InRange(copied, 1, 39);
        Assert.Equal(40 - copied, (await store.ConsolidateAsync("old", options: null, Token)).Chunks);
        await old.AssertReadableAsync(store);
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
        HashSet<ChunkId> first = [.. old.Chunks[..3].Select(static chunk => chunk.Id)];
        await store.ConsolidateAsync("old", new ConsolidationOptions { Needed = first.Contains }, Token);
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
            Task.Run(() => CollectAsync(), Token), Task.Run(() => ReadAsync(new Random(1)), Token),
            Task.Run(() => WriteAsync(new Random(2)), Token),
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

    private PackStoreOptions Options(OldStore old) => _folder.Options with { AdoptedFrom = [old.Source] };

    private Task<PackChunkStore> OpenAsync(OldStore old) => StoreFolder.OpenAsync(Options(old));
}
