using System.Collections.Immutable;
using System.Text;
using CsCheck;
using Pachyderm.Pps.Outputs;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Tests.Trees;
using Pachyderm.Storage.Trees;

namespace Pachyderm.Pps.Tests.Outputs;

public sealed class OutputTests
{
    private static readonly string[] Few = ["/a", "/b", "/a/a", "/a/b", "/b/a", "/c/c/c", "/c/c/d", "/c/e"];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_several_datums_write_to_one_path_is_appended_in_the_order_of_the_datums()
    {
        Trees trees = new();
        OutputMerge merge = new();

        DirectoryReference root = await trees.MergeAsync(merge, [File("/a", "1"), File("/b", "x")], [File("/a", "2")], [File("/a", "3")]);

        Assert.Equal("/a=123 /b=x", await trees.ShowAsync(root));
        Assert.False(merge.IsDisjoint);
    }

    [Fact]
    public async Task Outputs_at_different_paths_are_disjoint_even_in_one_directory()
    {
        Trees trees = new();
        OutputMerge merge = new();

        DirectoryReference root = await trees.MergeAsync(merge, [File("/d/a", "1")], [File("/d/b", "2"), File("/d/e/c", "3")], []);

        Assert.Equal("/d /d/a=1 /d/b=2 /d/e /d/e/c=3", await trees.ShowAsync(root));
        Assert.True(merge.IsDisjoint);
    }

    [Fact]
    public async Task Empty_directories_are_kept()
    {
        Trees trees = new();

        DirectoryReference root = await trees.MergeAsync(new OutputMerge(), [Directory("/d/empty")], [Directory("/d"), File("/d/a", "1")]);

        Assert.Equal("/d /d/a=1 /d/empty", await trees.ShowAsync(root));
        Assert.Equal(
            [("/d/a", false), ("/d/empty", true)],
            await OutputEntry.FromTreeAsync(trees.Reader.WalkAsync(TreeReader.RootEntry(root), Token), Token)
                .Select(static entry => (entry.Path.ToString(), entry.File is null)).ToArrayAsync(Token));
    }

    [Fact]
    public async Task A_tree_without_files_has_only_its_empty_directories()
    {
        Trees trees = new();
        DirectoryReference root = await trees.MergeAsync(new OutputMerge(), [Directory("/a"), Directory("/b/c")]);

        Assert.Equal(
            [Directory("/a"), Directory("/b/c")],
            await OutputEntry.FromTreeAsync(trees.Reader.WalkAsync(TreeReader.RootEntry(root), Token), Token).ToArrayAsync(Token));
        Assert.Empty(await OutputEntry.FromTreeAsync(trees.Reader.WalkAsync(TreeReader.RootEntry(null), Token), Token).ToArrayAsync(Token));
    }

    [Theory]
    [InlineData("/a", "/a/b", "outputs do not fit together: \"/a\" is a file of datum 0 and a directory of datum 1")]
    [InlineData("/a/b/c", "/a", "outputs do not fit together: \"/a\" is a file of datum 1 and a directory of datum 0")]
    public void A_file_of_one_datum_and_a_directory_of_another_do_not_fit_together(string first, string second, string message)
    {
        OutputMerge merge = new();
        Assert.Single(merge.Add(0, [File(first, "1")]));

        var error = Assert.Throws<PpsException>(() => merge.Add(1, [File(second, "1")]).ToList());

        Assert.Equal((PpsErrorKind.FailedPrecondition, message), (error.Kind, error.Message));
    }

    [Fact]
    public void Datums_come_in_order()
    {
        OutputMerge merge = new();
        merge.Add(3, []);

        Assert.Throws<ArgumentOutOfRangeException>(() => merge.Add(3, []));
    }

    [Fact]
    public async Task A_directory_cannot_be_put_where_a_file_is()
    {
        Trees trees = new();
        DirectoryReference root = await trees.ApplyAsync(null, [File("/a", "1").ToWrite()]);

        await Assert.ThrowsAsync<TreeConflictException>(() => trees.ApplyAsync(root, [new PutDirectory(Path("/a"))]));
        await Assert.ThrowsAsync<TreeConflictException>(() => trees.ApplyAsync(root, [new PutDirectory(Path("/a/b"))]));
        await Assert.ThrowsAsync<TreeConflictException>(
            () => trees.ApplyAsync(null, [File("/a", "1").ToWrite(), new PutDirectory(Path("/a"))]));
        Assert.Equal(root, await trees.ApplyAsync(root, [new PutDirectory(TreePath.Root)]));
    }

