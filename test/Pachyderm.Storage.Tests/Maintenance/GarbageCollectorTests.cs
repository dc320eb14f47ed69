using CsCheck;
using Pachyderm.Errors;
using Pachyderm.ObjectStores;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Maintenance;
using Pachyderm.Storage.Packs;
using Pachyderm.Storage.Tests.Packs;

namespace Pachyderm.Storage.Tests.Maintenance;

public sealed class GarbageCollectorTests : IDisposable
{
    private readonly StoreFolder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private PackStoreOptions Options => _folder.Options with { PackSize = 20_000, IndexTableLimit = 50 };

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Dead_packs_go_mostly_dead_ones_are_rewritten_and_live_ones_stay()
    {
        await using PackChunkStore store = await StoreFolder.OpenAsync(Options);
        List<ChunkId> ids = await PutSealedAsync(store, 0, 100);
        string[] before = _folder.StoredPacks;
        Assert.Equal(6, before.Length);

        // 19 chunks a pack: the first two packs stay, of the third two chunks live, the others die.
        List<ChunkId> live = ids[..40];
        GarbageCollectionResult result = await CollectAsync(store, live);
        Assert.Equal((100, 40, 3, 1), (result.Chunks, result.Live, result.PacksDeleted, result.PacksRewritten));
        await store.SealAsync(Token);
        Assert.Equal(3, _folder.StoredPacks.Length);
        Assert.Equal(2, _folder.StoredPacks.Intersect(before, StringComparer.Ordinal).Count());
        await AssertExactlyAsync(store, ids, live);
        Assert.True(result.BytesFreed > 60_000);
    }

    [Fact]
    public async Task A_mark_says_whether_it_is_the_first()
    {
        await using PackChunkStore store = await StoreFolder.OpenAsync(Options);
        List<ChunkId> ids = await PutSealedAsync(store, 0, 3);
        await using GarbageCollector collector = await GarbageCollector.BeginAsync(store, options: null, Token);
        List<ChunkId> young = await store.PutDurablyAsync(StoreExtensions.Random(99, 100));
        Assert.True(collector.Mark(ids[0]));
        Assert.False(collector.Mark(ids[0]));
        Assert.True(collector.Mark(young[0]));
        Assert.False(collector.Mark(young[0]));
        Assert.True(collector.Mark(ChunkId.Of("nowhere"u8)));
        Assert.Equal(1, (await collector.SweepAsync(Token)).Missing);
    }

    [Fact]
    public async Task What_a_writer_put_or_found_is_kept_until_it_is_disposed()
    {
        await using PackChunkStore store = await StoreFolder.OpenAsync(Options);
        List<ChunkId> ids = await PutSealedAsync(store, 0, 40);
        IChunkWriter before = store.OpenWriter();
        await before.PutAsync(Content(3), Token);
        ChunkId fresh = await before.PutAsync(Content(1000), Token);
        IChunkWriter during;
        await using (GarbageCollector collector = await GarbageCollector.BeginAsync(store, options: null, Token))
        {
            // Disposed after the beginning: its caller has just made the chunks reachable, too late for the marks.
            before.Dispose();
            during = store.OpenWriter();
            await during.PutAsync(Content(30), Token);
            await collector.SweepAsync(Token);
        }

        await AssertExactlyAsync(store, ids, [ids[3], ids[30]]);
        Assert.True(store.Contains(fresh));
        await CollectAsync(store, [ids[3]]);
        await AssertExactlyAsync(store, ids, [ids[3], ids[30]]);
        during.Dispose();
        await store.SealAsync(Token);
        await CollectAsync(store, [ids[3]]);
        await AssertExactlyAsync(store, ids, [ids[3]]);
        Assert.False(store.Contains(fresh));
    }

    [Fact]
    public async Task A_chunk_put_again_while_its_pack_is_condemned_survives()
    {
        PackChunkStore? store = null;
        IChunkWriter? writer = null;
        Task<ChunkId>? written = null;
        PackStoreOptions options = Options with
        {
            FaultPoint = name =>
            {
                if (name == "packs-condemned")
                {
                    writer = store!.OpenWriter();
                    written = writer.PutAsync(Content(5), Token).AsTask();
                }
            },
        };
        store = await StoreFolder.OpenAsync(options);
        List<ChunkId> ids = await PutSealedAsync(store, 0, 40);
        await CollectAsync(store, []);
        Assert.Equal(ids[5], await written!);
        await AssertExactlyAsync(store, ids, [ids[5]]);
        writer!.Dispose();
        await store.DisposeAsync();
    }

