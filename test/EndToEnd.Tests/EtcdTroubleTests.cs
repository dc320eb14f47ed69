using Pachyderm.EndToEnd.Tests.Support;

namespace Pachyderm.EndToEnd.Tests;

/// <summary>What happens around a migration of a live store: etcd goes away, others write, the fence is lost, signals arrive.</summary>
public class EtcdTroubleTests(UndisturbedRun undisturbed)
{
    // 259 writes: some seconds in which a test can step in.
    private const string Slow = "60";

    [Fact]
    public async Task Etcd_killed_and_started_again_in_the_middle_does_not_keep_the_migration_from_its_end()
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync();
        await cluster.MarkAsync();
        await using PachctlProcess migrate = cluster.Start(null, "migrate", "--rate-limit", Slow);
        await cluster.WaitForAsync(LiveCluster.Progress);

        await cluster.Etcd.KillAsync();
        await cluster.Etcd.RestartAsync(TestContext.Current.CancellationToken);

        (await migrate.WaitAsync()).MustExitWith(0);
        StoreState done = await cluster.ReadAsync();
        undisturbed.MustEqual(done, "etcd restarted:");
        Same.Entries(undisturbed.Before.Listings, done.Listings);
    }

    [Fact]
    public async Task Etcd_that_stays_away_ends_the_migration_which_is_resumed_when_it_is_back()
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync();
        await cluster.MarkAsync();
        await using PachctlProcess migrate = cluster.Start(null, "migrate", "--rate-limit", Slow);
        await cluster.WaitForAsync(LiveCluster.Progress);
        await cluster.Etcd.KillAsync();

        (await migrate.WaitAsync()).MustRefuse(2, cluster.Etcd.Endpoint, "pachctl migrate resume", "the backup ");

        await cluster.Etcd.RestartAsync(TestContext.Current.CancellationToken);
        Assert.False((await cluster.ReadAsync()).Holds(LiveCluster.Stamp));
        (await cluster.RunAsync("migrate", "resume")).MustExitWith(0);
        undisturbed.MustEqual(await cluster.ReadAsync(), "resumed:");
    }

    [Fact]
    public async Task A_foreign_write_to_a_record_that_waits_for_its_turn_is_found_and_never_stamped()
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync();
        string last = undisturbed.Before.Listings["pachyderm_pps/jobs"][0];
        await cluster.MarkAsync();
        await using PachctlProcess migrate = cluster.Start(null, "migrate", "--rate-limit", Slow);
        await cluster.WaitForAsync(LiveCluster.Progress);

        await cluster.PutAsync(last, StoreState.Text(undisturbed.Before.Records[last].Value));

        (await migrate.WaitAsync()).MustRefuse(2, last, "somebody else wrote it");
        Assert.False((await cluster.ReadAsync()).Holds(LiveCluster.Stamp));
        (await cluster.RunAsync("migrate", "resume")).MustRefuse(2, last);
        (await cluster.RunAsync("migrate", "undo")).MustExitWith(0);
        await MustBeAsBeforeAsync(cluster);
    }

    [Theory]
    [InlineData("changes a record that was migrated already")]
    [InlineData("removes a record that was migrated already")]
    [InlineData("adds a record")]
    [InlineData("changes a record that the migration leaves alone")]
    public async Task A_foreign_write_that_no_guard_sees_is_found_by_the_verification_and_undo_takes_it_away(string how)
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync();
        (await PachctlProcess.RunAsync(["migrate", .. cluster.Arguments], KillAt("journal.before-Ran"))).MustExitWith(PachctlResult.Killed);
        string oldest = undisturbed.Before.Listings["pachyderm_pps/jobs"][^1];
        string key = how switch
        {
            "adds a record" => "pachyderm_pps/jobs/00000000-0000-4000-8000-000000000000",
            "changes a record that the migration leaves alone" =>
                undisturbed.Before.Records.Keys.First(name => name.Contains("__index_{Provenance", StringComparison.Ordinal)),
            _ => oldest,
        };

        if (how.StartsWith("removes", StringComparison.Ordinal))
        {
            await cluster.DeleteAsync(key);
        }
        else
        {
            await cluster.PutAsync(key, StoreState.Text(undisturbed.Before.Records[oldest].Value));
        }

        PachctlResult result = (await cluster.RunAsync("migrate", "resume")).MustRefuse(2, "pachctl migrate undo");
        Assert.True(result.Complaint.Contains(key, StringComparison.Ordinal) || how.StartsWith("removes", StringComparison.Ordinal), result.Complaint);
        Assert.False((await cluster.ReadAsync()).Holds(LiveCluster.Stamp));
        PachctlResult undo = await cluster.RunAsync("migrate", "undo");
        if (undo.ExitCode != 0)
        {
            // What would be lost is told before it is.
            undo.MustRefuse(1, key, "--discard-later-writes");
            undo = await cluster.RunAsync("migrate", "undo", "--discard-later-writes");
        }

        undo.MustExitWith(0);
        await MustBeAsBeforeAsync(cluster);
    }

    [Fact]
    public async Task A_write_between_the_first_look_and_the_backup_is_found_and_nothing_is_changed()
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync();
        string key = undisturbed.Before.Listings["pachyderm_pps/jobs"][0];
        string value = StoreState.Text(undisturbed.Before.Records[key].Value).Replace("state:JOB_SUCCESS", "state:JOB_FAILURE", StringComparison.Ordinal);
        using PointGate gate = new(cluster.Workspace.Root);
        await cluster.MarkAsync();
        await using PachctlProcess migrate = cluster.Start(gate, "migrate");
        await cluster.WaitForAsync(LiveCluster.Fence);

        await cluster.PutAsync(key, value + " ");

        (await gate.OpenAsync(migrate)).MustRefuse(2, "not at rest", "the store is as it was before");
        StoreState state = await cluster.ReadAsync();
        Assert.Empty(state.MigrationKeys);
        SortedDictionary<string, string> expected = undisturbed.Before.ContentWithLeased;
        expected[key] = value + " ";
        Same.Entries(expected, state.ContentWithLeased);
    }

    [Fact]
    public async Task A_stolen_fence_stops_every_write_and_the_migration_can_be_resumed()
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync();
        await cluster.MarkAsync();
        await using PachctlProcess migrate = cluster.Start(null, "migrate", "--rate-limit", Slow);
        await cluster.WaitForAsync(LiveCluster.Progress);

        await cluster.DeleteAsync(LiveCluster.Fence);
        long revision = await cluster.RevisionAsync();

        (await migrate.WaitAsync()).MustRefuse(2, "fence", "nothing more was written", "pachctl migrate resume");
        StoreState state = await cluster.ReadAsync();
        Assert.Equal(revision, state.Revision);
        Assert.False(state.Holds(LiveCluster.Stamp));
        (await cluster.RunAsync("migrate", "resume")).MustExitWith(0);
        undisturbed.MustEqual(await cluster.ReadAsync(), "resumed:");
    }

    [Fact]
    public async Task A_fence_that_expires_while_the_process_is_frozen_stops_every_write()
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync();
        await cluster.MarkAsync();
        await using PachctlProcess migrate = cluster.Start(null, "migrate", "--rate-limit", Slow);
        await cluster.WaitForAsync(LiveCluster.Progress);

        await migrate.SignalAsync("STOP");
        await cluster.WaitForAsync(LiveCluster.Fence, deleted: true);
        long revision = await cluster.RevisionAsync();
        await migrate.SignalAsync("CONT");

        (await migrate.WaitAsync()).MustRefuse(2, "fence", "nothing more was written", "pachctl migrate resume");
        Assert.Equal(revision, await cluster.RevisionAsync());
        (await cluster.RunAsync("migrate", "resume")).MustExitWith(0);
        undisturbed.MustEqual(await cluster.ReadAsync(), "resumed:");
    }

    [Fact]
    public async Task Of_two_operators_on_one_etcd_one_wins_and_the_other_is_told_who_it_is()
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync();
        using PointGate gate = new(cluster.Workspace.Root);
        await cluster.MarkAsync();
        await using PachctlProcess first = cluster.Start(gate, "migrate");
        await cluster.WaitForAsync(LiveCluster.Fence);

        (await cluster.RunAsync("migrate")).MustRefuse(1, "holds the fence", $"process {first.ProcessId}");
        PachctlResult status = (await cluster.RunAsync("migrate", "status")).MustExitWith(0);
        Assert.Contains($"process {first.ProcessId}", status.Output, StringComparison.Ordinal);

        (await gate.OpenAsync(first)).MustExitWith(0);
        undisturbed.MustEqual(await cluster.ReadAsync(), "the winner's:");
        PachctlResult second = (await cluster.RunAsync("migrate")).MustExitWith(0);
        Assert.Contains("already at 1.5.3", second.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task While_one_operator_resumes_another_can_neither_resume_nor_undo()
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync();
        (await PachctlProcess.RunAsync(["migrate", .. cluster.Arguments], KillAt("run.after-batch"))).MustExitWith(PachctlResult.Killed);
        using PointGate gate = new(cluster.Workspace.Root);
        await cluster.MarkAsync();
        await using PachctlProcess first = cluster.Start(gate, "migrate", "resume");
        await cluster.WaitForAsync(LiveCluster.Fence);

        foreach (string verb in (string[])["resume", "undo"])
        {
            (await cluster.RunAsync("migrate", verb)).MustRefuse(1, "holds the fence", $"process {first.ProcessId}");
        }

        (await gate.OpenAsync(first)).MustExitWith(0);
        undisturbed.MustEqual(await cluster.ReadAsync(), "the winner's:");
    }

    [Fact]
    public async Task Of_two_operators_on_one_output_one_wins_and_the_other_is_told_who_it_is()
    {
        using Workspace workspace = new();
        using PointGate gate = new(workspace.Root);
        using FileAppearance fence = new(workspace.Output + ".lock.owner");
        await using PachctlProcess first = PachctlProcess.Start(["migrate", .. workspace.SnapshotArguments], gate.Environment);
        await fence.WaitAsync();

        (await PachctlProcess.RunAsync(["migrate", .. workspace.SnapshotArguments])).MustRefuse(1, workspace.Output, $"process {first.ProcessId}");

        (await gate.OpenAsync(first)).MustExitWith(0);
        undisturbed.MustEqual(await StoreState.OfSnapshotAsync(workspace.Output), "the winner's:");
    }

    [Fact]
    public async Task While_one_operator_resumes_an_output_another_can_neither_resume_nor_undo()
    {
        using Workspace workspace = new();
        (await PachctlProcess.RunAsync(["migrate", .. workspace.SnapshotArguments], KillAt("journal.after-Running"))).MustExitWith(PachctlResult.Killed);
        foreach (string left in Directory.EnumerateFiles(workspace.Root, "*.lock*"))
        {
            File.Delete(left);
        }

        using PointGate gate = new(workspace.Root);
        using FileAppearance fence = new(workspace.Output + ".lock.owner");
        await using PachctlProcess first = PachctlProcess.Start(["migrate", "resume", .. workspace.SnapshotArguments], gate.Environment);
        await fence.WaitAsync();

        foreach (string verb in (string[])["resume", "undo"])
        {
            (await PachctlProcess.RunAsync(["migrate", verb, .. workspace.SnapshotArguments])).MustRefuse(1, workspace.Output, $"process {first.ProcessId}");
        }

        (await gate.OpenAsync(first)).MustExitWith(0);
        undisturbed.MustEqual(await StoreState.OfSnapshotAsync(workspace.Output), "the winner's:");
    }

    [Theory]
    [InlineData("INT")]
    [InlineData("TERM")]
    public async Task A_signal_in_the_middle_of_a_live_migration_ends_it_cleanly_and_it_can_be_resumed(string signal)
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync();
        await cluster.MarkAsync();
        await using PachctlProcess migrate = cluster.Start(null, "migrate", "--rate-limit", Slow);
        await cluster.WaitForAsync(LiveCluster.Progress);

        await migrate.SignalAsync(signal);

        (await migrate.WaitAsync()).MustRefuse(2, "interrupted", "pachctl migrate resume", "pachctl migrate undo", "the backup ");
        StoreState state = await cluster.ReadAsync();
        Assert.False(state.Holds(LiveCluster.Stamp));
        Assert.False(state.Holds(LiveCluster.Fence));
        PachctlResult status = (await cluster.RunAsync("migrate", "status")).MustExitWith(0);
        Assert.Contains("phase Running", status.Output, StringComparison.Ordinal);
        (await cluster.RunAsync("migrate", "resume")).MustExitWith(0);
        undisturbed.MustEqual(await cluster.ReadAsync(), "resumed:");
    }

    [Theory]
    [InlineData("INT")]
    [InlineData("TERM")]
    public async Task A_signal_in_the_middle_of_a_snapshot_migration_ends_it_cleanly_and_it_can_be_resumed(string signal)
    {
        using Workspace workspace = new(Sets.Dirty);
        string[] accept = ["--accept", "open-commit", "running-job", "registered-worker"];
        (await PachctlProcess.RunAsync(["migrate", .. workspace.SnapshotArguments, .. accept], KillAt("journal.after-Running")))
            .MustExitWith(PachctlResult.Killed);
        using PointGate gate = new(workspace.Root);
        await using PachctlProcess resume = PachctlProcess.Start(["migrate", "resume", .. workspace.SnapshotArguments], gate.Environment);
        await resume.WaitForErrorsAsync("survey backup");
        await resume.SignalAsync(signal);
        await resume.WaitForErrorsAsync("interrupted");

        PachctlResult result = await gate.OpenAsync(resume);
        result.MustRefuse(2, "interrupted", "pachctl migrate resume", "pachctl migrate undo", "the backup ");
        Assert.False(File.Exists(workspace.Output));
        (await PachctlProcess.RunAsync(["migrate", "resume", .. workspace.SnapshotArguments])).MustExitWith(0);
        Assert.True(File.Exists(workspace.Output));
    }

    private static Dictionary<string, string> KillAt(string point) => new(StringComparer.Ordinal) { ["PACHYDERM_KILL_AT"] = point };

    private async Task MustBeAsBeforeAsync(LiveCluster cluster)
    {
        StoreState state = await cluster.ReadAsync();
        Assert.Empty(state.MigrationKeys);
        Same.Entries(undisturbed.Before.ContentWithLeased, state.ContentWithLeased);
        Same.Entries(undisturbed.Before.Listings, state.Listings);
    }
}
