using Pachyderm.EndToEnd.Tests.Support;

namespace Pachyderm.EndToEnd.Tests;

/// <summary>pachctl killed with SIGKILL at every point of a migration from snapshot to snapshot.</summary>
public class SnapshotCrashTests(UndisturbedRun undisturbed)
{
    [Fact]
    public Task Killed_at_any_point_the_same_command_comes_to_the_same_records() =>
        CrashMatrix.RunAsync(undisturbed.Points, stride: 1, async (point, because) =>
        {
            using Workspace workspace = new(withStorage: true);
            string[] migrate = ["migrate", .. workspace.SnapshotArguments, "--storage", workspace.Storage];
            (await PachctlProcess.RunKilledAtAsync(point, migrate)).MustExitWith(PachctlResult.Killed);

            (await PachctlProcess.RunAsync(migrate)).MustExitWith(0);

            await MustBeDoneAsync(workspace, because);
        });

    [Fact]
    public Task Killed_again_while_it_goes_on_it_still_comes_to_the_same_records() =>
        CrashMatrix.RunAsync(undisturbed.Points, stride: 6, async (point, because) =>
        {
            using Workspace workspace = new(withStorage: true);
            string[] migrate = ["migrate", .. workspace.SnapshotArguments, "--storage", workspace.Storage];
            (await PachctlProcess.RunKilledAtAsync(point, migrate)).MustExitWith(PachctlResult.Killed);
            int second = 1;
            PachctlResult again = await PachctlProcess.RunKilledAtAsync(second, migrate);
            while (again.ExitCode == PachctlResult.Killed)
            {
                // One step further than the one before each time, until nothing is left to be killed at.
                second += 3;
                Assert.InRange(second, 2, undisturbed.Points.Count + 4);
                again = await PachctlProcess.RunKilledAtAsync(second, migrate);
            }

            again.MustExitWith(0);

            await MustBeDoneAsync(workspace, because);
        });

    [Fact]
    public Task Killed_at_any_point_undo_leaves_no_output_and_every_byte_as_before() =>
        CrashMatrix.RunAsync(undisturbed.Points, stride: 1, async (point, because) =>
        {
            using Workspace workspace = new(withStorage: true);
            string source = Workspace.Stamp(workspace.Source);
            (await PachctlProcess.RunKilledAtAsync(point, ["migrate", .. workspace.SnapshotArguments, "--storage", workspace.Storage])).MustExitWith(PachctlResult.Killed);
            bool isJournaled = File.Exists(workspace.Output + ".migration.json");

            PachctlResult undo = await PachctlProcess.RunAsync(["migrate", "undo", .. workspace.SnapshotArguments]);

            if (isJournaled)
            {
                undo.MustExitWith(0);
            }
            else
            {
                undo.MustRefuse(1, "no migration");
            }

            MustBeAsBefore(workspace, source, because);
        });

    [Fact]
    public async Task An_undo_killed_at_any_point_is_finished_by_the_next()
    {
        IReadOnlyList<string> points;
        using (Workspace workspace = new(withStorage: true))
        {
            (await PachctlProcess.RunAsync(["migrate", .. workspace.SnapshotArguments, "--storage", workspace.Storage])).MustExitWith(0);
            (PachctlResult undone, points) = await PachctlProcess.RunTracedAsync(["migrate", "undo", .. workspace.SnapshotArguments]);
            undone.MustExitWith(0);
        }

        await CrashMatrix.RunAsync(points, stride: 1, async (point, because) =>
        {
            using Workspace workspace = new(withStorage: true);
            string source = Workspace.Stamp(workspace.Source);
            (await PachctlProcess.RunAsync(["migrate", .. workspace.SnapshotArguments, "--storage", workspace.Storage])).MustExitWith(0);
            string[] undo = ["migrate", "undo", .. workspace.SnapshotArguments];
            (await PachctlProcess.RunKilledAtAsync(point, undo)).MustExitWith(PachctlResult.Killed);

            (await PachctlProcess.RunAsync(undo)).MustExitWith(0);

            MustBeAsBefore(workspace, source, because);
        });
    }

    [Fact]
    public async Task A_migration_is_neither_resumed_nor_begun_anew_while_an_undo_of_it_is_half_done()
    {
        using Workspace workspace = new();
        (await PachctlProcess.RunAsync(["migrate", .. workspace.SnapshotArguments])).MustExitWith(0);
        (await PachctlProcess.RunAsync(
            ["migrate", "undo", .. workspace.SnapshotArguments],
            new Dictionary<string, string>(StringComparer.Ordinal) { ["PACHYDERM_KILL_AT"] = "journal.after-Undoing" })).MustExitWith(PachctlResult.Killed);

        (await PachctlProcess.RunAsync(["migrate", "resume", .. workspace.SnapshotArguments])).MustRefuse(1, "undo");
        (await PachctlProcess.RunAsync(["migrate", .. workspace.SnapshotArguments])).MustRefuse(1, "undo");
    }

    private async Task MustBeDoneAsync(Workspace workspace, string because)
    {
        StoreState state = await StoreState.OfSnapshotAsync(workspace.Output);
        undisturbed.MustEqual(state, because);
        Same.Entries(Revisions(undisturbed.After), Revisions(state), because);
        Same.Entries(undisturbed.StorageAfter, Workspace.FilesOf(workspace.Storage), because);
        Assert.Equal(Workspace.Hash(Sets.Snapshot(Sets.Small)), Workspace.Hash(workspace.Source));
        Assert.Equal($"{because} backups etcd.snap migrated.snap migrated.snap.migration.json", $"{because} {string.Join(' ', Names(workspace))}");
        (await PachctlProcess.RunAsync(["migrate", "verify", .. workspace.SnapshotArguments])).MustExitWith(0);
    }

    private void MustBeAsBefore(Workspace workspace, string source, string because)
    {
        Assert.Equal(source, Workspace.Stamp(workspace.Source));
        Same.Entries(undisturbed.StorageBefore, Workspace.FilesOf(workspace.Storage), because);
        Assert.Equal($"{because} backups etcd.snap", $"{because} {string.Join(' ', Names(workspace).Append("backups").Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal))}");
    }

    // The lock of a process that was killed stays behind, held by nobody, until the next one needs it.
    private static IEnumerable<string> Names(Workspace workspace) => Directory
        .EnumerateFileSystemEntries(workspace.Root)
        .Select(path => Path.GetFileName(path))
        .Where(name => name is not ("migrated.snap.lock" or "migrated.snap.lock.owner"))
        .Order(StringComparer.Ordinal);

    private static Dictionary<string, (long Create, long Mod, long Version, long Lease)> Revisions(StoreState state) => state.Records.ToDictionary(
        pair => pair.Key, pair => (pair.Value.CreateRevision, pair.Value.ModRevision, pair.Value.Version, pair.Value.Lease), StringComparer.Ordinal);
}