    [Fact]
    public async Task Small_packs_become_one()
    {
        await using PackChunkStore store = await StoreFolder.OpenAsync(Options);
        List<ChunkId> ids = [];
        for (int i = 0; i < 10; i++)
        {
            ids.AddRange(await PutSealedAsync(store, i, 1));
        }

        await CollectAsync(store, ids);
        await store.SealAsync(Token);
        Assert.Single(_folder.StoredPacks);
        await AssertExactlyAsync(store, ids, ids);
    }

    [Fact]
    public async Task Killed_at_any_point_nothing_live_is_lost_and_the_next_collection_finishes()
    {
        int strike = 0;
        bool struck = true;
        while (struck)
        {
            strike++;
            using StoreFolder folder = new();
            int count = 0;
            struck = false;
            PackStoreOptions options = folder.Options with
            {
                PackSize = 20_000,
                IndexTableLimit = 50,
                FaultPoint = _ =>
                {
                    if (count >= 0 && ++count == strike)
                    {
                        struck = true;
                        throw new OperatorException("killed", "process", "killed here", "start again");
                    }
                },
            };
            List<ChunkId> ids;
            await using (PackChunkStore first = await StoreFolder.OpenAsync(folder.Options with { PackSize = 20_000 }))
            {
                ids = await PutSealedAsync(first, 0, 100);
            }

            ChunkId[] live = [.. ids.Where((_, i) => i % 10 < 4)];
            PackChunkStore store = await StoreFolder.OpenAsync(options);
            if (await Record.ExceptionAsync(() => CollectAsync(store, live)) is { } exception)
            {
                Assert.Equal("killed", Assert.IsType<OperatorException>(exception).Id);
            }

            count = int.MinValue;
            await store.AbandonAsync();
            await using PackChunkStore again = await StoreFolder.OpenAsync(options);
            Assert.All(live, id => Assert.True(again.Contains(id)));
            await again.SealAsync(Token);
            await CollectAsync(again, live);
            await AssertExactlyAsync(again, ids, live);
        }

        Assert.True(strike > 10, "the fault points were not reached");
    }

    [Fact]
    public async Task An_object_store_that_fails_during_a_sweep_loses_nothing()
    {
        for (int failing = 0; failing < 12; failing++)
        {
            using StoreFolder folder = new();
            int calls = 0;
            bool armed = false;
            FaultInjectingObjectStore objects = new(new LocalObjectStore(folder.Objects), call =>
                armed && calls++ == failing
                    ? new ObjectStoreFault(
                        call.Number % 2 == 0 ? FaultMoment.Before : FaultMoment.After, new OperatorException("s3", "s3", "down", "wait"))
                    : null);
            PackStoreOptions options = folder.Options with { Objects = objects, PackSize = 20_000 };
            await using PackChunkStore store = await StoreFolder.OpenAsync(options);
            List<ChunkId> ids = await PutSealedAsync(store, 0, 100);
            ChunkId[] live = [.. ids.Where((_, i) => i % 10 < 4)];
            armed = true;
            Exception? exception = await Record.ExceptionAsync(() => CollectAsync(store, live));
            armed = false;
            Assert.True(exception is null or OperatorException, exception?.ToString());
            foreach (ChunkId id in live)
            {
                Assert.Equal(1000, (await store.ReadBytesAsync(id)).Length);
            }
        }
    }

