using static Pachyderm.Pfs.Tests.TestFileSystem;

namespace Pachyderm.Pfs.Tests;

public sealed class ReadTests : IAsyncLifetime
{
    private TestFileSystem pfs = null!;

    public async ValueTask InitializeAsync()
    {
        pfs = await OpenAsync();
        await pfs.CreateRepoAsync("data");
    }

    public ValueTask DisposeAsync() => pfs.DisposeAsync();

    [Fact]
    public async Task An_open_commit_shows_what_was_written_so_far()
    {
        await pfs.CommitAsync("data", "master", ("d/x", "1"));
        CommitName commit = await pfs.StartAsync("data", "master");
        await pfs.PutAsync(commit, "d/y", "2");
        Assert.Equal(["/d/x", "/d/y"], await pfs.ListAsync(commit, "/d"));
        await pfs.DeleteAsync(commit, "d");
        Assert.Empty(await pfs.ListAsync(commit));
        await RefusedAsync(
            () => pfs.ReadAsync(commit, "d/x"), PfsErrorKind.NotFound, $"file d/x not found in repo data at commit {commit.Id}");
    }

    [Theory]
    [InlineData(0, null, "12345678")]
    [InlineData(3, null, "45678")]
    [InlineData(3, 2, "45")]
    [InlineData(6, 100, "78")]
    [InlineData(8, 1, "")]
    [InlineData(1000, null, "")]
    public async Task A_range_of_a_file_ends_where_the_file_ends(int offset, int? count, string expected)
    {
        CommitName commit = await pfs.CommitAsync("data", "master", ("f", "12345678"));
        Assert.Equal(expected, await pfs.ReadAsync(commit, "f", offset, count));
    }

    [Fact]
    public async Task What_cannot_be_read_is_told_in_the_words_of_1_5()
    {
        CommitName commit = await pfs.CommitAsync("data", "master", ("d/x", "1"));
        await RefusedAsync(() => pfs.ReadAsync(commit, "/d"), PfsErrorKind.FailedPrecondition, "/d is a directory");
        await RefusedAsync(() => pfs.ListAsync(commit, "/d/x"), PfsErrorKind.FailedPrecondition, "the file at \"/d/x\" is not a directory");
        await RefusedAsync(() => pfs.ListAsync(commit, "/none"), PfsErrorKind.NotFound, "no node at \"/none\"");
        await RefusedAsync(() => pfs.ReadAsync(commit, "d/x/y"), PfsErrorKind.NotFound, "file d/x/y not found in repo data at commit");
        await RefusedAsync(() => pfs.ReadAsync(commit, "a\0"), PfsErrorKind.InvalidArgument, "filename cannot contain null character");
        await RefusedAsync(() => pfs.GlobAsync(commit, "/*\\"), PfsErrorKind.InvalidArgument, "is malformed");
    }

    [Theory]
    [InlineData("", "d,foo")]
    [InlineData("/", "/d,/foo")]
    [InlineData("d", "d/e,d/x")]
    [InlineData("/d/", "/d/e,/d/x")]
    [InlineData("./d/../d", "d/e,d/x")]
    public async Task A_list_joins_the_path_that_was_asked_for_with_the_names(string path, string expected)
    {
        CommitName commit = await pfs.CommitAsync("data", "master", ("foo", "1"), ("d/x", "2"), ("d/e/y", "3"));
        Assert.Equal(expected.Split(','), await pfs.ListAsync(commit, path));
    }

    [Fact]
    public async Task An_inspected_file_has_the_path_that_was_asked_for_and_a_directory_the_size_of_everything_below()
    {
        CommitName commit = await pfs.CommitAsync("data", "master", ("foo", "1"), ("d/x", "22"), ("d/e/y", "333"));
        using CommitView view = await pfs.Files.Reader.OpenAsync(new CommitReference(new RepoName("data"), "master"), Token);
        Assert.Equal(commit, view.Commit);
        CommitFile root = await view.InspectAsync("", Token);
        Assert.Equal(("", 6L, true), (root.Path, root.Entry.Size, root.Entry.IsDirectory));
        Assert.Equal(("/d/", 5L), ((await view.InspectAsync("/d/", Token)).Path, (await view.InspectAsync("/d", Token)).Entry.Size));
        Assert.Equal(
            ("./foo", 1L, false),
            (
                (await view.InspectAsync("./foo", Token)).Path,
                (await view.InspectAsync("foo", Token)).Entry.Size,
                root.Entry.File is not null));
        Assert.Equal(
            ["", "/d", "/d/e", "/d/e/y", "/d/x", "/foo"], await view.WalkAsync("", Token).Select(file => file.Path).ToListAsync(Token));
    }

