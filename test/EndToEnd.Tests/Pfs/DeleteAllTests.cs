using Pachyderm.EndToEnd.Tests.Support;

namespace Pachyderm.EndToEnd.Tests.Pfs;

/// <summary>The command that deletes everything, on a server of its own.</summary>
public class DeleteAllTests(PfsCluster cluster) : IClassFixture<PfsCluster>
{
    [Fact]
    public async Task Everything_is_deleted_only_after_a_yes()
    {
        await cluster.RunAsync("create-repo", "kept");
        (await cluster.ShellAsync("echo n | \"$@\"", "delete-all")).MustExitWith(0);
        PachctlResult unanswered = (await cluster.ShellAsync("\"$@\" < /dev/null", "delete-all")).MustExitWith(1);
        Assert.Contains("EOF", unanswered.Complaint, StringComparison.Ordinal);
        Assert.Equal("kept", await cluster.NamesAsync("list-repo"));

        PachctlResult yes = (await cluster.ShellAsync("yes | \"$@\"", "delete-all")).MustExitWith(0);
        Assert.Contains("Are you sure you want to delete all repos, commits, files, pipelines and jobs? yN", yes.Output, StringComparison.Ordinal);
        Assert.Empty(await cluster.NamesAsync("list-repo"));

        await cluster.RunAsync("create-repo", "gone");
        await cluster.RunAsync("delete-all", "--yes");
        Assert.Empty(await cluster.NamesAsync("list-repo"));
    }
}
