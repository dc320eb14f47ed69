using Pachyderm.EndToEnd.Tests.Support;
using Pachyderm.Formats.V1_5;
using Pachyderm.Migration.Reports;
using File = System.IO.File;

namespace Pachyderm.EndToEnd.Tests;

/// <summary>A cluster that is not at rest: everything in the way is told at once, and what may be accepted is carried as it is.</summary>
public class DirtyClusterTests
{
    private static readonly string[] Accept = ["--accept", "open-commit", "--accept", "running-job", "--accept", "registered-worker"];

    [Fact]
    public async Task A_check_lists_all_blockers_at_once_each_with_key_reason_and_remedy()
    {
        using Workspace workspace = new(Sets.Dirty);

        PachctlResult result = (await PachctlProcess.RunAsync(
            ["migrate", "--check", .. workspace.SnapshotArguments, "--report", workspace["report.json"]])).MustExitWith(1);

        MigrationReport report = await MigrationReport.ReadAsync(workspace["report.json"], TestContext.Current.CancellationToken);
        Assert.Equal("blocked", report.Result);
        Assert.Equal(
            [("open-commit", 2L), ("registered-worker", 18L), ("running-job", 1L)],
            report.FindingCounts.Where(count => count.Severity == Migration.Survey.FindingSeverity.Blocker).Select(count => (count.Id, count.Count)).Order());
        Assert.Equal(21, report.Findings.Count(finding => finding.Severity == Migration.Survey.FindingSeverity.Blocker));
        foreach (Migration.Survey.Finding finding in report.Findings)
        {
            Assert.Contains(finding.Thing, result.Output, StringComparison.Ordinal);
            Assert.Contains(finding.Problem, result.Output, StringComparison.Ordinal);
            Assert.NotEmpty(finding.Remedy);
            Assert.Contains(finding.Remedy, result.Output, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("open-commit", "running-job")]
    [InlineData("open-commit", "registered-worker")]
    [InlineData("running-job", "registered-worker")]
    public async Task What_was_not_accepted_still_blocks(string first, string second)
    {
        using Workspace workspace = new(Sets.Dirty);

        (await PachctlProcess.RunAsync(["migrate", .. workspace.SnapshotArguments, "--accept", first, "--accept", second])).MustRefuse(1, "in the way");

        Assert.False(File.Exists(workspace.Output));
        Assert.False(Directory.Exists(workspace.Backups));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Accepted_it_is_carried_with_its_open_commits_their_writes_and_its_workers(bool live)
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync(Sets.Dirty);
        StoreState before = await StoreState.OfSnapshotAsync(cluster.Workspace.Source);
        string[] store = live ? cluster.Arguments : cluster.Workspace.SnapshotArguments;

        (await PachctlProcess.RunAsync(["migrate", .. store, .. Accept])).MustExitWith(0);

        StoreState after = live ? await cluster.ReadAsync() : await StoreState.OfSnapshotAsync(cluster.Workspace.Output);
        string[] entries = [.. after.Records.Keys.Where(key => key.StartsWith("pachyderm_pfs/openCommits/", StringComparison.Ordinal))];
        Assert.Equal(2, entries.Length);
        List<string> repos = [];
        foreach (string entry in entries)
        {
            // What FinishCommit and PutFile of 1.5 look for: the entry of the commit's id, which decodes to the commit.
            Commit commit = Commit.Parser.ParseFrom(after.Records[entry].Value.Span);
            Assert.Equal(entry["pachyderm_pfs/openCommits/".Length..], commit.Id.ToStringUtf8());
            string key = $"pachyderm_pfs/commits/{commit.Repo.Name.ToStringUtf8()}/{commit.Id.ToStringUtf8()}";
            CommitInfo info = CommitInfo.Parser.ParseFrom(after.Records[key].Value.Span);
            Assert.Equal(commit, info.Commit);
            Assert.Null(info.Finished);
            repos.Add(commit.Repo.Name.ToStringUtf8());
        }

        Assert.Equal(["images", "json"], repos.Order(StringComparer.Ordinal));
        Assert.Equal(3, Keys(before, "pachyderm_pfs/scratch").Count());
        foreach (string key in Keys(before, "pachyderm_pfs/scratch"))
        {
            Assert.Equal(StoreState.Text(before.Records[key].Value), StoreState.Text(after.Records[key].Value));
        }

        Same.Entries(before.Listings, after.Listings);
        if (!live)
        {
            // A restored etcd counts the leases of workers down; a file does not.
            foreach (string key in Keys(before, "pachyderm_pps/workers/"))
            {
                Assert.Equal(StoreState.Text(before.Records[key].Value), StoreState.Text(after.Records[key].Value));
            }
        }
    }

    [Fact]
    public async Task The_snapshot_and_the_live_store_come_to_the_same_records()
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync(Sets.Dirty);
        (await cluster.RunAsync(["migrate", .. Accept])).MustExitWith(0);
        (await PachctlProcess.RunAsync(
            ["migrate", "--snapshot", cluster.Workspace.Source, "--out", cluster.Workspace.Output, "--backup", cluster.Workspace["other"], .. Accept])).MustExitWith(0);

        Same.Entries((await StoreState.OfSnapshotAsync(cluster.Workspace.Output)).Content, (await cluster.ReadAsync()).Content);

        (await cluster.RunAsync("migrate", "undo")).MustExitWith(0);
        Same.Entries((await StoreState.OfSnapshotAsync(cluster.Workspace.Source)).Content, (await cluster.ReadAsync()).Content);
    }

    private static IEnumerable<string> Keys(StoreState state, string prefix) =>
        state.Records.Keys.Where(key => key.StartsWith(prefix, StringComparison.Ordinal));
}
