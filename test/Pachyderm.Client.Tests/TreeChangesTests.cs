using CsCheck;
using Pachyderm.Client.History;

namespace Pachyderm.Client.Tests;

/// <summary>What a copy of a commit has to do on top of its predecessor.</summary>
public sealed class TreeChangesTests
{
    private static readonly string[] Names = ["a", "b", "-", ".x"];

    private static readonly Gen<string[]> AnyTree =
        Gen.Select(Gen.Int[0, 3].Select(index => Names[index]).Array[1, 3], Gen.Int[0, 3]).Array[0, 12].Select(Fit);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Of_two_commits_only_what_differs_is_done_and_what_is_in_the_way_goes_first()
    {
        Trees trees = new(
            ["/same/x 1", "/changed a", "/gone g", "/dir/below b", "/dir/other o", "/file f", "/old/a a", "/old/b/c c"],
            ["/same/x 1", "/changed b", "/dir nowafile", "/file/is/a/directory d", "/new/n n", "/bare/"]);

        Assert.Equal(
            [
                "Delete /dir", "Delete /file", "Delete /gone", "Delete /old", "MakeDirectory /bare", "Put /changed 1", "Put /dir 8",
                "Put /file/is/a/directory 1", "Put /new/n 1",
            ],
            (await FindAsync(trees)).Select(Text).Order(StringComparer.Ordinal), StringComparer.Ordinal);
        Assert.Equal("/same", Assert.Single(trees.Compared, path => path.Length > 0));
    }

    [Fact]
    public async Task Directories_that_are_known_to_be_the_same_are_not_looked_into()
    {
        Trees trees = new(["/same/x 1", "/other/x 1"], ["/same/x 1", "/other/x 2"]) { DirectoriesHaveMarks = true };

        Assert.Equal(["Put /other/x 1"], (await FindAsync(trees)).Select(Text), StringComparer.Ordinal);
        Assert.Equal(["", "/other"], trees.Compared);
    }

    [Fact]
    public async Task Files_without_a_mark_are_put_again()
    {
        Trees trees = new(["/x 1"], ["/x 1"]) { FilesHaveMarks = false };

        Assert.Equal(["Put /x 1"], (await FindAsync(trees)).Select(Text), StringComparer.Ordinal);
    }

    [Fact]
    public async Task Of_a_first_commit_everything_is_put()
    {
        Trees trees = new([], ["/a 1", "/d/b 2", "/d/e/", "/f/"]);

        Assert.Equal(
            ["MakeDirectory /d/e", "MakeDirectory /f", "Put /a 1", "Put /d/b 1"],
            (await FindAsync(trees, isFirst: true)).Select(Text).Order(StringComparer.Ordinal), StringComparer.Ordinal);
    }

