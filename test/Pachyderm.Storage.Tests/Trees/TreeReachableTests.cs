using System.Collections.Immutable;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Trees;
using static Pachyderm.Storage.Tests.Trees.TreeHarness;

namespace Pachyderm.Storage.Tests.Trees;

public sealed class TreeReachableTests
{
    private readonly TreeHarness trees = new(Tiny);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task All_nodes_and_chunks_of_several_trees_come_and_shared_nodes_once()
    {
        DirectoryReference first = await trees.ApplyAsync(null, Enumerable.Range(0, 300).Select(number => Put($"/d{number % 9}/{number}", $"{number}")));
        first = await trees.ApplyAsync(first, Put("/empty/x", "1"), Delete("/empty/x"));
        HashSet<ChunkId> before = [.. trees.Store.Ids];
        trees.Store.ResetCounts();
        DirectoryReference second = await trees.ApplyAsync(first, Put("/d4/new", "7"));
        long newNodes = trees.Store.NewChunks;

        HashSet<ChunkId> nodes = [];
        List<ChunkId> reached = await trees.Reader.ReachableAsync(first, nodes.Add, NoLists, Token).ToListAsync(Token);
        HashSet<ChunkId> chunks = [.. "0123456789".Select(digit => Text(digit.ToString()).Hash)];
        Assert.Equal(chunks, [.. reached.Where(chunks.Contains)]);
        // The tree before its last change left nodes behind, which are not reached.
        Assert.Subset(before, nodes);
        Assert.Equal(nodes.Count, reached.Count(nodes.Contains));

        List<ChunkId> more = await trees.Reader.ReachableAsync(second, nodes.Add, NoLists, Token).ToListAsync(Token);
        Assert.Equal(newNodes, more.Count(id => !chunks.Contains(id)));
        Assert.Empty(await trees.Reader.ReachableAsync(second, nodes.Add, NoLists, Token).ToListAsync(Token));
        Assert.Empty(await trees.Reader.ReachableAsync(TreeReader.EmptyDirectory, _ => true, NoLists, Token).ToListAsync(Token));

        foreach (ChunkId id in trees.Store.Ids.Except(nodes).ToList())
        {
            trees.Store.Remove(id);
        }
        TreeReader fresh = new(trees.Store, new NodeCache());
        Assert.Equal(301, await fresh.WalkAsync(TreeReader.RootEntry(second), Token).CountAsync(entry => !entry.IsDirectory, Token));
    }

    [Fact]
    public async Task Lists_of_chunks_are_expanded_by_the_caller()
    {
        ImmutableArray<ChunkReference> lists = [new(Text("1").Hash, 100), new(Text("2").Hash, 100)];
        FileContent deep = new(1 << 30, Text("3").Hash, lists, 2);
        DirectoryReference root = await trees.ApplyAsync(null, new PutFile(Path("/a"), deep, Overwrite: false));
        List<ChunkId> reached = await trees.Reader.ReachableAsync(
            root,
            _ => true,
            file =>
            {
                Assert.Equal((deep.Size, deep.Hash, deep.Depth), (file.Size, file.Hash, file.Depth));
                return file.Chunks.Append(new ChunkReference(Text("4").Hash, 1)).ToAsyncEnumerable();
            },
            Token).ToListAsync(Token);
        Assert.Equal([root.Node, Text("1").Hash, Text("2").Hash, Text("4").Hash], reached);
    }

    private static IAsyncEnumerable<ChunkReference> NoLists(FileContent file) => throw new InvalidOperationException("There are no lists.");
}
