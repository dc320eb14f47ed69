using static Pachyderm.Pfs.Tests.TestFileSystem;

namespace Pachyderm.Pfs.Tests;

public sealed class FeedTests : IAsyncLifetime
{
    private static readonly RepoName Data = new("data");
    private static readonly BranchName Master = new("master");

    private TestFileSystem pfs = null!;

    public async ValueTask InitializeAsync()
    {
        pfs = await OpenAsync();
        await pfs.CreateRepoAsync("data");
    }

    public ValueTask DisposeAsync() => pfs.DisposeAsync();

    [Fact]
    public async Task A_flush_gives_one_commit_for_each_repo_downstream_as_soon_as_it_is_started()
    {
        await pfs.CreateRepoAsync("b", "data");
        await pfs.CreateRepoAsync("c", "b");
        CommitName commit = await pfs.StartAsync("data", "master");
        Task<List<CommitName>> flushed = FlushAsync([new CommitReference(Data, "master")]);
        CommitName unrelated = await pfs.StartAsync("b");
        CommitName b = await pfs.StartAsync("b", null, null, commit);
        CommitName c = await pfs.StartAsync("c", null, null, b);
        Assert.Equal([b, c], await flushed);
        Assert.Equal([b, c], await FlushAsync([new CommitReference(commit)]));
        Assert.Equal([c], await FlushAsync([new CommitReference(commit)], "c"));
        Assert.DoesNotContain(unrelated, await flushed);
    }

    [Fact]
    public async Task A_flush_without_anything_downstream_ends_at_once()
    {
        CommitName commit = await pfs.StartAsync("data", "master");
        Assert.Empty(await FlushAsync([new CommitReference(commit)]));
        await RefusedAsync(() => FlushAsync([]), PfsErrorKind.InvalidArgument, "fromCommits cannot be empty");
        await RefusedAsync(() => FlushAsync([new CommitReference(Data, "none")]), PfsErrorKind.NotFound, "pachyderm_pfs/commits/data/ none not found");
    }

    [Fact]
    public async Task A_flush_of_several_commits_waits_for_one_that_comes_from_all()
    {
        await pfs.CreateRepoAsync("other");
        await pfs.CreateRepoAsync("b", "data", "other");
        CommitName one = await pfs.StartAsync("data");
        CommitName two = await pfs.StartAsync("other");
        Task<List<CommitName>> flushed = FlushAsync([new CommitReference(one), new CommitReference(two)]);
        await pfs.StartAsync("b", null, null, one);
        await pfs.StartAsync("b", null, null, two);
        CommitName both = await pfs.StartAsync("b", null, null, two, one);
        Assert.Equal([both], await flushed);
    }

    [Fact]
    public async Task A_flush_ends_when_what_it_waits_for_cannot_come_any_more()
    {
        await pfs.CreateRepoAsync("b", "data");
        CommitName commit = await pfs.StartAsync("data");
        Task<List<CommitName>> flushed = FlushAsync([new CommitReference(commit)]);
        await pfs.Files.Commits.DeleteAsync(new CommitReference(commit), Token);
        await RefusedAsync(() => flushed, PfsErrorKind.NotFound, "not found");
        CommitName other = await pfs.StartAsync("data");
        Task<List<CommitName>> again = FlushAsync([new CommitReference(other)]);
        await pfs.Files.Repos.DeleteAsync(new RepoName("b"), force: false, Token);
        await RefusedAsync(() => again, PfsErrorKind.NotFound, "pachyderm_pfs/repos/ b not found");
    }

    [Fact]
    public async Task A_subscription_gives_finished_commits_oldest_first_and_then_each_new_head()
    {
        CommitName first = await pfs.CommitAsync("data", "master");
        CommitName second = await pfs.CommitAsync("data", "master");
        CommitName open = await pfs.StartAsync("data", "master");
        await using IAsyncEnumerator<CommitInfo> commits = Subscribe();
        Assert.Equal(first, await NextAsync(commits));
        Assert.Equal(second, await NextAsync(commits));
        // Branches whose names begin in the same way are others.
        await pfs.CommitAsync("data", "master2");
        await pfs.CommitAsync("data", "mast");
        await pfs.FinishAsync(open);
        Assert.Equal(open, await NextAsync(commits));
        CommitName deleted = await pfs.StartAsync("data", "master");
        await pfs.Files.Commits.DeleteAsync(new CommitReference(deleted), Token);
        await pfs.Files.Branches.SetAsync(new CommitReference(first), Master, Token);
        await pfs.Files.Branches.DeleteAsync(Data, Master, Token);
        CommitName last = await pfs.CommitAsync("data", "master");
        Assert.Equal(last, await NextAsync(commits));
        await pfs.Files.Repos.DeleteAsync(Data, force: false, Token);
        await RefusedAsync(() => NextAsync(commits), PfsErrorKind.NotFound, "pachyderm_pfs/repos/ data not found");
    }

    [Fact]
    public async Task A_subscription_leaves_out_a_commit_and_its_ancestors()
    {
        await pfs.CommitAsync("data", "master");
        CommitName second = await pfs.CommitAsync("data", "master");
        CommitName third = await pfs.CommitAsync("data", "master");
        await using IAsyncEnumerator<CommitInfo> commits = Subscribe(new CommitReference(second));
        Assert.Equal(third, await NextAsync(commits));
        await RefusedAsync(
            () => Subscribe(new CommitReference(new RepoName("b"), "x")).MoveNextAsync().AsTask(), PfsErrorKind.InvalidArgument,
            "the `from` commit needs to be from repo data");
    }

    [Fact]
    public async Task A_subscription_begins_before_its_branch()
    {
        await using IAsyncEnumerator<CommitInfo> commits = Subscribe();
        ValueTask<bool> first = commits.MoveNextAsync();
        CommitName commit = await pfs.CommitAsync("data", "master");
        Assert.True(await first);
        Assert.Equal(commit, commits.Current.Name);
    }

    [Fact]
    public async Task No_commit_is_missed_or_repeated_while_many_are_made()
    {
        const int count = 200;
        Task<List<CommitName>> followed = FollowAsync();
        List<CommitName> made = [];
        for (int number = 0; number < count; number++)
        {
            made.Add(await pfs.CommitAsync("data", "master", ("f", "x")));
        }
        Assert.Equal(made, await followed);

        async Task<List<CommitName>> FollowAsync() =>
            await pfs.Files.Feed.SubscribeAsync(Data, Master, null, Token).Take(count).Select(commit => commit.Name).ToListAsync(Token);
    }

    private IAsyncEnumerator<CommitInfo> Subscribe(CommitReference? from = null) =>
        pfs.Files.Feed.SubscribeAsync(Data, Master, from, Token).GetAsyncEnumerator(Token);

    private static async Task<CommitName> NextAsync(IAsyncEnumerator<CommitInfo> commits)
    {
        Assert.True(await commits.MoveNextAsync());
        return commits.Current.Name;
    }

    private async Task<List<CommitName>> FlushAsync(IReadOnlyList<CommitReference> commits, params string[] repos) =>
        await pfs.Files.Feed.FlushAsync(commits, [.. repos.Select(repo => new RepoName(repo))], Token).Select(commit => commit.Name).ToListAsync(Token);
}
