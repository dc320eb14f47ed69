using CsCheck;
using Pachyderm.Storage.Trees;

namespace Pachyderm.Storage.Tests.Trees;

/// <summary>Random writes to the editor and to the model, which must agree on the tree or on the conflict.</summary>
public sealed class TreeEditorModelTests
{
    [Fact]
    public async Task Batches_of_writes_leave_the_tree_or_fail_with_the_message_of_the_first_conflict()
    {
        await ModelWrites.Any.Array[1, 12].Array[1, 6].SampleAsync(
            async batches =>
            {
                TreeHarness trees = new(TreeHarness.Tiny);
                TreeModel model = new();
                DirectoryReference? root = null;
                foreach (ModelWrite[] batch in batches)
                {
                    TreeModel next = model.Copy();
                    string? conflict = Message(() => Array.ForEach(batch, next.Apply));
                    string? found = null;
                    try
                    {
                        root = await trees.ApplyAsync(root, batch.Select(write => write.ToWrite()));
                        model = next;
                    }
                    catch (TreeConflictException exception)
                    {
                        found = exception.Message;
                    }
                    Assert.Equal(conflict, found);
                    Assert.Equal(model.Describe(), await trees.DescribeAsync(root));
                }
            },
            iter: 3_000);
    }

    [Fact]
    public async Task A_tree_depends_on_its_content_only_and_not_on_how_it_came_about()
    {
        await Gen.Select(ModelWrites.Peaceful.Array[1, 400], Gen.Int[1, 60], Gen.Bool).SampleAsync(
            async (writes, batchSize, tiny) =>
            {
                TreeHarness trees = new(tiny ? TreeHarness.Tiny : null);
                DirectoryReference? root = null;
                foreach (ModelWrite[] batch in writes.Chunk(batchSize))
                {
                    root = await trees.ApplyAsync(root, batch.Select(write => write.ToWrite()));
                }
                TreeModel model = ModelWrites.Model(writes);
                Assert.Equal(model.Describe(), await trees.DescribeAsync(root));

                // Once more from the files alone, backwards; empty directories need a file that is deleted.
                IEnumerable<TreeWrite> directories = model.Nodes
                    .Where(node => node.Value is null && node.Key.Length > 0)
                    .SelectMany(node => new TreeWrite[] { TreeHarness.Put(node.Key + "/gone", "1"), TreeHarness.Delete(node.Key + "/gone") });
                IEnumerable<TreeWrite> files = model.Nodes.Where(node => node.Value is not null).Select(node => TreeHarness.Put(node.Key, node.Value!));
                Assert.Equal(root, await trees.ApplyAsync(null, [.. files.Reverse(), .. directories]));
                Assert.Equal(root, await trees.BuildAsync(model));
            },
            iter: 300);
    }

    [Fact]
    public async Task What_changes_nothing_gives_the_very_same_tree_and_writes_no_new_node()
    {
        TreeHarness trees = new(TreeHarness.Tiny);
        DirectoryReference root = await trees.ApplyAsync(null, Enumerable.Range(0, 100).Select(number => TreeHarness.Put($"/d/{number}", "1")));
        DirectoryReference older = root with { Hash = TreeHarness.Text("2").Hash };
        trees.Store.ResetCounts();
        Assert.Equal(older, await trees.ApplyAsync(older));
        TreeWrite[] nothing = [TreeHarness.Delete("/x/y"), TreeHarness.Delete("/d/1/y"), TreeHarness.Put("/d/7", "1", overwrite: true)];
        Assert.Equal(older, await trees.ApplyAsync(older, nothing));
        Assert.Equal(older, await trees.ApplyAsync(older, TreeHarness.Put("/d/x", "1"), TreeHarness.Delete("/d/x")));
        Assert.Equal(0, trees.Store.NewChunks);
    }

    private static string? Message(Action action)
    {
        try
        {
            action();
            return null;
        }
        catch (TreeConflictException exception)
        {
            return exception.Message;
        }
    }
}
