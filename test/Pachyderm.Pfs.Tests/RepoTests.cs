using static Pachyderm.Pfs.Tests.TestFileSystem;

namespace Pachyderm.Pfs.Tests;

public sealed class RepoTests : IAsyncLifetime
{
    private TestFileSystem pfs = null!;

    public async ValueTask InitializeAsync() => pfs = await OpenAsync();

    public ValueTask DisposeAsync() => pfs.DisposeAsync();

    [Theory]
    [InlineData("")]
    [InlineData("a.b")]
    [InlineData("a:b")]
    [InlineData("a/b")]
    [InlineData("a,b")]
    [InlineData("a#b")]
    [InlineData("größe")]
    public Task A_name_with_other_than_letters_digits_underscores_and_dashes_is_refused(string name) =>
        RefusedAsync(() => pfs.CreateRepoAsync(name), PfsErrorKind.InvalidArgument, $"repo name ({name}) invalid: only alphanumeric characters, underscores, and dashes are allowed");

    [Fact]
    public async Task A_repo_can_be_inspected_after_it_was_created()
    {
        await pfs.Files.Repos.CreateAsync(new RepoName("A-b_3"), [], "what it is for", Token);
        RepoInfo repo = await pfs.Files.Repos.InspectAsync(new RepoName("A-b_3"), Token);
        Assert.Equal(new RepoName("A-b_3"), repo.Name);
        Assert.Equal("what it is for", repo.Description);
        Assert.Equal(0, repo.SizeBytes);
        Assert.Empty(repo.Provenance);
    }

    [Fact]
    public async Task Of_many_creations_of_one_name_one_succeeds()
    {
        Task[] calls = [.. Enumerable.Range(0, 20).Select(_ => pfs.CreateRepoAsync("one"))];
        await SettledAsync(calls);
        Assert.Equal(1, calls.Count(call => call.IsCompletedSuccessfully));
        await RefusedAsync(() => pfs.CreateRepoAsync("one"), PfsErrorKind.AlreadyExists, "pachyderm_pfs/repoRefCounts/ one already exists");
    }

    [Fact]
    public async Task Provenance_is_closed_over_what_the_given_repos_come_from()
    {
        await pfs.CreateRepoAsync("a");
        await pfs.CreateRepoAsync("b", "a");
        await pfs.CreateRepoAsync("c", "b");
        Assert.Equal(["b", "a"], (await pfs.Files.Repos.InspectAsync(new RepoName("c"), Token)).Provenance.Select(name => name.Value));
        await RefusedAsync(() => pfs.CreateRepoAsync("d", "b", "missing"), PfsErrorKind.NotFound, "pachyderm_pfs/repos/ missing not found");
        Assert.Equal(3, (await pfs.Files.Repos.ListAsync([], Token)).Count);
    }

    [Fact]
    public async Task Repos_are_listed_last_changed_first_and_by_provenance()
    {
        foreach (int number in Enumerable.Range(0, 4))
        {
            await pfs.CreateRepoAsync($"r{number}");
        }
        Assert.Equal(["r3", "r2", "r1", "r0"], await NamesAsync());
        await pfs.CommitAsync("r1", "master");
        Assert.Equal(["r1", "r3", "r2", "r0"], await NamesAsync());
        await pfs.CreateRepoAsync("x", "r0", "r1");
        await pfs.CreateRepoAsync("y", "r0");
        Assert.Equal(["y", "x"], await NamesAsync("r0"));
        Assert.Equal(["x"], await NamesAsync("r0", "r1"));
        await RefusedAsync(() => NamesAsync("missing"), PfsErrorKind.NotFound, "missing not found");
    }

