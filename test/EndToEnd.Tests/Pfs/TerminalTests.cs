using System.Text.RegularExpressions;
using Pachyderm.EndToEnd.Tests.Support;

namespace Pachyderm.EndToEnd.Tests.Pfs;

/// <summary>What pachctl shows on a terminal, which <c>script</c> makes.</summary>
public partial class TerminalTests(PfsCluster cluster) : IClassFixture<PfsCluster>
{
    [Fact]
    public async Task Transfers_of_directories_show_how_far_they_are()
    {
        Directory.CreateDirectory(cluster["tree"]);
        for (int number = 0; number < 4; number++)
        {
            byte[] content = new byte[10_000_000];
            new Random(number).NextBytes(content);
            await File.WriteAllBytesAsync(cluster[$"tree/{number}"], content, TestContext.Current.CancellationToken);
        }

        await cluster.RunAsync("create-repo", "shown");

        string put = await OnTerminalAsync("put-file", "shown", "master", "/", "-c", "-r", "-f", cluster["tree"]);
        string got = await OnTerminalAsync("get-file", "shown", "master", "/", "-r", "-o", cluster["out"]);

        Assert.Matches("Uploading [1-4] files .* MiB.* [0-9]{2}:[0-9]{2}:[0-9]{2}", put);
        Assert.Matches("Downloading [1-4] files .* MiB.* [0-9]{2}:[0-9]{2}:[0-9]{2}", got);
        (await cluster.ShellAsync($"diff -r {cluster["tree"]} {cluster["out"]}")).MustExitWith(0);
    }

    [Fact]
    public async Task The_copy_of_a_history_shows_which_commit_it_is_at()
    {
        await cluster.RunAsync("create-repo", "old");
        await cluster.RunAsync("create-repo", "copy");
        byte[] content = new byte[10_000_000];
        for (int number = 0; number < 3; number++)
        {
            new Random(number).NextBytes(content);
            await File.WriteAllBytesAsync(cluster["part"], content, TestContext.Current.CancellationToken);
            await cluster.RunAsync("put-file", "old", "master", $"/{number}", "-c", "-f", cluster["part"]);
        }

        string copied = await OnTerminalAsync("put-file", "copy", "master", "-r", "--history", "-f", $"pfs://{cluster.Server.Address}/old/master");

        Assert.Matches("Commit 3 of 3 [23] files, [0-9.]+MiB", copied);
        Assert.Contains("3 commits, 3 files, 30000000 bytes", copied, StringComparison.Ordinal);
    }

    [Fact]
    public async Task States_are_coloured_on_a_terminal_alone()
    {
        await cluster.RunAsync("create-repo", "coloured");
        await File.WriteAllTextAsync(
            cluster["coloured.json"],
            """{ "pipeline": { "name": "paint" }, "transform": { "cmd": ["true"] }, "input": { "atom": { "repo": "coloured", "glob": "/*" } } }""",
            TestContext.Current.CancellationToken);
        await cluster.RunAsync("create-pipeline", "-f", cluster["coloured.json"]);
        await cluster.RunAsync("stop-pipeline", "paint");

        PachctlResult shown = await RunOnTerminalAsync("list-pipeline");

        Assert.Contains("\e[33mpaused\e[0m", shown.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("\e", await cluster.RunAsync("list-pipeline"), StringComparison.Ordinal);
    }

    // The lines, without what controls the terminal.
    private async Task<string> OnTerminalAsync(params string[] arguments) => Control().Replace((await RunOnTerminalAsync(arguments)).Output, "");

    private async Task<PachctlResult> RunOnTerminalAsync(params string[] arguments) =>
        (await cluster.ShellAsync("export TERM=xterm-256color; exec script -qec \"$*\" /dev/null", arguments)).MustExitWith(0);

    [GeneratedRegex("\e\\[[0-9;?]*[A-Za-z]|\e=", RegexOptions.None, 1000)]
    private static partial Regex Control();
}