    [Theory]
    [InlineData("*", "/d,/foo,/foo2")]
    [InlineData("/*", "/d,/foo,/foo2")]
    [InlineData("foo*", "/foo,/foo2")]
    [InlineData("*/*", "/d/e,/d/x")]
    [InlineData("/d/*/", "/d/e,/d/x")]
    [InlineData("foo?", "/foo2")]
    [InlineData("[d-e]", "/d")]
    [InlineData("d/x", "/d/x")]
    [InlineData("", "")]
    public async Task A_glob_matches_whole_paths(string pattern, string expected)
    {
        CommitName commit = await pfs.CommitAsync("data", "master", ("foo", "1"), ("foo2", "1"), ("d/x", "2"), ("d/e/y", "3"));
        Assert.Equal(expected.Split(','), await pfs.GlobAsync(commit, pattern));
        Assert.Empty(await pfs.GlobAsync(commit, "nothing*"));
    }

    [Fact]
    public async Task A_difference_is_reported_on_the_sides_where_there_is_something()
    {
        CommitName old = await pfs.CommitAsync("data", "master", ("same", "1"), ("changed", "1"), ("gone", "1"), ("dir/same", "1"));
        CommitName now = await pfs.StartAsync("data", "master");
        await pfs.PutAsync(now, "changed", "2");
        await pfs.PutAsync(now, "dir/new", "3");
        await pfs.DeleteAsync(now, "gone");
        await pfs.FinishAsync(now);
        Assert.Equal(["+changed", "+dir/new", "-changed", "-gone"], await DiffAsync(now, old, "", shallow: false));
        Assert.Equal(["+/changed", "+/dir", "-/changed", "-/dir", "-/gone"], await DiffAsync(now, old, "/", shallow: true));
        Assert.Equal(["+dir/new"], await DiffAsync(now, old, "dir", shallow: false));
        Assert.Empty(await DiffAsync(now, old, "nowhere", shallow: false));
        Assert.Equal(["+changed", "+dir/new", "+dir/same", "+same"], await DiffAsync(now, null, "", shallow: false));
        using CommitView? parent = await pfs.Files.Reader.OpenParentAsync(now, Token);
        Assert.Equal(old, parent!.Commit);
        Assert.Null(await pfs.Files.Reader.OpenParentAsync(old, Token));
    }

    [Fact]
    public async Task What_is_being_read_is_not_collected_though_its_commit_is_deleted()
    {
        string content = string.Concat(Enumerable.Range(0, 2_000_000).Select(number => (char)('a' + number * 31 % 23)));
        CommitName commit = await pfs.StartAsync("data", "master");
        await pfs.PutAsync(commit, "large", content);
        using CommitView view = await pfs.Files.Reader.OpenAsync(new CommitReference(commit), Token);
        CommitFile file = await view.FindFileAsync("large", Token);
        await pfs.Files.Commits.DeleteAsync(new CommitReference(commit), Token);
        await pfs.Maintenance.CollectGarbageAsync(progress: null, Token);
        Assert.Equal(content, await TextAsync(view.ReadAsync(file, 0, null, Token)));
    }

    [Fact]
    public async Task Garbage_goes_and_everything_that_is_referred_to_stays()
    {
        CommitName finished = await pfs.CommitAsync("data", "master", ("f", "finished"));
        CommitName open = await pfs.StartAsync("data", "master");
        await pfs.PutAsync(open, "folded", "folded");
        await pfs.ListAsync(open);
        await pfs.PutAsync(open, "pending", "pending");
        await pfs.PutAsync(open, "lines", "a\nb\n", new PutOptions { Delimiter = SplitDelimiter.Line });
        ObjectInfo stored = await pfs.Files.Objects.PutAsync(Pieces("object"u8.ToArray()), () => ["tag"], Token);
        CommitName deleted = await pfs.StartAsync("data", "gone");
        await pfs.PutAsync(deleted, "f", "garbage");
        await pfs.Files.Commits.DeleteAsync(new CommitReference(deleted), Token);
        Assert.True((await pfs.Maintenance.CollectGarbageAsync(progress: null, Token)).Content.Live > 0);
        await pfs.Maintenance.CollectGarbageAsync(progress: null, Token);
        Assert.Equal("finished", await pfs.ReadAsync(finished, "f"));
        Assert.Equal(
            ["/f", "/folded", "/lines/0000000000000000", "/lines/0000000000000001", "/pending"], (await pfs.ReadAllAsync(open)).Keys);
        Assert.Equal("object", await TextAsync(pfs.Files.Objects.ReadAsync([stored.Hash], 0, null, Token)));
    }

    private async Task<List<string>> DiffAsync(CommitName now, CommitName? old, string path, bool shallow)
    {
        using CommitView view = await pfs.Files.Reader.OpenAsync(new CommitReference(now), Token);
        using CommitView? before = old is { } other ? await pfs.Files.Reader.OpenAsync(new CommitReference(other), Token) : null;
        List<string> added = [];
        List<string> removed = [];
        await foreach (CommitDifference difference in view.DiffAsync(path, before, path, shallow, Token))
        {
            if (difference.New is { } file)
            {
                added.Add("+" + file.Path);
            }
            if (difference.Old is { } gone)
            {
                removed.Add("-" + gone.Path);
            }
        }
        return [.. added, .. removed];
    }
}
