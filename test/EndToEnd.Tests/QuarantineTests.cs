using Pachyderm.EndToEnd.Tests.Support;
using Pachyderm.Migration.Reports;
using Pachyderm.Migration.Survey;

namespace Pachyderm.EndToEnd.Tests;

/// <summary>Records that cannot be read: every one is counted, fatal by default, set aside with <c>--quarantine</c>, and never dropped.</summary>
public class QuarantineTests(UndisturbedRun undisturbed)
{
    private const string Aside = "pachyderm_migration/pachyderm_pfs/quarantine/";

    [Fact]
    public async Task Copies_of_sound_records_are_no_findings()
    {
        // Without this, the tests below would prove little.
        using Workspace workspace = new();
        IReadOnlyDictionary<string, string> copies = CorruptRecords.Sound(undisturbed.Before);
        await CorruptRecords.AddAsync(workspace.Source, workspace["more.snap"], copies);

        MigrationReport report = await CheckAsync(workspace, 0);

        Assert.DoesNotContain(report.FindingCounts, count => count.Id == "bad-record");
        Assert.InRange(copies.Count, 80, 1000);
    }

    [Fact]
    public async Task Every_field_of_every_kind_of_record_damaged_in_every_way_is_counted_and_named()
    {
        using Workspace workspace = new();
        IReadOnlyDictionary<string, string> damaged = CorruptRecords.Damaged(undisturbed.Before);
        await CorruptRecords.AddAsync(workspace.Source, workspace["more.snap"], damaged);

        MigrationReport report = await CheckAsync(workspace, 1);

        // Only so many findings of one kind are listed; all are counted.
        Assert.Equal(damaged.Count, report.FindingCounts.Single(count => count.Id == "bad-record").Count);
        HashSet<string> found = [.. report.Findings.Where(finding => finding.Id == "bad-record").Select(finding => finding.Thing)];
        string[] missed = [.. damaged.Keys.Where(key => !found.Contains(key)).Select(key => $"{key}: {damaged[key]}")];
        Assert.True(
            missed.Length == Math.Max(0, damaged.Count - FindingList.DetailLimit),
            $"{missed.Length} of {damaged.Count} damaged records were not found:\n{string.Join('\n', missed.Take(20))}");
        (await PachctlProcess.RunAsync(["migrate", "--snapshot", workspace["more.snap"], "--out", workspace.Output, "--backup", workspace.Backups]))
            .MustRefuse(1, "in the way");
        Assert.False(File.Exists(workspace.Output));
    }

    [Fact]
    public async Task Set_aside_they_are_kept_byte_for_byte_and_the_rest_is_migrated_as_ever()
    {
        using Workspace workspace = new();
        IReadOnlyDictionary<string, string> damaged = CorruptRecords.Damaged(undisturbed.Before);
        await CorruptRecords.AddAsync(workspace.Source, workspace["more.snap"], damaged);

        (await PachctlProcess.RunAsync(
            ["migrate", "--snapshot", workspace["more.snap"], "--out", workspace.Output, "--backup", workspace.Backups, "--quarantine", "--report", workspace["report.json"]]))
            .MustExitWith(0);

        await MustBeAsideAsync(await StoreState.OfSnapshotAsync(workspace.Output), damaged, workspace["report.json"]);
        (await PachctlProcess.RunAsync(
            ["migrate", "verify", "--snapshot", workspace["more.snap"], "--out", workspace.Output, "--backup", workspace.Backups])).MustExitWith(0);
    }

    [Fact]
    public async Task Set_aside_in_a_live_store_they_come_back_with_undo()
    {
        IReadOnlyDictionary<string, string> damaged = CorruptRecords.Damaged(undisturbed.Before);
        using Workspace workspace = new();
        await CorruptRecords.AddAsync(workspace.Source, workspace["more.snap"], damaged);
        await using LiveCluster cluster = await LiveCluster.StartAsync(snapshot: workspace["more.snap"]);
        StoreState before = await cluster.ReadAsync();

        (await cluster.RunAsync("migrate", "--quarantine", "--report", workspace["report.json"])).MustExitWith(0);

        await MustBeAsideAsync(await cluster.ReadAsync(), damaged, workspace["report.json"]);
        (await cluster.RunAsync("migrate", "undo")).MustExitWith(0);
        StoreState after = await cluster.ReadAsync();
        Same.Entries(before.ContentWithLeased, after.ContentWithLeased);
        Same.Entries(before.Listings, after.Listings);
        Assert.Empty(after.MigrationKeys);
    }

    [Fact]
    public async Task They_stay_aside_when_the_migration_is_made_final()
    {
        using Workspace workspace = new();
        const string Key = "pachyderm_pfs/repos/broken";
        Dictionary<string, string> damaged = new(StringComparer.Ordinal) { [Key] = "repo:<name:\"broken" };
        await CorruptRecords.AddAsync(workspace.Source, workspace["more.snap"], damaged);
        await using LiveCluster cluster = await LiveCluster.StartAsync(snapshot: workspace["more.snap"]);
        (await cluster.RunAsync("migrate", "--quarantine")).MustExitWith(0);

        (await cluster.RunAsync("migrate", "finalize")).MustExitWith(0);

        Assert.Equal(damaged[Key], StoreState.Text((await cluster.ReadAsync()).Records[Aside + Key].Value));
    }

    private static async Task<MigrationReport> CheckAsync(Workspace workspace, int exitCode)
    {
        (await PachctlProcess.RunAsync(
            ["migrate", "--check", "--snapshot", workspace["more.snap"], "--out", workspace.Output, "--backup", workspace.Backups, "--report", workspace["report.json"]]))
            .MustExitWith(exitCode);
        return await MigrationReport.ReadAsync(workspace["report.json"], TestContext.Current.CancellationToken);
    }

    private async Task MustBeAsideAsync(StoreState state, IReadOnlyDictionary<string, string> damaged, string reportFile)
    {
        Dictionary<string, string> aside = state.Records
            .Where(pair => pair.Key.StartsWith(Aside, StringComparison.Ordinal))
            .ToDictionary(pair => pair.Key[Aside.Length..], pair => StoreState.Text(pair.Value.Value), StringComparer.Ordinal);
        Same.Entries(damaged, aside, "set aside:");
        undisturbed.MustEqual(state, "the rest:");
        MigrationReport report = await MigrationReport.ReadAsync(reportFile, TestContext.Current.CancellationToken);
        FindingCount count = report.FindingCounts.Single(finding => finding.Id == "bad-record");
        Assert.Equal((damaged.Count, true), (count.Count, count.Accepted));
        Assert.Equal(
            Math.Min(damaged.Count, FindingList.DetailLimit),
            report.Findings.Where(finding => finding.Id == "bad-record").Select(finding => finding.Thing).Intersect(damaged.Keys, StringComparer.Ordinal).Count());
    }
}
