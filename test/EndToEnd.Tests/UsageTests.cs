using Pachyderm.EndToEnd.Tests.Support;

namespace Pachyderm.EndToEnd.Tests;

/// <summary>The contract of exit codes, as scripts see it.</summary>
public class UsageTests
{
    [Theory]
    [InlineData("")]
    [InlineData("frobnicate")]
    [InlineData("migrate")]
    [InlineData("migrate --check")]
    [InlineData("migrate --snapshot a --etcd b:1")]
    [InlineData("migrate --etcd a:1 --namespace b")]
    [InlineData("migrate --etcd a:1 --out b")]
    [InlineData("migrate --snapshot")]
    [InlineData("migrate --snapshot a --from yesterday")]
    [InlineData("migrate --snapshot a --to 1.5")]
    [InlineData("migrate --snapshot a --to 1.5.x")]
    [InlineData("migrate --snapshot a --accept everything")]
    [InlineData("migrate --etcd a:1 --rate-limit 0")]
    [InlineData("migrate --etcd a:1 --rate-limit -5")]
    [InlineData("migrate --etcd a:1 --rate-limit fast")]
    [InlineData("migrate --snapshot a --rate-limit 5")]
    [InlineData("migrate resume --etcd a:1 --rate-limit 0")]
    [InlineData("migrate resume --snapshot a --rate-limit 5")]
    [InlineData("migrate --snapshot a --no-such-option")]
    [InlineData("migrate --snapshot a extra")]
    [InlineData("migrate --check --dry-run --snapshot a")]
    [InlineData("migrate undo")]
    [InlineData("migrate resume --from 1.4.8 --snapshot a")]
    [InlineData("migrate status")]
    [InlineData("migrate finalize")]
    [InlineData("migrate verify")]
    [InlineData("backup")]
    [InlineData("backup create")]
    [InlineData("backup list")]
    [InlineData("backup verify")]
    [InlineData("backup restore")]
    public async Task Wrong_usage_is_3_with_a_line_on_standard_error_and_nothing_on_standard_output(string line)
    {
        PachctlResult result = (await PachctlProcess.RunAsync(line.Split(' ', StringSplitOptions.RemoveEmptyEntries))).MustExitWith(3);

        Assert.NotEmpty(result.Complaints);
        Assert.Contains("--help", result.Errors, StringComparison.Ordinal);
        Assert.Empty(result.Output);
    }

    [Theory]
    [InlineData("--help")]
    [InlineData("migrate --help")]
    [InlineData("migrate undo --help")]
    [InlineData("backup --help")]
    [InlineData("version --client-only")]
    public async Task What_was_asked_for_is_0_and_goes_to_standard_output(string line)
    {
        PachctlResult result = (await PachctlProcess.RunAsync(line.Split(' '))).MustExitWith(0);

        Assert.NotEmpty(result.Output);
        Assert.Empty(result.Errors);
    }

    [Fact]
    public async Task Raw_output_is_the_report_as_json_and_nothing_else()
    {
        using Workspace workspace = new();

        foreach ((string mode, string outcome) in ((string, string)[])[("--check", "ready"), ("--dry-run", "ready"), ("--yes", "done"), ("--yes", "nothing-to-do")])
        {
            PachctlResult result = (await PachctlProcess.RunAsync(["migrate", mode, "--raw", .. workspace.SnapshotArguments])).MustExitWith(0);
            using var json = System.Text.Json.JsonDocument.Parse(result.Output);
            Assert.Equal(outcome, json.RootElement.GetProperty("result").GetString());
        }
    }

    [Fact]
    public async Task The_report_holds_inventory_versions_plan_and_timings()
    {
        using Workspace workspace = new();
        string path = workspace["report.json"];
        (await PachctlProcess.RunAsync(["migrate", "--from", "1.4.8", "--to", "1.5.0", .. workspace.SnapshotArguments, "--report", path])).MustExitWith(0);

        var report = await Migration.Reports.MigrationReport.ReadAsync(path, TestContext.Current.CancellationToken);

        Assert.Equal(("migrate", "done", "1.4.8", "1.5.0"), (report.Action, report.Result, report.From, report.To));
        Assert.NotNull(report.Before);
        Assert.NotNull(report.After);
        Assert.Equal(report.Before.Kinds["Commit"].Count, report.After.Kinds["Commit"].Count);
        Assert.Equal(28, report.After.Repos!.Count);
        Assert.Equal(68, report.After.Repos.Values.Sum(repo => repo.Commits));
        Assert.Single(report.Path);
        Assert.NotNull(report.Backup);
        Assert.NotNull(report.BackupSha256);
        Assert.NotNull(report.PlanDigest);
        Assert.True(report.Ended > report.Started);
        Assert.True(report.Seconds.ContainsKey("migrate"));
        Assert.True(report.Seconds.ContainsKey("verify"));
        Assert.Equal(192, report.Changes["re-encoded from text to binary"]);
    }
}