    [Fact]
    public async Task A_changed_output_is_the_same_tree_as_one_put_together_anew() => await Gen
        .Select(Outputs, Gen.Bool.Array[6], Gen.Bool.Array[6])
        .SampleAsync(
            async (outputs, inBefore, inNow) =>
            {
                Trees trees = new();
                OutputMerge merge = new();
                DirectoryReference? before = await trees.TryMergeAsync(merge, [.. outputs.Where((_, i) => inBefore[i])]);
                DirectoryReference? now = await trees.TryMergeAsync(new OutputMerge(), [.. outputs.Where((_, i) => inNow[i])]);
                if (before is not { } root || !merge.IsDisjoint)
                {
                    return;
                }
                IReadOnlyList<TreeWrite>? writes = await OutputChange.PlanAsync(
                    outputs.Where((_, i) => inBefore[i] && !inNow[i]).SelectMany(static output => output),
                    outputs.Where((_, i) => inNow[i] && !inBefore[i]).SelectMany(static output => output),
                    async (path, token) => (await trees.Reader.FindAsync(root, path, token)).Entry,
                    Token);
                if (writes is not null)
                {
                    Assert.Equal(now, await trees.ApplyAsync(root, writes));
                }
            },
            iter: 2_000);

    [Fact]
    public async Task Changing_one_datum_of_many_writes_what_changed_only()
    {
        Trees trees = new();
        OutputMerge merge = new();
        DirectoryReference root = await trees.MergeAsync(
            merge, [.. Enumerable.Range(0, 100).Select(static i => new[] { File($"/d{i % 10}/f{i}", "1"), File($"/only{i}/f", "1") })]);

        IReadOnlyList<TreeWrite>? writes = await OutputChange.PlanAsync(
            [File("/d7/f7", "1"), File("/only7/f", "1")],
            [File("/d7/f7", "2")],
            async (path, token) => (await trees.Reader.FindAsync(root, path, token)).Entry,
            Token);

        Assert.Equal(["DeletePath /only7", "DeletePath /d7/f7", "PutFile /d7/f7"], writes!.Select(static write => $"{write.GetType().Name} {write.Path}"));
        Assert.True(merge.IsDisjoint);
    }

    // Six datums that write to few paths, each to every path at most once, and without conflict in itself.
    private static Gen<OutputEntry[][]> Outputs { get; } = Gen
        .Select(Gen.Int[0, Few.Length - 1].Select(static i => Few[i]), Gen.Int[0, 1])
        .List[0, 3]
        .Select(static entries => entries.DistinctBy(static entry => entry.Item1).ToArray())
        .Where(static entries => !entries.Any(
            entry => entries.Any(other => other.Item1.StartsWith(entry.Item1 + "/", StringComparison.Ordinal))))
        .Select(static entries => entries.OrderBy(static entry => entry.Item1, StringComparer.Ordinal)
            .Select(static entry => File(entry.Item1, new string('x', entry.Item2))).ToArray())
        .Array[6];

    private static TreePath Path(string path) => TreePath.Clean(path)!.Value;

    private static OutputEntry Directory(string path) => new(Path(path), null);

    private static OutputEntry File(string path, string text) => new(Path(path), Trees.Content(text));

    private sealed class Trees
    {
        private static readonly Dictionary<ChunkId, string> Texts = [];

        private readonly CountingChunkStore store = new();
        private readonly TreeEditor editor;

        public Trees()
        {
            NodeCache cache = new(1 << 20);
            editor = new TreeEditor(store, cache);
            Reader = new TreeReader(store, cache);
        }

        public TreeReader Reader { get; }

        public static FileContent Content(string text)
        {
            ImmutableArray<ChunkReference> chunks = [.. text.Select(static c => new ChunkReference(Given.Hash($"{c}"), 1))];
            FileContent content = new(text.Length, Given.Hash(text), chunks, 0);
            lock (Texts)
            {
                Texts[content.Hash] = text;
            }
            return content;
        }

        public async Task<DirectoryReference> MergeAsync(OutputMerge merge, params OutputEntry[][] outputs) =>
            await ApplyAsync(null, [.. outputs.SelectMany((output, i) => merge.Add(i, output))]);

        public async Task<DirectoryReference?> TryMergeAsync(OutputMerge merge, OutputEntry[][] outputs)
        {
            try
            {
                return await MergeAsync(merge, outputs);
            }
            catch (PpsException)
            {
                return null;
            }
        }

        public async Task<DirectoryReference> ApplyAsync(DirectoryReference? root, IReadOnlyList<TreeWrite> writes)
        {
            using IChunkWriter writer = store.OpenWriter();
            return await editor.ApplyAsync(
                root, writes, writer, static (parts, _) => ValueTask.FromResult(Content(string.Concat(parts.Select(Text)))), Token);
        }

        public async Task<string> ShowAsync(DirectoryReference root)
        {
            StringBuilder text = new();
            await foreach (TreeEntry entry in Reader.WalkAsync(TreeReader.RootEntry(root), Token))
            {
                text.Append(entry.Path.IsRoot ? "" : $" {entry.Path}").Append(entry.File is { } file ? $"={Text(file)}" : "");
            }
            return text.ToString().Trim();
        }

        private static string Text(FileContent content)
        {
            lock (Texts)
            {
                return Texts[content.Hash];
            }
        }
    }
}
