using Pachyderm.Storage.Content;
using Pachyderm.Storage.Trees;
using static Pachyderm.Storage.Tests.Trees.TreeHarness;

namespace Pachyderm.Storage.Tests.Trees;

public sealed class TreeBuilderTests
{
    private readonly TreeHarness trees = new(Tiny);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Hashes_of_an_older_release_are_kept_until_what_they_are_of_changes()
    {
        (ChunkId rootHash, ChunkId directoryHash, ChunkId fileHash) = (Text("7").Hash, Text("8").Hash, Text("9").Hash);
        using IChunkWriter writer = trees.Store.OpenWriter();
        TreeBuilder builder = new(writer, Tiny);
        await builder.AddDirectoryAsync(TreePath.Root, rootHash, Token);
        await builder.AddDirectoryAsync(Path("/a"), directoryHash, Token);
        await builder.AddFileAsync(Path("/a/f"), Text("1") with { Hash = fileHash }, Token);
        await builder.AddFileAsync(Path("/a-b"), Text("2"), Token);
        await builder.AddFileAsync(Path("/b/c/d"), Text("3"), Token);
        DirectoryReference root = await builder.FinishAsync(Token);
        Assert.Equal(rootHash, root.Hash);
        Assert.Equal(directoryHash, await HashAsync(root, "/a"));
        Assert.Equal(fileHash, await HashAsync(root, "/a/f"));

        DirectoryReference changed = await trees.ApplyAsync(root, Put("/b/x", "1"));
        Assert.Equal(changed.Node, changed.Hash);
        Assert.Equal(directoryHash, await HashAsync(changed, "/a"));
        changed = await trees.ApplyAsync(root, Put("/a/x", "1"));
        Assert.NotEqual(directoryHash, await HashAsync(changed, "/a"));
        Assert.Equal(fileHash, await HashAsync(changed, "/a/f"));
    }

    [Theory]
    [InlineData("/b", "/a")]
    [InlineData("/a", "/a")]
    [InlineData("/a", "/a/b")]
    [InlineData("/a/b", "/a")]
    [InlineData("/a-b", "/a/b")]
    [InlineData("/a/c/x", "/a/b/x")]
    public async Task Entries_out_of_order_are_refused(string first, string second)
    {
        using IChunkWriter writer = trees.Store.OpenWriter();
        TreeBuilder builder = new(writer, Tiny);
        await builder.AddFileAsync(Path(first), Text("1"), Token);
        await Assert.ThrowsAsync<ArgumentException>(async () => await builder.AddFileAsync(Path(second), Text("1"), Token));
        await Assert.ThrowsAsync<ArgumentException>(async () => await builder.AddDirectoryAsync(TreePath.Root, null, Token));
    }

    [Fact]
    public async Task Nothing_gives_the_empty_directory()
    {
        using IChunkWriter writer = trees.Store.OpenWriter();
        Assert.Equal(TreeReader.EmptyDirectory, await new TreeBuilder(writer).FinishAsync(Token));
    }

    private async Task<ChunkId> HashAsync(DirectoryReference root, string path) => (await trees.Reader.FindAsync(root, Path(path), Token)).Entry!.Hash;
}
