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

    [Theory]
    [InlineData("walk")]
    [InlineData("list")]
    [InlineData("glob")]
    public async Task A_sequence_of_very_many_entries_does_not_drive_out_what_was_cached(string sequence)
    {
        TreeHarness trees = new(Tiny, cache: 1 << 20);
        DirectoryReference other = await trees.ApplyAsync(null, Put("/a/b/c", "2"));
        DirectoryReference root = await trees.ApplyAsync(null, Enumerable.Range(0, 30_000).Select(number => Put($"/{number:d5}", "1")));
        await trees.Reader.FindAsync(other, Path("/a/b/c"), Token);
        Assert.True(GlobPattern.TryParse("/*", out GlobPattern? all, out _));
        trees.Store.ResetCounts();

        int entries = await (sequence switch
        {
            "walk" => trees.Reader.WalkAsync(TreeReader.RootEntry(root), Token),
            "list" => trees.Reader.ListAsync(TreeReader.RootEntry(root), default, Token),
            _ => trees.Reader.GlobAsync(root, all, Token),
        }).CountAsync(entry => !entry.IsDirectory, Token);

        Assert.Equal(30_000, entries);
        Assert.InRange(trees.Store.Reads, 5_000, 30_000);
        trees.Store.ResetCounts();
        await trees.Reader.FindAsync(other, Path("/a/b/c"), Token);
        Assert.Equal(0, trees.Store.Reads);
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