    [Theory]
    [InlineData(true, true)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public Task Done_in_order_the_changes_make_one_tree_of_any_other(bool directoriesHaveMarks, bool filesHaveMarks) =>
        Gen.Select(AnyTree, AnyTree).SampleAsync(
            async (before, after) =>
            {
                Trees trees = new(before, after) { DirectoriesHaveMarks = directoriesHaveMarks, FilesHaveMarks = filesHaveMarks };
                SortedDictionary<string, string> tree = new(trees.Sides["old"], StringComparer.Ordinal);
                foreach (TreeChange change in await FindAsync(trees))
                {
                    Apply(tree, change, trees.Sides["new"]);
                }

                Assert.Equal(trees.Sides["new"], tree);
            },
            iter: 500,
            threads: 1);

    // A copy goes on by these identifiers, so what they are may never change.
    [Fact]
    public void The_identifier_of_a_copy_follows_from_repo_name_and_time()
    {
        Google.Protobuf.WellKnownTypes.Timestamp started = new() { Seconds = 1_480_000_100, Nanos = 123_456_700 };

        Assert.Equal("b65e08ee472f4b00a113213658883762", SourceCommit.Derive("data", "master/0", started));
        Assert.True(SourceCommit.IsIdentifier(SourceCommit.Derive("data", "master/0", null)));
        HashSet<string> different = new(StringComparer.Ordinal)
        {
            SourceCommit.Derive("data", "master/0", started),
            SourceCommit.Derive("other", "master/0", started),
            SourceCommit.Derive("data", "master/1", started),
            SourceCommit.Derive("data", "master/0", null),
        };
        Assert.Equal(4, different.Count);
    }

    private static string Text(TreeChange change) => $"{change.Kind} {change.Path}{(change.Kind == TreeChangeKind.Put ? $" {change.Size}" : "")}";

    private static ValueTask<List<TreeChange>> FindAsync(Trees trees, bool isFirst = false) =>
        TreeChanges.FindAsync(trees, isFirst ? null : "old", "new", Cancel).ToListAsync(Cancel);

    // As a commit takes them: nothing is below a file, and a delete takes everything below.
    private static void Apply(SortedDictionary<string, string> tree, TreeChange change, SortedDictionary<string, string> source)
    {
        switch (change.Kind)
        {
            case TreeChangeKind.Delete:
                Assert.True(tree.Remove(change.Path));
                foreach (string below in tree.Keys.Where(path => path.StartsWith(change.Path + '/', StringComparison.Ordinal)).ToArray())
                {
                    tree.Remove(below);
                }

                break;
            case TreeChangeKind.Put:
                Assert.False(tree.GetValueOrDefault(change.Path) is "directory");
                AddParents(tree, change.Path);
                tree[change.Path] = source[change.Path];
                break;
            default:
                AddParents(tree, change.Path);
                tree.Add(change.Path, "directory");
                break;
        }
    }

    private static void AddParents(SortedDictionary<string, string> tree, string path)
    {
        for (int slash = path.LastIndexOf('/'); slash > 0; slash = path.LastIndexOf('/', slash - 1))
        {
            Assert.Equal("directory", tree.TryAdd(path[..slash], "directory") ? "directory" : tree[path[..slash]]);
        }
    }

    // Nothing is below a file; what does not fit is left out.
    private static string[] Fit((string[] Parts, int Content)[] entries)
    {
        SortedDictionary<string, string> tree = new(StringComparer.Ordinal);
        foreach ((string[] parts, int content) in entries)
        {
            string path = string.Concat(parts.Select(part => $"/{part}"));
            if (tree.Keys.All(other => !other.StartsWith(path + '/', StringComparison.Ordinal) && !path.StartsWith(other + '/', StringComparison.Ordinal)))
            {
                tree[path] = content == 0 ? "/" : $" {content}";
            }
        }

        return [.. tree.Select(entry => entry.Key + entry.Value)];
    }

    /// <summary>Two commits of <c>PATH CONTENT</c>, and directories that are empty as <c>PATH/</c>.</summary>
    private sealed class Trees : ITreeSource
    {
        public Trees(string[] before, string[] after) =>
            Sides = new(StringComparer.Ordinal) { ["old"] = Build(before), ["new"] = Build(after) };

        public bool DirectoriesHaveMarks { get; init; }

        public bool FilesHaveMarks { get; init; } = true;

        /// <summary>Of each commit, every path and its content, or that it is a directory.</summary>
        public Dictionary<string, SortedDictionary<string, string>> Sides { get; }

        public List<string> Compared { get; } = [];

        public async IAsyncEnumerable<TreeItem> ListAsync(
            string commit, string directory, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
        {
            SortedDictionary<string, string> tree = Sides[commit];
            Assert.Equal("directory", directory.Length == 0 ? "directory" : tree[directory]);
            foreach ((string path, string content) in tree.Where(entry => entry.Key[..entry.Key.LastIndexOf('/')] == directory))
            {
                bool isDirectory = content == "directory";
                string mark = !isDirectory ? content : string.Join('|', tree.Where(entry => entry.Key.StartsWith(path + '/', StringComparison.Ordinal)));
                bool hasMark = isDirectory ? DirectoriesHaveMarks : FilesHaveMarks;
                yield return new TreeItem(path[(directory.Length + 1)..], isDirectory, isDirectory ? 0 : content.Length, hasMark ? $"m{mark}" : "");
            }

            await Task.CompletedTask;
        }

        public IAsyncEnumerable<ItemChange> DiffAsync(string oldCommit, string newCommit, string directory, CancellationToken cancellationToken)
        {
            Compared.Add(directory);
            return TreeChanges.CompareAsync(
                ListAsync(oldCommit, directory, cancellationToken), ListAsync(newCommit, directory, cancellationToken), cancellationToken);
        }

        private static SortedDictionary<string, string> Build(string[] entries)
        {
            SortedDictionary<string, string> tree = new(StringComparer.Ordinal);
            foreach (string entry in entries)
            {
                string[] parts = entry.Split(' ');
                AddParents(tree, parts[0]);
                if (parts.Length > 1)
                {
                    tree[parts[0]] = parts[1];
                }
            }

            return tree;
        }
    }
}
