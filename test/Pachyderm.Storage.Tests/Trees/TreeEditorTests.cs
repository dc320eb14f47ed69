using Pachyderm.Storage.Content;
using Pachyderm.Storage.Trees;
using static Pachyderm.Storage.Tests.Trees.TreeHarness;

namespace Pachyderm.Storage.Tests.Trees;

public sealed class TreeEditorTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private readonly TreeHarness trees = new(Tiny);

    [Fact]
    public async Task Without_writes_there_is_an_empty_root()
    {
        Assert.Equal(TreeReader.EmptyDirectory, await trees.ApplyAsync(null));
        DirectoryReference root = await trees.ApplyAsync(null, Put("/a/b", "1"));
        Assert.Equal(TreeReader.EmptyDirectory, await trees.ApplyAsync(root, Delete("/")));
        Assert.Equal("/ 0 \n", await trees.DescribeAsync(null));
    }

    [Theory]
    [InlineData("/dir/x", "/dir", "could not put file at \"/dir\"; a node of type directory is already there")]
    [InlineData("/foo", "/foo/bar", "attempted to visit \"/foo/bar\", but it's not a directory")]
    [InlineData("/foo", "/foo/bar/baz", "attempted to visit \"/foo/bar\", but it's not a directory")]
    public async Task A_conflict_is_told_in_the_same_words_with_a_write_before_and_with_what_is_stored(string first, string second, string message)
    {
        TreeConflictException exception = await Assert.ThrowsAsync<TreeConflictException>(() => trees.ApplyAsync(null, Put(first, "1"), Put(second, "2")));
        Assert.Equal(message, exception.Message);

        DirectoryReference stored = await trees.ApplyAsync(null, Put(first, "1"));
        exception = await Assert.ThrowsAsync<TreeConflictException>(() => trees.ApplyAsync(stored, Put("/other", "1"), Put(second, "2")));
        Assert.Equal(message, exception.Message);
        exception = await Assert.ThrowsAsync<TreeConflictException>(() => trees.ApplyAsync(stored, Put(second, "2"), Delete("/")));
        Assert.Equal(message, exception.Message);

        DirectoryReference after = await trees.ApplyAsync(stored, Delete(first), Delete(Path(first).Parent.ToString()), Put(second, "2"));
        Assert.NotNull((await trees.Reader.FindAsync(after, Path(second), Token)).Entry);
    }

    [Fact]
    public async Task A_file_becomes_a_directory_after_it_was_deleted()
    {
        DirectoryReference root = await trees.ApplyAsync(null, Put("/a", "1"), Delete("/a"), Put("/a/b", "2"));
        Assert.Equal(await trees.ApplyAsync(null, Put("/a/b", "2")), root);
        Assert.Equal(root, await trees.ApplyAsync(await trees.ApplyAsync(null, Put("/a", "1")), Delete("/a"), Put("/a/b", "2")));
        Assert.Equal(await trees.ApplyAsync(null, Put("/a", "3")), await trees.ApplyAsync(root, Put("/a", "3", overwrite: true)));
    }

    [Fact]
    public async Task Appended_contents_are_put_together_once_in_their_order()
    {
        DirectoryReference stored = await trees.ApplyAsync(null, Put("/a", "1"));
        List<int> calls = [];
        using IChunkWriter writer = trees.Store.OpenWriter();
        DirectoryReference root = await trees.Editor.ApplyAsync(
            stored,
            [Put("/a", "2"), Put("/b", "3"), Put("/a", "4")],
            writer,
            (parts, token) =>
            {
                calls.Add(parts.Count);
                return ConcatAsync(parts, token);
            },
            Token);
        Assert.Equal([3], calls);
        Assert.Equal(await trees.ApplyAsync(null, Put("/a", "124"), Put("/b", "3")), root);
    }

    [Fact]
    public async Task Splits_go_on_after_the_last_child_that_is_left()
    {
        DirectoryReference root = await trees.ApplyAsync(null, Split("/s", false, "0", "1", "2", "3"));
        Assert.Equal(["0000000000000000", "0000000000000001", "0000000000000002", "0000000000000003"], await NamesAsync(root, "/s"));
        root = await trees.ApplyAsync(root, Delete("/s/0000000000000003"), Delete("/s/0000000000000001"), Split("/s", false, "4"), Split("/s", false, "5"));
        Assert.Equal(["0000000000000000", "0000000000000002", "0000000000000003", "0000000000000004"], await NamesAsync(root, "/s"));
        root = await trees.ApplyAsync(root, Put("/s/0000000000000fFf", "1"), Split("/s", false, "6"));
        Assert.Equal("0000000000001000", (await NamesAsync(root, "/s"))[^1]);
        root = await trees.ApplyAsync(root, Split("/s", true, "7"));
        Assert.Equal(["0000000000000000"], await NamesAsync(root, "/s"));
        root = await trees.ApplyAsync(root, Delete("/s/0000000000000000"), Split("/s", false, "8"), Split("/", true, "9"), Split("/none", false));
        Assert.Equal(["0000000000000000"], await NamesAsync(root, "/"));
    }

    [Fact]
    public async Task A_split_beside_other_names_is_a_conflict()
    {
        DirectoryReference root = await trees.ApplyAsync(null, Put("/s/name", "1"));
        TreeConflictException exception = await Assert.ThrowsAsync<TreeConflictException>(() => trees.ApplyAsync(root, Split("/s", false, "1")));
        Assert.Equal(
            "error parsing filename name as int, this likely means you're using split on a directory which contains other data that wasn't put with split",
            exception.Message);
        await Assert.ThrowsAsync<TreeConflictException>(() => trees.ApplyAsync(null, Put("/s/ffffffffffffffff", "1"), Split("/s", false, "1")));
    }

    [Fact]
    public async Task Alternating_splits_and_deletes_stay_cheap()
    {
        List<TreeWrite> writes = [Split("/s", false, [.. Enumerable.Repeat("1", 20_000)])];
        for (int number = 19_999; number > 0; number--)
        {
            writes.Add(Delete($"/s/{number:x16}"));
            writes.Add(Split("/s", false, "1"));
            writes.Add(Delete($"/s/{number:x16}"));
        }
        DirectoryReference root = await trees.ApplyAsync(null, writes);
        Assert.Equal(["0000000000000000"], await NamesAsync(root, "/s"));
        DirectoryReference stored = await trees.ApplyAsync(null, writes[0]);
        Assert.Equal(root, await trees.ApplyAsync(stored, writes.Skip(1)));
    }

    [Fact]
    public async Task Removing_the_front_or_the_end_of_a_directory_leaves_what_the_rest_alone_would_be()
    {
        for (int count = 10; count < 60; count++)
        {
            DirectoryReference all = await trees.ApplyAsync(null, Enumerable.Range(0, count).Select(number => Put($"/{number:d4}", "1")));
            for (int first = 0; first <= count; first++)
            {
                DirectoryReference rest = await trees.ApplyAsync(all, Enumerable.Range(0, first).Select(number => Delete($"/{number:d4}")));
                Assert.Equal(await trees.ApplyAsync(null, Enumerable.Range(first, count - first).Select(number => Put($"/{number:d4}", "1"))), rest);
                DirectoryReference front = await trees.ApplyAsync(all, Enumerable.Range(first, count - first).Select(number => Delete($"/{number:d4}")));
                Assert.Equal(await trees.ApplyAsync(null, Enumerable.Range(0, first).Select(number => Put($"/{number:d4}", "1"))), front);
                Assert.Equal(all, await trees.ApplyAsync(front, Enumerable.Range(first, count - first).Select(number => Put($"/{number:d4}", "1"))));
            }
        }
    }

    [Fact]
    public async Task Long_names_and_large_values_are_stored_in_nodes_of_bounded_size()
    {
        TreeHarness real = new();
        string longName = new('x', TreeLimits.MaximumNameLength - 4);
        FileContent large = Text(string.Concat(Enumerable.Repeat("0123", TreeLimits.MaximumInlineChunks / 4)));
        List<TreeWrite> writes = [.. Enumerable.Range(0, 40).Select(number => new PutFile(Path($"/{longName}{number:d4}"), large, Overwrite: false))];
        DirectoryReference root = await real.ApplyAsync(null, writes);
        Assert.Equal(40, root.Files);
        Assert.All(real.Store.Ids, id => Assert.InRange(real.Store.Bytes(id).Length, 1, TreeLimits.MaximumNodeLength));
        Assert.Equal(41, await real.Reader.WalkAsync(TreeReader.RootEntry(root), Token).CountAsync(Token));
        DirectoryReference stepwise = TreeReader.EmptyDirectory;
        foreach (TreeWrite write in Enumerable.Reverse(writes))
        {
            stepwise = await real.ApplyAsync(stepwise, write);
        }
        Assert.Equal(root, stepwise);
    }

    [Fact]
    public async Task What_cannot_be_stored_is_refused()
    {
        string tooLong = "/" + new string('x', TreeLimits.MaximumNameLength + 1);
        TreeConflictException exception = await Assert.ThrowsAsync<TreeConflictException>(() => trees.ApplyAsync(null, Put(tooLong, "1")));
        Assert.EndsWith("it has a name of more than 65535 bytes", exception.Message, StringComparison.Ordinal);
        Assert.NotNull(TreeLimits.Check(TreePath.FromBytes("/a/.."u8.ToArray())));
        Assert.Null(TreeLimits.Check(Path("/a/..b/.c")));
        await Assert.ThrowsAsync<ArgumentException>(() => trees.ApplyAsync(null, Put("/", "1")));
        await Assert.ThrowsAsync<ArgumentException>(() => trees.ApplyAsync(null, new PutFile(Path("/a"), Text("1") with { Size = 2 }, Overwrite: false)));
        await Assert.ThrowsAsync<ArgumentException>(() => trees.ApplyAsync(
            null, new PutFile(Path("/a"), Text(new string('1', TreeLimits.MaximumInlineChunks + 1)), Overwrite: false)));
    }

    [Fact]
    public async Task The_deepest_tree_works_and_a_deeper_one_is_refused()
    {
        string deepest = string.Concat(Enumerable.Repeat("/d", TreeLimits.MaximumDepth - 1)) + "/f";
        DirectoryReference root = await trees.ApplyAsync(null, Put(deepest, "1"));
        root = await trees.ApplyAsync(root, Put(deepest, "2"));
        Assert.Equal(2, (await trees.Reader.FindAsync(root, Path(deepest), Token)).Entry!.Size);
        Assert.Equal(TreeLimits.MaximumDepth + 1, await trees.Reader.WalkAsync(TreeReader.RootEntry(root), Token).CountAsync(Token));
        Assert.Equal(1, await trees.Reader.DiffAsync(TreeReader.RootEntry(root), null, shallow: false, Token).CountAsync(Token));
        Assert.Equal(root, await trees.ApplyAsync(null, Put(deepest, "12")));
        await Assert.ThrowsAsync<TreeConflictException>(() => trees.ApplyAsync(root, Put(deepest[..^1] + "d/f", "1")));
    }

    private async Task<List<string>> NamesAsync(DirectoryReference root, string directory)
    {
        TreeEntry entry = (await trees.Reader.FindAsync(root, Path(directory), Token)).Entry!;
        return await trees.Reader.ListAsync(entry, default, Token).Select(child => child.Path.ToString()[(entry.Path.Bytes.Length + 1)..]).ToListAsync(Token);
    }
}
