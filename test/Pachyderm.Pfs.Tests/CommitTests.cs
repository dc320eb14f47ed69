using static Pachyderm.Pfs.Tests.TestFileSystem;

namespace Pachyderm.Pfs.Tests;

public sealed class CommitTests : IAsyncLifetime
{
    private static readonly RepoName Repo = new("data");

    private TestFileSystem pfs = null!;

    public async ValueTask InitializeAsync()
    {
        pfs = await OpenAsync();
        await pfs.CreateRepoAsync("data");
    }

    public ValueTask DisposeAsync() => pfs.DisposeAsync();

    [Fact]
    public async Task An_identifier_is_a_random_uuid_without_dashes()
    {
        CommitName commit = await pfs.StartAsync("data");
        Assert.Matches("^[0-9a-f]{12}4[0-9a-f]{19}$", commit.Id.Value);
        Assert.True(CommitId.IsIdentifier(commit.Id.Value));
    }

    [Fact]
    public async Task A_commit_is_open_and_of_size_zero_until_it_is_finished()
    {
        CommitName commit = await pfs.StartAsync("data", "master");
        await pfs.PutAsync(commit, "f", "12345");
        CommitInfo open = await pfs.InspectAsync(commit);
        Assert.True(open.IsOpen);
        Assert.Equal(0, open.SizeBytes);
        await pfs.FinishAsync(commit);
        CommitInfo finished = await pfs.InspectAsync(commit);
        Assert.False(finished.IsOpen);
        Assert.Equal(5, finished.SizeBytes);
        Assert.InRange(finished.Finished!.Value, finished.Started, DateTimeOffset.MaxValue);
        await RefusedAsync(
            () => pfs.FinishAsync(commit), PfsErrorKind.FailedPrecondition, $"commit data/{commit.Id} has already been finished");
    }

    [Fact]
    public async Task A_commit_on_a_branch_has_its_head_as_parent_and_becomes_its_head()
    {
        CommitName first = await pfs.CommitAsync("data", "master");
        CommitName second = await pfs.StartAsync("data", "master");
        Assert.Null((await pfs.InspectAsync(first)).Parent);
        Assert.Equal(first.Id, (await pfs.InspectAsync(second)).Parent);
        Assert.Equal(second, (await pfs.Files.Commits.InspectAsync(new CommitReference(Repo, "master"), Token)).Name);
        await RefusedAsync(
            () => pfs.StartAsync("data", "master"), PfsErrorKind.FailedPrecondition, $"parent commit {second.Id} has not been finished");
    }

    [Fact]
    public async Task A_parent_and_a_branch_make_a_fork()
    {
        CommitName first = await pfs.CommitAsync("data", "master", ("f", "1"));
        CommitName second = await pfs.CommitAsync("data", "master", ("g", "2"));
        CommitName fork = await pfs.StartAsync("data", "fork", first.Id.Value);
        Assert.Equal(first.Id, (await pfs.InspectAsync(fork)).Parent);
        Assert.Equal(["/f"], await pfs.ListAsync(fork));
        Assert.Equal(["/f", "/g"], await pfs.ListAsync(second));
        CommitName other = await pfs.StartAsync("data", "other", "master");
        Assert.Equal(second.Id, (await pfs.InspectAsync(other)).Parent);
        CommitName orphan = await pfs.StartAsync("data");
        Assert.Null((await pfs.InspectAsync(orphan)).Parent);
        Assert.Empty(await pfs.ListAsync(orphan));
    }

    [Fact]
    public async Task What_is_not_there_is_told_in_the_words_of_1_5()
    {
        await RefusedAsync(() => pfs.StartAsync("missing"), PfsErrorKind.NotFound, "pachyderm_pfs/repos/ missing not found");
        await RefusedAsync(
            () => pfs.StartAsync("data", null, "nowhere"), PfsErrorKind.NotFound, "pachyderm_pfs/commits/data/ nowhere not found");
        await RefusedAsync(
            () =>
                pfs.Files.Commits.InspectAsync(
                    new CommitReference(Repo, "master"), Token), PfsErrorKind.NotFound, "pachyderm_pfs/commits/data/ master not found");
        await RefusedAsync(
            () =>
                pfs.StartAsync(
                    "data",
                    null,
                    null,
                    new CommitName(Repo, new CommitId("gone"))), PfsErrorKind.NotFound, "pachyderm_pfs/commits/data/ gone not found");
    }

    [Fact]
    public async Task Provenance_is_closed_over_what_the_given_commits_come_from()
    {
        await pfs.CreateRepoAsync("b", "data");
        await pfs.CreateRepoAsync("c", "b");
        CommitName a = await pfs.StartAsync("data");
        CommitName b = await pfs.StartAsync("b", null, null, a);
        CommitName c = await pfs.StartAsync("c", null, null, b, a);
        Assert.Equal([b, a], (await pfs.InspectAsync(c)).Provenance);
    }

