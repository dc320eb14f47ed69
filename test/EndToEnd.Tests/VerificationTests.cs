using Pachyderm.EndToEnd.Tests.Support;

namespace Pachyderm.EndToEnd.Tests;

/// <summary>Verification after the fact, the later writes that an undo would lose, and the end of the way back.</summary>
public class VerificationTests(UndisturbedRun undisturbed)
{
    [Fact]
    public async Task One_flipped_bit_in_a_record_of_any_kind_fails_the_verification_and_the_key_is_named()
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync();
        (await cluster.RunAsync("migrate", "--report", cluster.Workspace["report.json"])).MustExitWith(0);
        (await cluster.RunAsync("migrate", "verify")).MustExitWith(0);
        string[] prefixes =
        [
            "pachyderm_pfs/repos/", "pachyderm_pfs/repoRefCounts/", "pachyderm_pfs/commits/images/", "pachyderm_pfs/branches/images/", "pachyderm_pps/pipelines/",
            "pachyderm_pps/jobs/", "pachyderm_pfs/repos__index_", "pachyderm_pps/jobs__index_{Pipeline", "pachyderm_pps/jobs__index_{Input",
        ];
        foreach (string prefix in prefixes)
        {
            string key = undisturbed.After.Content.Keys.First(name => name.StartsWith(prefix, StringComparison.Ordinal));
            string value = undisturbed.After.Content[key];
            char[] flipped = value.ToCharArray();
            flipped[value.Length / 2] ^= (char)0x04;
            await cluster.PutAsync(key, new string(flipped));

            PachctlResult result = await cluster.RunAsync("migrate", "verify");

            result.MustRefuse(2, key);
            (await cluster.RunAsync("migrate", "verify", "--report", cluster.Workspace["report.json"])).MustExitWith(2);
            await cluster.PutAsync(key, value);
        }

