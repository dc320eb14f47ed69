using CsCheck;
using Pachyderm.Errors;
using Pachyderm.Storage.Adoption;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Maintenance;
using Pachyderm.Storage.Packs;
using Pachyderm.Storage.Tests.Packs;

namespace Pachyderm.Storage.Tests.Adoption;

public sealed class AdoptionModelTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Any_sequence_of_adoptions_copies_collections_releases_and_kills_keeps_what_is_live()
    {
        using OldStore old = OldStore.Of(Enumerable.Range(0, 40).Select(static i => StoreExtensions.Random(i, 60 + i)));
        List<ChunkReference> chunks = old.Chunks;
        Gen<(int Action, int Number)> step = Gen.Select(Gen.Int[0, 11], Gen.Int[0, 39]);
        await step.Array[5, 30].SampleAsync(
            async steps =>
            {
                using StoreFolder folder = new();
                Model model = new(folder, old, chunks);
                await model.OpenAsync();
                foreach ((int action, int number) in steps)
                {
                    await model.StepAsync(action, number);
                    await model.AssertAsync();
                }

                await model.CloseAsync();
                Assert.DoesNotContain(folder.FindingIds, static id => id is "pack-missing" or "chunk-damaged" or "adopted-object-damaged");
            },
            iter: 40);
    }

    private sealed class Model(StoreFolder folder, OldStore old, List<ChunkReference> chunks)
    {
        private readonly HashSet<int> _live = [];
        private readonly HashSet<int> _native = [];
        private PackChunkStore? _store;

        private PackChunkStore Store => _store!;

        private IEnumerable<ChunkId> Live =>
            [.. _live.Select(number => chunks[number].Id), .. _native.Select(static number => ChunkId.Of(Content(number)))];

        public async Task OpenAsync() => _store = await StoreFolder.OpenAsync(folder.Options with
        {
            AdoptedFrom = [old.Source],
            AdoptedPackChunks = 6,
            PackSize = 2_000,
            IndexTableLimit = 9,
        });

        public ValueTask CloseAsync() => Store.DisposeAsync();

        public async Task StepAsync(int action, int number)
        {
            switch (action)
            {
                case < 3:
                    IEnumerable<int> some = Enumerable.Range(number, Math.Min(8, chunks.Count - number));
                    await Store.AdoptAsync("old", some.Select(i => old.Listed[i]).ToAsyncEnumerable(), Token);
                    _live.UnionWith(some);
                    break;
                case 3:
                    await Store.PutDurablyAsync(Content(number), Content(number + 1));
                    _native.UnionWith([number, number + 1]);
                    break;
                case 4:
                    _live.RemoveWhere(other => other > number);
                    _native.RemoveWhere(other => other > number);
                    break;
                case < 7:
                    await ConsolidateAsync(number);
                    break;
                case 7:
                    await ReleaseAsync();
                    break;
                case 8:
                    await Store.SealAsync(Token);
                    await using (GarbageCollector collector = await BeginAsync())
                    {
                        await collector.SweepAsync(Token);
                    }

                    break;
                case 9:
                    await CloseAsync();
                    await OpenAsync();
                    break;
                default:
                    await Store.AbandonAsync();
                    if (action == 11)
                    {
                        Directory.Delete(folder.Index, recursive: true);
                    }

                    await OpenAsync();
                    break;
            }
        }

        public async Task AssertAsync()
        {
            foreach (int number in _live)
            {
                Assert.Equal(StoreExtensions.Random(number, 60 + number), await Store.ReadBytesAsync(chunks[number].Id));
            }

            foreach (int number in _native)
            {
                Assert.Equal(Content(number), await Store.ReadBytesAsync(ChunkId.Of(Content(number))));
            }
        }

        private async Task ConsolidateAsync(int number)
        {
            ChunkMarks marks;
            await using (GarbageCollector collector = await BeginAsync())
            {
                marks = collector.TakeMarks();
            }

            using (marks)
            {
                long limit = number % 2 == 0 ? long.MaxValue : 50 * (number + 1);
                ConsolidationResult result = await Store.ConsolidateAsync(
                    "old", new ConsolidationOptions { Needed = marks.Contains, MaximumBytes = limit }, Token);
                Assert.Equal(0, result.FailedChunks);
            }
        }

        // It succeeds exactly when every live chunk was copied.
        private async Task ReleaseAsync()
        {
            bool isNeeded = _live.Any(number =>
                Store.Index.TryGet(chunks[number].Id, out _, out PackFile? pack) && pack.Adoption is not null);
            await using GarbageCollector collector = await BeginAsync();
            if (isNeeded)
            {
                OperatorException refusal = await Assert.ThrowsAsync<OperatorException>(() => collector.ReleaseAsync("old", Token));
                Assert.Equal("adopted-source-needed", refusal.Id);
            }
            else
            {
                await collector.ReleaseAsync("old", Token);
                Assert.Empty(Store.ListAdoptions());
            }
        }

        private async Task<GarbageCollector> BeginAsync()
        {
            GarbageCollector collector = await GarbageCollector.BeginAsync(
                Store, new GarbageCollectionOptions { DeadShare = 0.1, SmallPacks = 3 }, Token);
            await collector.MarkAsync(Live.ToAsyncEnumerable(), Token);
            return collector;
        }

        private static byte[] Content(int number) => StoreExtensions.Random(1000 + number, 200);
    }
}