    [Fact]
    public async Task Nothing_live_is_lost_beside_readers_and_writers()
    {
        await using PackChunkStore store = await StoreFolder.OpenAsync(Options with { OpenFiles = 4 });
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(Token);
        HashSet<int> referenced = [];
        int[] releases = new int[300];
        Lock gate = new();
        Task[] workers = [.. Enumerable.Range(0, 4).Select(worker => Task.Run(() => WorkAsync(new Random(worker)), Token))];
        for (int round = 0; round < 25; round++)
        {
            await store.SealAsync(Token);
            GarbageCollectionOptions often = new() { DeadShare = 0.1, SmallPacks = 2 };
            await using GarbageCollector collector = await GarbageCollector.BeginAsync(store, often, Token);
            int[] roots;
            lock (gate)
            {
                roots = [.. referenced];
            }

            await collector.MarkAsync(roots.Select(static number => ChunkId.Of(Content(number))).ToAsyncEnumerable(), Token);
            await collector.SweepAsync(Token);
        }

        await stop.CancelAsync();
        await Task.WhenAll(workers);
        foreach (int number in referenced)
        {
            Assert.Equal(Content(number), await store.ReadBytesAsync(ChunkId.Of(Content(number))));
        }

        async Task WorkAsync(Random random)
        {
            while (!stop.IsCancellationRequested)
            {
                int[] numbers = [.. Enumerable.Range(0, 20).Select(_ => random.Next(releases.Length))];
                using (IChunkWriter writer = store.OpenWriter())
                {
                    foreach (int number in numbers)
                    {
                        await writer.PutAsync(Content(number), Token);
                    }

                    await writer.FlushAsync(Token);
                    lock (gate)
                    {
                        referenced.UnionWith(numbers);
                    }
                }

                int one;
                int releasesBefore;
                lock (gate)
                {
                    foreach (int other in referenced.Where(_ => random.Next(30) == 0).ToList())
                    {
                        referenced.Remove(other);
                        releases[other]++;
                    }

                    one = referenced.ElementAt(random.Next(referenced.Count));
                    releasesBefore = releases[one];
                }

                try
                {
                    Assert.Equal(Content(one), await store.ReadBytesAsync(ChunkId.Of(Content(one))));
                }
                catch (CorruptionException)
                {
                    // Another worker may have let it go meanwhile.
                    Assert.NotEqual(releasesBefore, Volatile.Read(ref releases[one]));
                }
            }
        }
    }

    [Fact]
    public async Task Any_sequence_of_puts_releases_collections_and_kills_keeps_what_is_live()
    {
        Gen<(int Action, int Number)> step = Gen.Select(Gen.Int[0, 9], Gen.Int[0, 60]);
        await step.Array[5, 40].SampleAsync(async steps =>
        {
            using StoreFolder folder = new();
            PackStoreOptions options = folder.Options with { PackSize = 6_000, IndexTableLimit = 8 };
            PackChunkStore store = await StoreFolder.OpenAsync(options);
            HashSet<int> live = [];
            foreach ((int action, int number) in steps)
            {
                switch (action)
                {
                    case < 4:
                        await store.PutDurablyAsync(Content(number), Content(number + 1), Content(number + 2));
                        live.UnionWith([number, number + 1, number + 2]);
                        break;
                    case < 6:
                        live.RemoveWhere(other => other > number);
                        break;
                    case 6:
                        await store.AbandonAsync();
                        store = await StoreFolder.OpenAsync(options);
                        break;
                    case 7:
                        await store.DisposeAsync();
                        store = await StoreFolder.OpenAsync(options);
                        break;
                    default:
                        await store.SealAsync(Token);
                        await CollectAsync(store, live.Select(static other => ChunkId.Of(Content(other))));
                        break;
                }

                foreach (int other in live)
                {
                    Assert.Equal(Content(other), await store.ReadBytesAsync(ChunkId.Of(Content(other))));
                }
            }

            await store.DisposeAsync();
            Assert.DoesNotContain(folder.FindingIds, static id => id is "pack-missing" or "chunk-damaged");
        }, iter: 60);
    }

    private static byte[] Content(int number) => StoreExtensions.Random(number, 1000);

    private static async Task<List<ChunkId>> PutSealedAsync(PackChunkStore store, int from, int count)
    {
        List<ChunkId> ids = await store.PutDurablyAsync(Enumerable.Range(from, count).Select(Content));
        await store.SealAsync(Token);
        return ids;
    }

    private static async Task<GarbageCollectionResult> CollectAsync(PackChunkStore store, IEnumerable<ChunkId> live)
    {
        await using GarbageCollector collector = await GarbageCollector.BeginAsync(store, options: null, Token);
        await collector.MarkAsync(live.ToAsyncEnumerable(), Token);
        return await collector.SweepAsync(Token);
    }

    private static async Task AssertExactlyAsync(PackChunkStore store, List<ChunkId> all, IReadOnlyCollection<ChunkId> live)
    {
        for (int i = 0; i < all.Count; i++)
        {
            if (live.Contains(all[i]))
            {
                Assert.Equal(all[i], ChunkId.Of(await store.ReadBytesAsync(all[i])));
            }
        }

        // A dead chunk may live on in a pack that is mostly alive; what is not in such a pack is gone.
        Assert.True(all.Count(store.Contains) <= live.Count + 19);
    }
}
