using System.Text;
using CsCheck;
using Pachyderm.Storage.Trees;

namespace Pachyderm.Storage.Tests.Trees;

/// <summary>Readers against the model, on trees of random writes.</summary>
public sealed class TreeReaderModelTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static Gen<ModelWrite[]> Writes { get; } = Gen.OneOf(ModelWrites.Any.Array[0, 40], ModelWrites.Peaceful.Array[0, 200]);

    [Fact]
    public async Task Every_path_is_found_as_what_it_is_and_files_block_paths_below_them()
    {
        await Gen.Select(Writes, ModelWrites.AnyPath).SampleAsync(
            async (writes, other) =>
            {
                (TreeHarness trees, TreeModel model, DirectoryReference root) = await MakeAsync(writes);
                foreach (string path in model.Nodes.Keys.Append(other).Append(model.Nodes.Keys.Last() + "/x/y"))
                {
                    TreeLookup found = await trees.Reader.FindAsync(root, TreeHarness.Path(path), Token);
                    Assert.Equal(Expected(model, path), Describe(found.Entry));
                    string? obstacle = Ancestors(path).FirstOrDefault(above => model.Nodes.TryGetValue(above, out string? text) && text is not null);
                    Assert.Equal(obstacle, found.BlockedBy?.Path.ToString());
                }
            },
            iter: 500);
    }

    [Fact]
    public async Task Directories_are_listed_in_byte_order_from_any_name_on_and_know_their_last_child()
    {
        await Gen.Select(Writes, ModelWrites.Name).SampleAsync(
            async (writes, after) =>
            {
                (TreeHarness trees, TreeModel model, DirectoryReference root) = await MakeAsync(writes);
                foreach (string path in model.Nodes.Where(node => node.Value is null).Select(node => node.Key))
                {
                    TreeEntry directory = (await trees.Reader.FindAsync(root, TreeHarness.Path(path), Token)).Entry!;
                    List<string> children = [.. model.ChildrenOf(path).OrderBy(child => child, StringComparer.Ordinal)];
                    foreach (string name in children.Select(child => child[(path.Length + 1)..]).Prepend(after).Prepend("").ToList())
                    {
                        List<TreeEntry> listed = await trees.Reader.ListAsync(directory, Encoding.UTF8.GetBytes(name), Token).ToListAsync(Token);
                        Assert.Equal(
                            children.Where(child => string.CompareOrdinal(child[(path.Length + 1)..], name) > 0).Select(child => Expected(model, child)),
                            listed.Select(Describe),
                            StringComparer.Ordinal);
                    }
                    TreeEntry? last = await trees.Reader.LastChildAsync(directory, Token);
                    Assert.Equal(children.Count == 0 ? null : Expected(model, children[^1]), Describe(last));
                }
            },
            iter: 100);
    }

    [Fact]
    public async Task A_deep_difference_is_the_files_that_are_not_the_same_on_both_sides()
    {
        await Gen.Select(Writes, Writes, Gen.Bool).SampleAsync(
            async (writes, more, related) =>
            {
                (TreeHarness trees, TreeModel old, DirectoryReference oldRoot) = await MakeAsync(writes);
                (_, TreeModel latest, DirectoryReference newRoot) = await MakeAsync(related ? [.. writes, .. more.Take(5)] : more, trees);
                List<TreeDifference> found = await trees.Reader
                    .DiffAsync(TreeReader.RootEntry(newRoot), TreeReader.RootEntry(oldRoot), shallow: false, Token).ToListAsync(Token);
                List<string> expected = [];
                foreach (string path in old.Nodes.Keys.Union(latest.Nodes.Keys, StringComparer.Ordinal).OrderBy(path => path.Split('/'), PathOrder))
                {
                    old.Nodes.TryGetValue(path, out string? before);
                    latest.Nodes.TryGetValue(path, out string? after);
                    if (before != after)
                    {
                        expected.Add($"{(after is null ? null : Expected(latest, path))} | {(before is null ? null : Expected(old, path))}");
                    }
                }
                Assert.Equal(expected, found.Select(Describe), StringComparer.Ordinal);
            },
            iter: 1_000);
    }

    [Fact]
    public async Task A_shallow_difference_is_the_children_that_are_not_the_same_on_both_sides()
    {
        Gen<string> path = Gen.OneOf(ModelWrites.AnyPath, Gen.Const("/d0"), Gen.Const("/d1"), Gen.Const(""));
        await Gen.Select(Writes, Writes, path, path).SampleAsync(
            async (writes, more, newPath, oldPath) =>
            {
                (TreeHarness trees, TreeModel old, DirectoryReference oldRoot) = await MakeAsync(writes);
                (_, TreeModel latest, DirectoryReference newRoot) = await MakeAsync([.. writes, .. more.Take(10)], trees);
                TreeEntry? newEntry = (await trees.Reader.FindAsync(newRoot, TreeHarness.Path(newPath), Token)).Entry;
                TreeEntry? oldEntry = (await trees.Reader.FindAsync(oldRoot, TreeHarness.Path(oldPath), Token)).Entry;
                List<TreeDifference> found = await trees.Reader.DiffAsync(newEntry, oldEntry, shallow: true, Token).ToListAsync(Token);

                List<string> expected = [];
                string? newFile = latest.Nodes.GetValueOrDefault(newPath);
                string? oldFile = old.Nodes.GetValueOrDefault(oldPath);
                if (newFile != oldFile)
                {
                    expected.Add($"{(newFile is null ? null : Expected(latest, newPath))} | {(oldFile is null ? null : Expected(old, oldPath))}");
                }
                IEnumerable<string> names = ChildNames(latest, newPath).Union(ChildNames(old, oldPath), StringComparer.Ordinal);
                foreach (string name in names.Order(StringComparer.Ordinal))
                {
                    (string newChild, string oldChild) = ($"{newPath}/{name}", $"{oldPath}/{name}");
                    if (SubTree(latest, newChild) != SubTree(old, oldChild))
                    {
                        expected.Add($"{Expected(latest, newChild)} | {Expected(old, oldChild)}");
                    }
                }
                Assert.Equal(expected, found.Select(Describe), StringComparer.Ordinal);
            },
            iter: 1_000);
    }

    private static Comparer<string[]> PathOrder { get; } = Comparer<string[]>.Create((left, right) =>
    {
        int order = left.Zip(right, string.CompareOrdinal).FirstOrDefault(compared => compared != 0);
        return order != 0 ? order : left.Length.CompareTo(right.Length);
    });

    private static async Task<(TreeHarness Trees, TreeModel Model, DirectoryReference Root)> MakeAsync(ModelWrite[] writes, TreeHarness? trees = null)
    {
        trees ??= new TreeHarness(TreeHarness.Tiny);
        TreeModel model = ModelWrites.Model(writes);
        return (trees, model, await trees.BuildAsync(model));
    }

    private static IEnumerable<string> ChildNames(TreeModel model, string path) => model.ChildrenOf(path).Select(child => child[(path.Length + 1)..]);

    private static string? SubTree(TreeModel model, string path) =>
        model.Nodes.ContainsKey(path) ? string.Join('\n', model.InOrder(path).Select(node => $"{node.Path[path.Length..]} {node.Text ?? "/"}")) : null;

    private static IEnumerable<string> Ancestors(string path) =>
        Enumerable.Range(1, Math.Max(0, path.Length - 1)).Where(end => path[end] == '/').Select(end => path[..end]);

    private static string? Expected(TreeModel model, string path) =>
        !model.Nodes.TryGetValue(path, out string? text) ? null
        : text is null ? $"{path}/ {model.SizeOf(path)}"
        : $"{path} {text.Length} {TreeHarness.Text(text).Hash}";

    private static string Describe(TreeDifference difference) => $"{Describe(difference.New)} | {Describe(difference.Old)}";

    private static string? Describe(TreeEntry? entry) =>
        entry is null ? null : entry.IsDirectory ? $"{entry.Path}/ {entry.Size}" : $"{entry.Path} {entry.Size} {entry.Hash}";
}