    [Theory]
    [InlineData("master")]
    [InlineData("a/b")]
    [InlineData("ünïcode")]
    [InlineData("a-name-that-is-longer-than-an-id-by-far")]
    public async Task A_branch_can_have_any_name_but_one_as_long_as_an_identifier(string name)
    {
        CommitName commit = await pfs.CommitAsync("data", name);
        Assert.Equal(new BranchName(name), Assert.Single(await pfs.Files.Branches.ListAsync(Repo, Token)).Name);
        BranchName wrong = new(new string('x', 32));
        await RefusedAsync(
            () => pfs.Files.Branches.SetAsync(new CommitReference(commit), wrong, Token), PfsErrorKind.InvalidArgument,
            "branch name cannot be of the same length as commit IDs");
        await RefusedAsync(
            () => pfs.StartAsync("data", wrong.Value),
            PfsErrorKind.InvalidArgument,
            "branch name cannot be of the same length as commit IDs");
    }

    [Fact]
    public async Task A_branch_can_be_set_and_deleted()
    {
        CommitName first = await pfs.CommitAsync("data", "master");
        CommitName second = await pfs.CommitAsync("data", "master");
        await pfs.Files.Branches.SetAsync(new CommitReference(first), new BranchName("old"), Token);
        await pfs.Files.Branches.SetAsync(new CommitReference(Repo, "master"), new BranchName("copy"), Token);
        Assert.Equal([("copy", second), ("old", first), ("master", second)], await BranchesAsync());
        await pfs.Files.Branches.DeleteAsync(Repo, new BranchName("copy"), Token);
        await RefusedAsync(
            () =>
                pfs.Files.Branches.DeleteAsync(
                    Repo, new BranchName("copy"), Token), PfsErrorKind.NotFound, "pachyderm_pfs/branches/data/ copy not found");
        Assert.Equal([("old", first), ("master", second)], await BranchesAsync());
        Assert.Empty(await pfs.Files.Branches.ListAsync(new RepoName("missing"), Token));
    }

    [Fact]
    public async Task A_deleted_commit_gives_its_branches_back_to_its_parent()
    {
        CommitName parent = await pfs.CommitAsync("data", "master", ("f", "1"));
        CommitName child = await pfs.StartAsync("data", "master");
        CommitName orphan = await pfs.StartAsync("data", "alone");
        await pfs.PutAsync(child, "g", "2");
        await RefusedAsync(
            () =>
                pfs.Files.Commits.DeleteAsync(
                    new CommitReference(parent), Token), PfsErrorKind.FailedPrecondition, "cannot delete finished commit");
        await pfs.Files.Commits.DeleteAsync(new CommitReference(child), Token);
        await pfs.Files.Commits.DeleteAsync(new CommitReference(orphan), Token);
        Assert.Equal([("master", parent)], await BranchesAsync());
        await RefusedAsync(() => pfs.PutAsync(child, "h", "3"), PfsErrorKind.NotFound, $"commit {child.Id} is not open");
    }

    [Fact]
    public async Task Commits_are_listed_newest_first_and_by_ancestry()
    {
        List<CommitName> line = [];
        for (int number = 0; number < 5; number++)
        {
            line.Add(await pfs.CommitAsync("data", "master"));
        }
        CommitName orphan = await pfs.StartAsync("data");
        line.Reverse();
        Assert.Equal([orphan, .. line], await ListAsync());
        Assert.Equal([orphan, line[0]], await ListAsync(limit: 2));
        Assert.Equal(line, await ListAsync("master"));
        Assert.Equal(line[1..3], await ListAsync(line[1].Id.Value, line[3].Id.Value));
        Assert.Equal(line[..2], await ListAsync("master", null, 2));
        // Not an ancestor: the walk goes to the root.
        Assert.Equal(line, await ListAsync("master", orphan.Id.Value));
        await RefusedAsync(() => ListAsync(null, "master"), PfsErrorKind.InvalidArgument, "cannot use `from` commit without `to` commit");
        await RefusedAsync(
            () =>
                pfs.Files.CommitList.ListAsync(
                    Repo, new CommitReference(new RepoName("b"), "x"), null, 0, Token).ToListAsync(Token).AsTask(),
            PfsErrorKind.InvalidArgument, "`from` and `to` commits need to be from repo data");
    }

    [Fact]
    public async Task Every_commit_of_many_pages_is_listed_once()
    {
        HashSet<CommitName> expected = [];
        for (int number = 0; number < 2_345; number++)
        {
            expected.Add(await pfs.StartAsync("data"));
        }
        List<CommitName> listed = [];
        await foreach (CommitInfo commit in pfs.Files.CommitList.ListAsync(Repo, null, null, 0, Token))
        {
            if (listed.Count == 10)
            {
                // Moves to the front of the list while the end is still to be read.
                await pfs.FinishAsync(expected.First());
            }
            listed.Add(commit.Name);
        }
        Assert.Equal(expected.Count, listed.Count);
        Assert.Equal(expected, listed.ToHashSet());
    }