    [Fact]
    public async Task A_repo_that_others_come_from_is_deleted_only_by_force()
    {
        await pfs.CreateRepoAsync("a");
        await pfs.CreateRepoAsync("b", "a");
        RepoName a = new("a");
        await RefusedAsync(() => pfs.Files.Repos.DeleteAsync(a, force: false, Token), PfsErrorKind.FailedPrecondition, "cannot delete the provenance of other repos");
        await pfs.Files.Repos.DeleteAsync(a, force: true, Token);
        Assert.Equal(["a"], (await pfs.Files.Repos.InspectAsync(new RepoName("b"), Token)).Provenance.Select(name => name.Value));
        await pfs.Files.Repos.DeleteAsync(new RepoName("b"), force: false, Token);
        await RefusedAsync(() => pfs.Files.Repos.DeleteAsync(a, force: false, Token), PfsErrorKind.NotFound, "pachyderm_pfs/repoRefCounts/ a not found");
        await RefusedAsync(() => pfs.Files.Repos.DeleteAsync(a, force: true, Token), PfsErrorKind.NotFound, "pachyderm_pfs/repos/ a not found");
    }

    [Fact]
    public async Task A_repo_created_again_has_no_commits()
    {
        await pfs.CreateRepoAsync("a");
        await pfs.CommitAsync("a", "master", ("f", "1"));
        await pfs.Files.Repos.DeleteAsync(new RepoName("a"), force: false, Token);
        await pfs.CreateRepoAsync("a");
        Assert.Empty(await pfs.Files.CommitList.ListAsync(new RepoName("a"), null, null, 0, Token).ToListAsync(Token));
        Assert.Empty(await pfs.Files.Branches.ListAsync(new RepoName("a"), Token));
    }

    [Fact]
    public async Task An_update_of_provenance_reaches_the_repos_downstream()
    {
        await pfs.CreateRepoAsync("prov1");
        await pfs.CreateRepoAsync("prov2");
        await pfs.CreateRepoAsync("prov3");
        await pfs.CreateRepoAsync("repo", "prov1", "prov2");
        await pfs.CreateRepoAsync("down1", "repo");
        await pfs.CreateRepoAsync("down2", "repo");
        await pfs.Files.Repos.UpdateAsync(new RepoName("repo"), [new("prov2"), new("prov3")], "new", Token);
        Assert.Equal(["prov2", "prov3"], await ProvenanceAsync("repo"));
        Assert.Equal(["prov2", "prov3", "repo"], await ProvenanceAsync("down1"));
        Assert.Equal(["prov2", "prov3", "repo"], await ProvenanceAsync("down2"));
        await pfs.Files.Repos.DeleteAsync(new RepoName("prov1"), force: false, Token);
        await RefusedAsync(
            () => pfs.Files.Repos.DeleteAsync(new RepoName("prov3"), force: false, Token), PfsErrorKind.FailedPrecondition, "cannot delete the provenance");
        await RefusedAsync(
            () => pfs.Files.Repos.UpdateAsync(new RepoName("missing"), [], "", Token), PfsErrorKind.NotFound, "pachyderm_pfs/repos/ missing not found");
        await RefusedAsync(
            () => pfs.Files.Repos.UpdateAsync(new RepoName("repo"), [new("down1")], "", Token), PfsErrorKind.InvalidArgument, "comes from repo");
    }

    [Fact]
    public async Task Everything_can_be_deleted()
    {
        await pfs.CreateRepoAsync("a");
        await pfs.CreateRepoAsync("b", "a");
        await pfs.Files.Repos.DeleteAllAsync(Token);
        Assert.Empty(await NamesAsync());
    }

    private async Task<IReadOnlyList<string>> NamesAsync(params string[] provenance) =>
        [.. (await pfs.Files.Repos.ListAsync([.. provenance.Select(name => new RepoName(name))], Token)).Select(repo => repo.Name.Value)];

    private async Task<IReadOnlyList<string>> ProvenanceAsync(string repo) =>
        [.. (await pfs.Files.Repos.InspectAsync(new RepoName(repo), Token)).Provenance.Select(name => name.Value).Order(StringComparer.Ordinal)];
}
