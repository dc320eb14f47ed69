using System.Globalization;
using static Pachyderm.Pfs.Tests.TestFileSystem;

namespace Pachyderm.Pfs.Tests;

public sealed class WriteTests : IAsyncLifetime
{
    private TestFileSystem pfs = null!;

    public async ValueTask InitializeAsync()
    {
        pfs = await OpenAsync();
        await pfs.CreateRepoAsync("data");
    }

    public ValueTask DisposeAsync() => pfs.DisposeAsync();

    [Fact]
    public async Task Puts_to_one_path_are_appended_within_and_across_commits()
    {
        CommitName first = await pfs.CommitAsync("data", "master", ("f", "one "), ("f", "two "));
        CommitName second = await pfs.CommitAsync("data", "master", ("/f", "three"));
        Assert.Equal("one two ", await pfs.ReadAsync(first, "f"));
        Assert.Equal("one two three", await pfs.ReadAsync(second, "f"));
    }

    [Fact]
    public async Task Overwriting_replaces_a_file_or_a_directory()
    {
        await pfs.CommitAsync("data", "master", ("f", "old"), ("d/x", "1"), ("d/y", "2"));
        CommitName commit = await pfs.StartAsync("data", "master");
        await pfs.PutAsync(commit, "f", "new", new PutOptions { Overwrite = true });
        await pfs.PutAsync(commit, "d", "a file now", new PutOptions { Overwrite = true });
        await pfs.FinishAsync(commit);
        Assert.Equal([("/d", "a file now"), ("/f", "new")], await FilesAsync(commit));
    }

    [Fact]
    public async Task Deleting_reaches_only_what_came_before_in_this_commit()
    {
        CommitName parent = await pfs.CommitAsync("data", "master", ("f", "old"), ("d/x", "1"), ("d/e/y", "2"));
        CommitName commit = await pfs.StartAsync("data", "master");
        await pfs.PutAsync(commit, "f", " more");
        await pfs.DeleteAsync(commit, "f");
        await pfs.PutAsync(commit, "f", "fresh");
        await pfs.DeleteAsync(commit, "d");
        await pfs.DeleteAsync(commit, "never/was");
        await pfs.FinishAsync(commit);
        Assert.Equal([("/f", "fresh")], await FilesAsync(commit));
        Assert.Equal([("/d/e/y", "2"), ("/d/x", "1"), ("/f", "old")], await FilesAsync(parent));
    }

    [Fact]
    public async Task Deleting_the_root_empties_the_commit()
    {
        await pfs.CommitAsync("data", "master", ("f", "old"), ("d/x", "1"));
        CommitName commit = await pfs.StartAsync("data", "master");
        await pfs.DeleteAsync(commit, "/");
        await pfs.PutAsync(commit, "new", "1");
        await pfs.FinishAsync(commit);
        Assert.Equal([("/new", "1")], await FilesAsync(commit));
    }

    [Theory]
    [InlineData("././././file", "/file")]
    [InlineData("/a//b/", "/a/b")]
    [InlineData("../x", "/x")]
    [InlineData("a/../../b", "/b")]
    public async Task A_path_is_cleaned(string given, string stored)
    {
        CommitName commit = await pfs.CommitAsync("data", "master", (given, "1"));
        Assert.Equal([(stored, "1")], await FilesAsync(commit));
    }

    [Theory]
    [InlineData("a\0b", "filename cannot contain null character")]
    [InlineData("", "no file name")]
    [InlineData("/", "no file name")]
    [InlineData(".", "no file name")]
    [InlineData("a\uFFFDb", "UTF-8")]
    public async Task A_path_that_cannot_be_meant_is_refused(string path, string fragment)
    {
        CommitName commit = await pfs.StartAsync("data", "master");
        await RefusedAsync(() => pfs.PutAsync(commit, path, "1"), PfsErrorKind.InvalidArgument, fragment);
        await pfs.FinishAsync(commit);
    }

