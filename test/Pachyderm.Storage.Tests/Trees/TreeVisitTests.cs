using Pachyderm.Storage.Content;
using Pachyderm.Storage.Trees;
using static Pachyderm.Storage.Tests.Trees.TreeHarness;

namespace Pachyderm.Storage.Tests.Trees;

public sealed class TreeVisitTests
{
    private readonly TreeHarness trees = new(Tiny);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task All_nodes_and_files_of_several_trees_are_visited_and_shared_ones_once()
    {
        DirectoryReference first = await trees.ApplyAsync(null, Enumerable.Range(0, 300).Select(number => Put($"/d{number % 9}/{number}", $"{number}")));
        first = await trees.ApplyAsync(first, Put("/empty/x", "1"), Delete("/empty/x"));
        HashSet<ChunkId> before = [.. trees.Store.Ids];
        trees.Store.ResetCounts();
        DirectoryReference second = await trees.ApplyAsync(first, Put("/d4/new", "7"));
        long newNodes = trees.Store.NewChunks;

        HashSet<ChunkId> nodes = [];
        Assert.Equal(300, await VisitAsync(first, nodes.Add));
        Assert.Empty(nodes.Except(before));
        Assert.InRange(nodes.Count, 50, before.Count);
        int reached = nodes.Count;
        Assert.InRange(await VisitAsync(second, nodes.Add), 1, 30);
        Assert.Equal(newNodes, nodes.Count - reached);
        Assert.Equal(0, await VisitAsync(second, nodes.Add));
        Assert.Equal(0, await VisitAsync(TreeReader.EmptyDirectory, _ => throw new InvalidOperationException("An empty directory has no node.")));

        foreach (ChunkId id in trees.Store.Ids.Except(nodes).ToList())
        {
            trees.Store.Remove(id);
        }
        TreeReader fresh = new(trees.Store, new NodeCache());
        Assert.Equal(301, await fresh.WalkAsync(TreeReader.RootEntry(second), Token).CountAsync(entry => !entry.IsDirectory, Token));
    }

    private async Task<int> VisitAsync(DirectoryReference root, Func<ChunkId, bool> isNewNode)
    {
        int files = 0;
        await trees.Reader.VisitAsync(
            root,
            isNewNode,
            (_, _) =>
            {
                files++;
                return Task.CompletedTask;
            },
            Token);
        return files;
    }
}
