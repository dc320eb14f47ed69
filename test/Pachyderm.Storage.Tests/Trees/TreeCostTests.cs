using System.Globalization;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Trees;

namespace Pachyderm.Storage.Tests.Trees;

/// <summary>One directory of a million files, built once.</summary>
public sealed class LargeDirectory : IAsyncLifetime
{
    internal const int Files = 1_000_000;

    internal TreeHarness Trees { get; } = new();

    internal DirectoryReference Root { get; private set; }

    internal static TreePath PathOf(int number) => TreeHarness.Path(string.Create(CultureInfo.InvariantCulture, $"/{number:d7}"));

    internal static FileContent ContentOf(int number)
    {
        ChunkId id = new([.. BitConverter.GetBytes(number), .. new byte[ChunkId.Length - sizeof(int)]]);
        return new FileContent(4_096, id, [new ChunkReference(id, 4_096)], 0);
    }

    public async ValueTask InitializeAsync()
    {
        using IChunkWriter writer = Trees.Store.OpenWriter();
        TreeBuilder builder = new(writer);
        for (int number = 0; number < Files; number++)
        {
            await builder.AddFileAsync(PathOf(number), ContentOf(number), TestContext.Current.CancellationToken);
        }
        Root = await builder.FinishAsync(TestContext.Current.CancellationToken);
    }

    public ValueTask DisposeAsync() => default;
}

/// <summary>How many nodes are read and written, which is the same on every machine. Nothing is cached.</summary>
public sealed class TreeCostTests(LargeDirectory large) : IClassFixture<LargeDirectory>
{
    private readonly CountingChunkStore store = large.Trees.Store;
    private readonly TreeEditor editor = new(large.Trees.Store, new NodeCache(0));
    private readonly TreeReader reader = new(large.Trees.Store, new NodeCache(0));

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_change_of_one_file_among_a_million_reads_and_writes_four_nodes_or_so()
    {
        for (int number = 7; number < LargeDirectory.Files; number += 49_999)
        {
            store.ResetCounts();
            await ApplyAsync(large.Root, new PutFile(LargeDirectory.PathOf(number), LargeDirectory.ContentOf(-number), Overwrite: true));
            Assert.Equal((4, 4), (store.Reads, store.NewChunks));
            Assert.InRange(store.NewBytes, 1_000, 80_000);

            store.ResetCounts();
            await ApplyAsync(large.Root, new PutFile(TreeHarness.Path("/0500000x"), LargeDirectory.ContentOf(number), Overwrite: false));
            Assert.InRange(store.Reads, 4, 7);

            store.ResetCounts();
            await ApplyAsync(large.Root, new DeletePath(LargeDirectory.PathOf(number)));
            Assert.InRange(store.Reads, 4, 7);
            Assert.InRange(store.NewChunks, 3, 7);
        }
    }

    [Fact]
    public async Task Finding_listing_and_globbing_read_what_they_return()
    {
        store.ResetCounts();
        Assert.Equal(LargeDirectory.ContentOf(123_456).Hash, (await reader.FindAsync(large.Root, LargeDirectory.PathOf(123_456), Token)).Entry!.Hash);
        Assert.Equal(4, store.Reads);

        store.ResetCounts();
        List<TreeEntry> listed = await reader.ListAsync(TreeReader.RootEntry(large.Root), "0500000"u8.ToArray(), Token).Take(100).ToListAsync(Token);
        Assert.Equal(LargeDirectory.PathOf(500_001), listed[0].Path);
        Assert.Equal(LargeDirectory.PathOf(500_100), listed[99].Path);
        Assert.InRange(store.Reads, 4, 9);

        store.ResetCounts();
        Assert.Equal(LargeDirectory.PathOf(999_999), (await reader.LastChildAsync(TreeReader.RootEntry(large.Root), Token))!.Path);
        Assert.Equal(4, store.Reads);

        store.ResetCounts();
        Assert.True(GlobPattern.TryParse("01234[0-9]?", out GlobPattern? glob, out _));
        Assert.Equal(100, await reader.GlobAsync(large.Root, glob, Token).CountAsync(Token));
        Assert.InRange(store.Reads, 4, 9);

        store.ResetCounts();
        Assert.True(GlobPattern.TryParse("nothing*", out glob, out _));
        Assert.Equal(0, await reader.GlobAsync(large.Root, glob, Token).CountAsync(Token));
        Assert.InRange(store.Reads, 1, 4);
    }

    [Fact]
    public async Task A_difference_reads_both_sides_of_what_differs()
    {
        int[] changed = [5, 300_000, 300_001, 700_000, 999_999];
        DirectoryReference latest = await ApplyAsync(
            large.Root,
            [.. changed.Select(number => new PutFile(LargeDirectory.PathOf(number), LargeDirectory.ContentOf(-number), Overwrite: true)),
                new PutFile(TreeHarness.Path("/0400000-new"), LargeDirectory.ContentOf(1), Overwrite: false),
                new DeletePath(LargeDirectory.PathOf(600_000))]);
        store.ResetCounts();
        List<TreeDifference> found = await DiffAsync(latest);
        Assert.Equal(
            ["/0000005", "/0300000", "/0300001", "/0400000-new", "/0600000", "/0700000", "/0999999"],
            found.Select(difference => (difference.New ?? difference.Old)!.Path.ToString()),
            StringComparer.Ordinal);
        // Of each side the top two levels, and for each of six places an inner node and a leaf, and some more where ends have moved.
        Assert.InRange(store.Reads, 20, 6 + (6 * 2 * 2) + 8);

        store.ResetCounts();
        Assert.Empty(await DiffAsync(large.Root));
        Assert.Equal(0, store.Reads);
    }

    [Fact]
    public async Task Names_that_go_on_behind_the_last_one_leave_the_nodes_before_alone()
    {
        store.ResetCounts();
        await ApplyAsync(large.Root, [.. Enumerable.Range(LargeDirectory.Files, 1_000).Select(number =>
            new PutFile(LargeDirectory.PathOf(number), LargeDirectory.ContentOf(number), Overwrite: false))]);
        Assert.Equal(4, store.Reads);
        Assert.InRange(store.NewChunks, 5, 20);
    }

    [Fact]
    public async Task A_node_has_a_few_kilobytes()
    {
        List<int> sizes = [];
        int files = 0;
        await reader.VisitAsync(
            large.Root,
            id =>
            {
                sizes.Add(store.Bytes(id).Length);
                return true;
            },
            (_, _) =>
            {
                files++;
                return Task.CompletedTask;
            },
            Token);
        Assert.Equal(LargeDirectory.Files, files);
        Assert.InRange(sizes.Average(), 4_000, 12_000);
        Assert.InRange(sizes.Max(), 10_000, 80_000);
    }

    private ValueTask<List<TreeDifference>> DiffAsync(DirectoryReference latest) =>
        reader.DiffAsync(TreeReader.RootEntry(latest), TreeReader.RootEntry(large.Root), shallow: false, Token).ToListAsync(Token);

    private async Task<DirectoryReference> ApplyAsync(DirectoryReference root, params TreeWrite[] writes)
    {
        using IChunkWriter writer = store.OpenWriter();
        return await editor.ApplyAsync(root, writes, writer, TreeHarness.ConcatAsync, Token);
    }
}
