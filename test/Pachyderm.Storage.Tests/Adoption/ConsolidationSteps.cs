using Pachyderm.Storage.Adoption;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Maintenance;
using Pachyderm.Storage.Packs;
using Pachyderm.Storage.Tests.Packs;

namespace Pachyderm.Storage.Tests.Adoption;

/// <summary>What the tests of consolidation do again and again.</summary>
internal static class ConsolidationSteps
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static OldStore Small(int count) =>
        OldStore.Of(Enumerable.Range(0, count).Select(static i => StoreExtensions.Random(i, 100 + (i % 50))));

    public static bool IsCopied(PackChunkStore store, ChunkId id) =>
        store.Index.TryGet(id, out _, out PackFile? pack) && pack.Adoption is null;

    public static async Task<ConsolidationResult> ConsolidateAsync(PackChunkStore store, IEnumerable<ChunkReference> needed)
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

    public static async Task ReleaseAsync(PackChunkStore store, IEnumerable<ChunkReference> needed)
    {
        await using GarbageCollector collector = await GarbageCollector.BeginAsync(store, options: null, Token);
        await collector.MarkAsync(needed.Select(static chunk => chunk.Id).ToAsyncEnumerable(), Token);
        await collector.ReleaseAsync("old", Token);
    }

    public static async Task<List<StorageFinding>> CheckAsync(PackChunkStore store, bool readData) =>
        await new StorageCheck(store, new StorageCheckOptions { ReadData = readData }).RunAsync(Token).ToListAsync(Token);
}