    [Fact]
    public async Task A_repo_grows_by_the_full_size_of_each_new_or_changed_file()
    {
        await pfs.CommitAsync("data", "master", ("foo", "foo"), ("bar", "bar"));
        CommitName orphan = await pfs.StartAsync("data");
        await pfs.DeleteAsync(orphan, "foo");
        await pfs.PutAsync(orphan, "buzz", "buzz");
        await pfs.FinishAsync(orphan);
        Assert.Equal(10, await SizeAsync());
        await pfs.CommitAsync("data", "master", ("foo", "!"));
        Assert.Equal(14, await SizeAsync());
        await pfs.CommitAsync("data", "master");
        Assert.Equal(14, await SizeAsync());
    }

    [Fact]
    public async Task A_built_commit_is_finished_at_once_with_the_tree_given()
    {
        CommitName source = await pfs.CommitAsync("data", "master", ("f", "12345"));
        using CommitView view = await pfs.Files.Reader.OpenAsync(new CommitReference(source), Token);
        CommitName built = await pfs.Files.Commits.BuildAsync(new CommitOrigin(Repo, null, new BranchName("built"), []), view.Root, Token);
        CommitInfo info = await pfs.InspectAsync(built);
        Assert.False(info.IsOpen);
        Assert.Equal(5, info.SizeBytes);
        Assert.Equal("12345", await pfs.ReadAsync(built, "f"));
        Assert.Equal(10, await SizeAsync());
    }

    [Fact]
    public async Task A_commit_that_is_built_of_nothing_is_empty()
    {
        CommitName built = await pfs.Files.Commits.BuildAsync(new CommitOrigin(Repo, null, new BranchName("built"), []), null, Token);
        Assert.Empty(await pfs.ReadAllAsync(built));
        Assert.Null((await pfs.InspectAsync(built)).Tree);
    }

    [Fact]
    public async Task A_copy_of_a_commit_has_its_identifier_and_times()
    {
        CommitId id = new("0123456789ab4def0123456789abcdef");
        DateTimeOffset started = new(2017, 3, 4, 5, 6, 7, TimeSpan.Zero);
        CommitOrigin origin = new(Repo, null, new BranchName("master"), []);
        CommitName copy = await pfs.Files.Commits.StartAsync(origin, id, started, Token);
        await RefusedAsync(
            () => pfs.Files.Commits.StartAsync(origin with { Branch = null }, id, started, Token),
            PfsErrorKind.AlreadyExists, $"pachyderm_pfs/commits/data/ {id} already exists");
        await pfs.PutAsync(copy, "f", "1");
        await pfs.Files.Commits.FinishAsync(new CommitReference(copy), started.AddDays(1), Token);
        CommitInfo commit = await pfs.InspectAsync(new CommitName(Repo, id));
        Assert.Equal((started, started.AddDays(1), 1), (commit.Started, commit.Finished, commit.SizeBytes));
        Assert.Equal(["/f"], await pfs.ListAsync(copy));
        await pfs.CreateRepoAsync("other");
        await pfs.Files.Commits.StartAsync(origin with { Repo = new RepoName("other") }, id, null, Token);
    }

    [Theory]
    [InlineData("")]
    [InlineData("master")]
    [InlineData("0123456789ab5def0123456789abcdef")]
    [InlineData("0123456789AB4def0123456789abcdef")]
    [InlineData("0123456789ab4def0123456789abcde/")]
    public Task What_is_no_identifier_is_not_taken_for_a_copy(string id) => RefusedAsync(
        () => pfs.Files.Commits.StartAsync(new CommitOrigin(Repo, null, null, []), new CommitId(id), null, Token),
        PfsErrorKind.InvalidArgument, "cannot be the identifier of a commit");

    [Fact]
    public async Task A_copy_that_was_deleted_while_it_was_open_can_be_started_again()
    {
        CommitId id = new("0123456789ab4def0123456789abcdef");
        CommitOrigin origin = new(Repo, null, new BranchName("master"), []);
        CommitName copy = await pfs.Files.Commits.StartAsync(origin, id, null, Token);
        await pfs.PutAsync(copy, "f", "1");
        await pfs.Files.Commits.DeleteAsync(new CommitReference(copy), Token);
        Assert.Equal(copy, await pfs.Files.Commits.StartAsync(origin, id, null, Token));
        Assert.Empty(await pfs.ListAsync(copy));
    }

    private async Task<long> SizeAsync() => (await pfs.Files.Repos.InspectAsync(Repo, Token)).SizeBytes;

    private async Task<List<(string, CommitName)>> BranchesAsync() =>
        [.. (await pfs.Files.Branches.ListAsync(Repo, Token)).Select(branch => (branch.Name.Value, branch.Head))];

    private async Task<List<CommitName>> ListAsync(string? to = null, string? from = null, ulong limit = 0) =>
        await pfs.Files.CommitList
            .ListAsync(
                Repo,
                to is null ? null : new CommitReference(Repo, to),
                from is null ? null : new CommitReference(Repo, from),
                limit,
                Token)
            .Select(commit => commit.Name)
            .ToListAsync(Token);
}
