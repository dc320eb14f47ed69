using Pachyderm.EndToEnd.Tests.Support;

namespace Pachyderm.EndToEnd.Tests.Pfs;

/// <summary>What a user does with repos and branches, by pachctl and a real pachd.</summary>
public class RepoScenarioTests(PfsCluster cluster) : IClassFixture<PfsCluster>
{
    [Fact]
    public async Task Repos_are_made_listed_described_and_deleted()
    {
        await cluster.RunAsync("create-repo", "first", "-d", "the <first> & best");
        await cluster.RunAsync("create-repo", "second");

        Assert.StartsWith("second first", await cluster.NamesAsync("list-repo"), StringComparison.Ordinal);
        Assert.StartsWith("Name: first\nDescription: the <first> & best\nCreated: ", await cluster.RunAsync("inspect-repo", "first"), StringComparison.Ordinal);
        await cluster.RefusesAsync("already exists", "create-repo", "first");
        await cluster.RefusesAsync("repo name (a b) invalid", "create-repo", "a b");
        await cluster.RefusesAsync("not found", "inspect-repo", "third");

        await cluster.RunAsync("delete-repo", "first");
        await cluster.RefusesAsync("not found", "delete-repo", "first");
        await cluster.RunAsync("delete-repo", "second", "-f");
        // Other tests of this class have repos, too.
        string left = await cluster.NamesAsync("list-repo");
        Assert.DoesNotContain(left.Split(' '), name => name is "first" or "second");
    }

    [Fact]
    public async Task Branches_are_forked_moved_and_deleted()
    {
        await cluster.RunAsync("create-repo", "branches");
        (await cluster.ShellAsync("printf 1 | \"$@\"", "put-file", "branches", "master", "/a", "-c")).MustExitWith(0);
        string fork = (await cluster.RunAsync("start-commit", "branches", "fork", "-p", "master")).Trim();
        (await cluster.ShellAsync("printf 2 | \"$@\"", "put-file", "branches", "fork", "/b")).MustExitWith(0);
        await cluster.RunAsync("finish-commit", "branches", "fork");

        Assert.Equal("/a /b", await cluster.NamesAsync("list-file", "branches", fork));
        Assert.Equal("/a", await cluster.NamesAsync("list-file", "branches", "master"));

        await cluster.RunAsync("set-branch", "branches", "fork", "master");
        Assert.Equal("/a /b", await cluster.NamesAsync("list-file", "branches", "master"));
        await cluster.RunAsync("delete-branch", "branches", "fork");
        Assert.Equal("master", await cluster.NamesAsync("list-branch", "branches"));
        await cluster.RefusesAsync("not found", "delete-branch", "branches", "fork");
        await cluster.RunAsync("delete-repo", "branches");
    }

    [Fact]
    public async Task Versions_of_both_sides_are_told()
    {
        string[] lines = (await cluster.RunAsync("version")).Split('\n');

        Assert.Equal($"{"COMPONENT",-20}{"VERSION",-20}", lines[0]);
        Assert.StartsWith("pachctl ", lines[1], StringComparison.Ordinal);
        Assert.StartsWith("pachd ", lines[2], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_server_one_line_says_so_and_what_to_do()
    {
        PachctlResult result = (await cluster.TryAsync("list-repo", "--address", "127.0.0.1:1")).MustExitWith(1);

        Assert.Equal("pachctl: 127.0.0.1:1: nothing listens there; start pachd, or name another address with --address or ADDRESS\n", result.Errors);
        Assert.Contains("(version unknown)", (await cluster.TryAsync("version", "--address", "127.0.0.1:1")).MustExitWith(1).Errors, StringComparison.Ordinal);
    }
}