    [Fact]
    public async Task A_finished_commit_takes_no_writes()
    {
        CommitName commit = await pfs.CommitAsync("data", "master", ("f", "1"));
        await RefusedAsync(() => pfs.PutAsync(commit, "g", "2"), PfsErrorKind.FailedPrecondition, $"commit {commit.Id} is not open");
        await RefusedAsync(() => pfs.DeleteAsync(commit, "f"), PfsErrorKind.FailedPrecondition, $"commit {commit.Id} in repo data has already finished");
        await RefusedAsync(
            () => pfs.PutAsync(new CommitName(new RepoName("data"), CommitId.Create()), "g", "2"), PfsErrorKind.NotFound, "is not open");
        await RefusedAsync(
            () => pfs.PutAsync(new CommitName(new RepoName("data"), new CommitId("nowhere")), "g", "2"), PfsErrorKind.NotFound, "pachyderm_pfs/commits/data/ nowhere not found");
    }

    [Fact]
    public async Task A_conflict_shows_when_the_commit_is_read_or_finished_and_leaves_it_open()
    {
        CommitName commit = await pfs.StartAsync("data", "master");
        await pfs.PutAsync(commit, "a/b", "1");
        await pfs.PutAsync(commit, "a", "2");
        await RefusedAsync(() => pfs.ListAsync(commit), PfsErrorKind.FailedPrecondition, "could not put file at \"/a\"");
        await RefusedAsync(() => pfs.FinishAsync(commit), PfsErrorKind.FailedPrecondition, "could not put file at \"/a\"");
        Assert.True((await pfs.InspectAsync(commit)).IsOpen);
        await pfs.Files.Commits.DeleteAsync(new CommitReference(commit), Token);
    }

    [Theory]
    [InlineData(SplitDelimiter.Line, "foo\nbar\nbuz\nfiz\n", 0, 8, "foo\nbar\n|buz\nfiz\n")]
    [InlineData(SplitDelimiter.Line, "foo\nbar\nbuz\nfiz\n", 2, 0, "foo\nbar\n|buz\nfiz\n")]
    [InlineData(SplitDelimiter.Line, "foo\nbar\nbuz", 0, 0, "foo\n|bar\n|buz")]
    [InlineData(SplitDelimiter.Line, "\n\n", 0, 0, "\n|\n")]
    [InlineData(SplitDelimiter.Json, "{}{}{}{}", 0, 4, "{}{}|{}{}")]
    [InlineData(SplitDelimiter.Json, " {\"a\": [1, 2]}\n\n\"x\" 12 -3.5e+7[ ]null", 0, 0, "{\"a\": [1, 2]}|\"x\"|12|-3.5e+7|[ ]|null")]
    [InlineData(SplitDelimiter.Json, "1 2 3", 2, 0, "12|3")]
    [InlineData(SplitDelimiter.Json, "01", 0, 0, "0|1")]
    [InlineData(SplitDelimiter.Json, "\"\\u00e9\\\"}\"{\"}\":\"{\"}", 0, 0, "\"\\u00e9\\\"}\"|{\"}\":\"{\"}")]
    public async Task A_split_file_becomes_a_directory_of_whole_values(SplitDelimiter delimiter, string content, int datums, int bytes, string expected)
    {
        CommitName commit = await pfs.StartAsync("data", "master");
        await pfs.PutAsync(commit, "d", content, new PutOptions { Delimiter = delimiter, TargetDatums = datums, TargetBytes = bytes });
        await pfs.FinishAsync(commit);
        string[] parts = expected.Split('|');
        Assert.Equal(
            parts.Select((part, number) => ("/d/" + number.ToString("x16", CultureInfo.InvariantCulture), part)), await FilesAsync(commit));
    }

    [Fact]
    public async Task The_next_split_goes_on_behind_the_last_file()
    {
        PutOptions lines = new() { Delimiter = SplitDelimiter.Line };
        CommitName commit = await pfs.StartAsync("data", "master");
        await pfs.PutAsync(commit, "d", "a\nb\nc\n", lines);
        await pfs.DeleteAsync(commit, "d/0000000000000002");
        await pfs.DeleteAsync(commit, "d/0000000000000000");
        await pfs.PutAsync(commit, "d", "x\n", lines);
        await pfs.FinishAsync(commit);
        Assert.Equal([("/d/0000000000000001", "b\n"), ("/d/0000000000000002", "x\n")], await FilesAsync(commit));
        CommitName other = await pfs.StartAsync("data", "other");
        await pfs.PutAsync(other, "d/notes", "1");
        await pfs.PutAsync(other, "d", "x\n", lines);
        await RefusedAsync(() => pfs.FinishAsync(other), PfsErrorKind.FailedPrecondition, "using split on a directory which contains other data");
    }