        (await cluster.RunAsync("migrate", "verify")).MustExitWith(0);
    }

    [Fact]
    public async Task A_missing_and_an_additional_record_fail_the_verification()
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync();
        (await cluster.RunAsync("migrate")).MustExitWith(0);
        string key = undisturbed.After.Content.Keys.First(name => name.StartsWith("pachyderm_pfs/repoRefCounts/", StringComparison.Ordinal));

        await cluster.DeleteAsync(key);
        (await cluster.RunAsync("migrate", "verify")).MustRefuse(2, "missing");
        await cluster.PutAsync(key, undisturbed.After.Content[key]);
        (await cluster.RunAsync("migrate", "verify")).MustExitWith(0);

        await cluster.PutAsync("pachyderm_pfs/repoRefCounts/new", "0");
        (await cluster.RunAsync("migrate", "verify")).MustRefuse(2, "pachyderm_pfs/repoRefCounts/new");
    }

    [Fact]
    public async Task A_report_verifies_an_untouched_store_even_after_the_migration_is_final_and_no_other()
    {
        using Workspace workspace = new();
        string report = workspace["report.json"];
        (await PachctlProcess.RunAsync(["migrate", .. workspace.SnapshotArguments, "--report", report])).MustExitWith(0);
        (await PachctlProcess.RunAsync(["migrate", "verify", .. workspace.SnapshotArguments, "--report", report])).MustExitWith(0);
        await using LiveCluster cluster = await LiveCluster.StartAsync(snapshot: workspace.Output);
        string[] verify = ["migrate", "verify", "--report", report];

        (await cluster.RunAsync(verify)).MustExitWith(0);

        string branch = undisturbed.After.Content.Keys.First(name => name.StartsWith("pachyderm_pfs/branches/", StringComparison.Ordinal));
        await cluster.DeleteAsync(branch);
        (await cluster.RunAsync(verify)).MustRefuse(2, "Branch", "29 records", "28");
        await File.WriteAllTextAsync(report, "{}", TestContext.Current.CancellationToken);
        (await cluster.RunAsync(verify)).MustRefuse(1, report);
        (await cluster.RunAsync("migrate", "verify")).MustRefuse(1, "--report");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Made_final_a_migration_can_be_neither_undone_nor_resumed(bool live)
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync();
        string[] store = live ? cluster.Arguments : cluster.Workspace.SnapshotArguments;
        string report = cluster.Workspace["report.json"];
        (await PachctlProcess.RunAsync(["migrate", .. store, "--report", report])).MustExitWith(0);

        (await PachctlProcess.RunAsync(["migrate", "finalize", .. store])).MustExitWith(0);

        (await PachctlProcess.RunAsync(["migrate", "undo", .. store])).MustRefuse(1, "no migration");
        (await PachctlProcess.RunAsync(["migrate", "resume", .. store])).MustRefuse(1, "no migration");
        (await PachctlProcess.RunAsync(["migrate", "finalize", .. store])).MustRefuse(1, "no migration");
        (await PachctlProcess.RunAsync(["migrate", "verify", .. store, "--report", report])).MustExitWith(0);
        PachctlResult again = (await PachctlProcess.RunAsync(["migrate", .. store])).MustExitWith(0);
        Assert.Contains("already at 1.5.3", again.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_migration_that_is_not_done_cannot_be_made_final()
    {
        using Workspace workspace = new();
        (await PachctlProcess.RunAsync(
            ["migrate", .. workspace.SnapshotArguments],
            new Dictionary<string, string>(StringComparer.Ordinal) { ["PACHYDERM_KILL_AT"] = "journal.after-Verified" })).MustExitWith(PachctlResult.Killed);

        (await PachctlProcess.RunAsync(["migrate", "finalize", .. workspace.SnapshotArguments])).MustRefuse(1, "Verified");

        (await PachctlProcess.RunAsync(["migrate", "undo", .. workspace.SnapshotArguments])).MustExitWith(0);
    }

    [Fact]
    public async Task What_was_written_after_the_migration_is_listed_before_undo_discards_it()
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync();
        (await cluster.RunAsync("migrate")).MustExitWith(0);
        string changed = undisturbed.After.Content.Keys.First(name => name.StartsWith("pachyderm_pfs/repos/", StringComparison.Ordinal));
        string deleted = undisturbed.After.Content.Keys.First(name => name.StartsWith("pachyderm_pfs/branches/", StringComparison.Ordinal));
        const string Created = "pachyderm_pfs/repos/made-by-1.5";
        await cluster.PutAsync(changed, undisturbed.After.Content[changed]);
        await cluster.DeleteAsync(deleted);
        await cluster.PutAsync(Created, "\n\r\n\vmade-by-1.5");
        StoreState later = await cluster.ReadAsync();

        PachctlResult refused = (await cluster.RunAsync("migrate", "undo")).MustExitWith(1);

        foreach (string key in (string[])[changed, deleted, Created])
        {
            Assert.Contains(key, refused.Output + refused.Errors, StringComparison.Ordinal);
        }

        Same.Entries(later.ContentWithLeased, (await cluster.ReadAsync()).ContentWithLeased);
        (await cluster.RunAsync("migrate", "undo", "--discard-later-writes")).MustExitWith(0);
        StoreState state = await cluster.ReadAsync();
        Same.Entries(undisturbed.Before.ContentWithLeased, state.ContentWithLeased);
        Same.Entries(undisturbed.Before.Listings, state.Listings);
        Assert.Empty(state.MigrationKeys);
        string kept = string.Join('\n', Directory.EnumerateFiles(Path.Combine(cluster.Workspace.Backups, "work"), "*", SearchOption.AllDirectories).Select(File.ReadAllText));
        Assert.Contains(Convert.ToBase64String(StoreState.Bytes(Created)), kept, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_live_store_and_a_snapshot_of_it_come_to_the_same_digests()
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync();
        (await cluster.RunAsync("migrate")).MustExitWith(0);

        StoreState live = await cluster.ReadAsync();

        undisturbed.MustEqual(live, "live:");
        Same.Entries(undisturbed.After.Listings, live.Listings);
        Same.Entries(undisturbed.Before.Listings, live.Listings);
    }

    [Fact]
    public async Task The_backup_of_a_live_migration_restores_to_what_was_there()
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync();
        StoreState before = await cluster.ReadAsync();
        (await cluster.RunAsync("migrate")).MustExitWith(0);
        PachctlResult list = (await PachctlProcess.RunAsync(["backup", "list", "--backup", cluster.Workspace.Backups])).MustExitWith(0);
        string name = list.Output.Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries).First(word => word.Contains("-before-1.5.3-", StringComparison.Ordinal));

        (await PachctlProcess.RunAsync(["backup", "verify", "--backup", cluster.Workspace.Backups, name])).MustExitWith(0);
        (await PachctlProcess.RunAsync(
            ["backup", "restore", "--backup", cluster.Workspace.Backups, name, "--snapshot", cluster.Workspace["restored.snap"]])).MustExitWith(0);

        Same.Entries(before.Content, (await StoreState.OfSnapshotAsync(cluster.Workspace["restored.snap"])).Content);
    }
}
