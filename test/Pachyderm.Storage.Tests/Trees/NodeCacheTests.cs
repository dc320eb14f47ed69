using Pachyderm.Storage.Trees;
using static Pachyderm.Storage.Tests.Trees.TreeHarness;

namespace Pachyderm.Storage.Tests.Trees;

public sealed class NodeCacheTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_cache_stays_within_its_bytes_and_saves_reads_of_what_was_used_last()
    {
        TreeHarness trees = new(Tiny, cache: 200_000);
        DirectoryReference root = await trees.ApplyAsync(null, Enumerable.Range(0, 5_000).Select(number => Put($"/{number:d5}", "1")));
        await trees.DescribeAsync(root);
        Assert.InRange(trees.Cache.Size, 100_000, 200_000);
        await trees.Reader.FindAsync(root, Path("/00000"), Token);
        trees.Store.ResetCounts();
        await trees.Reader.FindAsync(root, Path("/00000"), Token);
        Assert.Equal(0, trees.Store.Reads);
        await trees.DescribeAsync(root);
        Assert.NotEqual(0, trees.Store.Reads);
    }

    [Fact]
    public async Task Many_readers_share_a_cache()
    {
        TreeHarness trees = new(Tiny, cache: 100_000);
        DirectoryReference root = await trees.ApplyAsync(null, Enumerable.Range(0, 2_000).Select(number => Put($"/{number:d5}", "1")));
        string expected = await trees.DescribeAsync(root);
        await Parallel.ForEachAsync(Enumerable.Range(0, 16), Token, async (_, _) => Assert.Equal(expected, await trees.DescribeAsync(root)));
        Assert.InRange(trees.Cache.Size, 1, 100_000);
    }
}