    [Fact]
    public async Task A_split_of_nothing_makes_no_directory()
    {
        CommitName commit = await pfs.StartAsync("data", "master");
        await pfs.PutAsync(commit, "d", "", new PutOptions { Delimiter = SplitDelimiter.Line });
        await pfs.PutAsync(commit, "e", "  \n ", new PutOptions { Delimiter = SplitDelimiter.Json });
        await pfs.FinishAsync(commit);
        Assert.Empty(await pfs.ListAsync(commit));
    }

    [Theory]
    [InlineData("{\"a\":1} {]")]
    [InlineData("[1,2")]
    [InlineData("tru")]
    [InlineData("{\"a\" 1}")]
    [InlineData("\"a\nb\"")]
    [InlineData("[1,]")]
    [InlineData("\"\\x\"")]
    [InlineData("1.")]
    [InlineData("}")]
    public async Task A_split_of_what_is_no_json_writes_nothing(string content)
    {
        CommitName commit = await pfs.StartAsync("data", "master");
        PutOptions json = new() { Delimiter = SplitDelimiter.Json };
        await RefusedAsync(() => pfs.PutAsync(commit, "d", content, json), PfsErrorKind.InvalidArgument, "JSON");
        Assert.Empty(await pfs.ListAsync(commit));
    }

    [Fact]
    public async Task A_split_of_very_many_lines_keeps_their_order()
    {
        CommitName commit = await pfs.StartAsync("data", "master");
        const int count = 20_001;
        string content = string.Concat(Enumerable.Range(0, count).Select(number => $"{number}\n"));
        await Files(commit, content, new PutOptions { Delimiter = SplitDelimiter.Line });
        await pfs.FinishAsync(commit);
        IReadOnlyList<string> names = await pfs.ListAsync(commit, "/d");
        Assert.Equal(count, names.Count);
        Assert.Equal($"/d/{count - 1:x16}", names[^1]);
        Assert.Equal("0\n", await pfs.ReadAsync(commit, names[0]));
        Assert.Equal("12345\n", await pfs.ReadAsync(commit, names[12_345]));
        Assert.Equal($"{count - 1}\n", await pfs.ReadAsync(commit, names[^1]));

        Task Files(CommitName target, string text, PutOptions options) => pfs.Files.Writer.PutAsync(
            new CommitReference(target), "d", Pieces(System.Text.Encoding.UTF8.GetBytes(text), 65_536), options, Token);
    }

    [Fact]
    public async Task Many_files_come_in_one_stream()
    {
        CommitName commit = await pfs.StartAsync("data", "master");
        BulkPart[] parts =
        [
            new("a", "1"u8.ToArray(), true, false), new("b", "2"u8.ToArray(), false, false), new(null, "3"u8.ToArray(), false, false),
            new(null, default, true, false), new("a", "4"u8.ToArray(), true, false), new("b", "5"u8.ToArray(), true, true), new("empty", default, true, false),
        ];
        Assert.Equal(new BulkSummary(5, 5), await pfs.Files.Writer.PutManyAsync(new CommitReference(commit), parts.ToAsyncEnumerable(), Token));
        Assert.Equal([("/a", "14"), ("/b", "5"), ("/empty", "")], await FilesAsync(commit));
        await RefusedAsync(() => ManyAsync(commit, new BulkPart(null, default, true, false)), PfsErrorKind.InvalidArgument, "without path");
        await RefusedAsync(() => ManyAsync(commit, new BulkPart("x", default, false, false)), PfsErrorKind.InvalidArgument, "ends before");
        await RefusedAsync(
            () => ManyAsync(commit, new BulkPart("x", default, false, false), new BulkPart("y", default, true, false)), PfsErrorKind.InvalidArgument, "before the last part");
        Assert.Equal(3, (await pfs.ListAsync(commit)).Count);
    }

    private Task<BulkSummary> ManyAsync(CommitName commit, params BulkPart[] parts) =>
        pfs.Files.Writer.PutManyAsync(new CommitReference(commit), parts.ToAsyncEnumerable(), Token);

    private async Task<List<(string, string)>> FilesAsync(CommitName commit) =>
        [.. (await pfs.ReadAllAsync(commit)).Select(file => (file.Key, file.Value))];
}
