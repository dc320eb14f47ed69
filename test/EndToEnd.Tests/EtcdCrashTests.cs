using Pachyderm.EndToEnd.Tests.Support;
using Pachyderm.RecordStores;
using Pachyderm.TestSupport;

namespace Pachyderm.EndToEnd.Tests;

/// <summary>pachctl killed with SIGKILL at the points of a migration of a live etcd.</summary>
public class EtcdCrashTests(UndisturbedRun undisturbed)
{
    private static readonly EtcdProcessOptions Small = new() { Snapshot = Sets.Snapshot(Sets.Small) };

    [Fact]
    public async Task Killed_at_any_point_the_same_command_comes_to_the_records_of_the_snapshot_run_and_undo_brings_everything_back()
    {
        await CrashMatrix.RunAsync(await TraceAsync(undo: false), stride: 25, async (point, because) =>
        {
            await using EtcdProcess etcd = await EtcdProcess.StartAsync(Small, TestContext.Current.CancellationToken);
            using Workspace workspace = new(withStorage: true);
            string[] migrate = ["migrate", .. workspace.EtcdArguments(etcd.Endpoint), "--storage", workspace.Storage];
            (await PachctlProcess.RunKilledAtAsync(point, migrate)).MustExitWith(PachctlResult.Killed);

            (await PachctlProcess.RunAsync(migrate)).MustExitWith(0);

            StoreState done = await StoreState.OfEtcdAsync(etcd.Endpoint);
            undisturbed.MustEqual(done, because);
            Same.Entries(undisturbed.Before.Listings, done.Listings, because);
            Same.Entries(undisturbed.StorageAfter, Workspace.FilesOf(workspace.Storage), because);
            Assert.True(done.Holds("pachyderm_migration/pachyderm_pfs/stamp"));
            // A run that had only to say that all is done already leaves the fence of the killed one to its lease.
            Assert.True(!done.Records.TryGetValue("pachyderm_migration/pachyderm_pfs/fence", out StoredRecord fence) || fence.Lease != 0, because);

            (await PachctlProcess.RunAsync(["migrate", "undo", .. workspace.EtcdArguments(etcd.Endpoint)])).MustExitWith(0);

            await MustBeAsBeforeAsync(etcd, workspace, because);
        });
    }

    [Fact]
    public async Task Killed_at_any_point_undo_brings_everything_back()
    {
        await CrashMatrix.RunAsync(await TraceAsync(undo: false), stride: 25, async (point, because) =>
        {
            await using EtcdProcess etcd = await EtcdProcess.StartAsync(Small, TestContext.Current.CancellationToken);
            using Workspace workspace = new(withStorage: true);
            (await PachctlProcess.RunKilledAtAsync(point, ["migrate", .. workspace.EtcdArguments(etcd.Endpoint), "--storage", workspace.Storage]))
                .MustExitWith(PachctlResult.Killed);
            bool isJournaled = (await StoreState.OfEtcdAsync(etcd.Endpoint)).Holds("pachyderm_migration/pachyderm_pfs/journal");

            PachctlResult undo = await PachctlProcess.RunAsync(["migrate", "undo", .. workspace.EtcdArguments(etcd.Endpoint)]);

            if (isJournaled)
            {
                undo.MustExitWith(0);
                await MustBeAsBeforeAsync(etcd, workspace, because);
            }
            else
            {
                undo.MustRefuse(1, "no migration");
                StoreState state = await StoreState.OfEtcdAsync(etcd.Endpoint);
                Same.Entries(undisturbed.Before.ContentWithLeased, state.ContentWithLeased, because);
                Assert.Equal("pachyderm_migration/pachyderm_pfs/fence", Assert.Single(state.MigrationKeys));
            }
        });
    }

    [Fact]
    public async Task An_undo_killed_at_any_point_is_finished_by_the_next()
    {
        await CrashMatrix.RunAsync(await TraceAsync(undo: true), stride: 25, async (point, because) =>
        {
            await using EtcdProcess etcd = await EtcdProcess.StartAsync(Small, TestContext.Current.CancellationToken);
            using Workspace workspace = new(withStorage: true);
            (await PachctlProcess.RunAsync(["migrate", .. workspace.EtcdArguments(etcd.Endpoint), "--storage", workspace.Storage])).MustExitWith(0);
            string[] undo = ["migrate", "undo", .. workspace.EtcdArguments(etcd.Endpoint)];
            (await PachctlProcess.RunKilledAtAsync(point, undo)).MustExitWith(PachctlResult.Killed);

            (await PachctlProcess.RunAsync(undo)).MustExitWith(0);

            await MustBeAsBeforeAsync(etcd, workspace, because);
        });
    }

    private static async Task<IReadOnlyList<string>> TraceAsync(bool undo)
    {
        await using EtcdProcess etcd = await EtcdProcess.StartAsync(Small, TestContext.Current.CancellationToken);
        using Workspace workspace = new(withStorage: true);
        (PachctlResult result, IReadOnlyList<string> points) = await PachctlProcess.RunTracedAsync(
            ["migrate", .. workspace.EtcdArguments(etcd.Endpoint), "--storage", workspace.Storage]);
        result.MustExitWith(0);
        if (undo)
        {
            (result, points) = await PachctlProcess.RunTracedAsync(["migrate", "undo", .. workspace.EtcdArguments(etcd.Endpoint)]);
            result.MustExitWith(0);
        }

        return points;
    }

    private async Task MustBeAsBeforeAsync(EtcdProcess etcd, Workspace workspace, string because)
    {
        StoreState state = await StoreState.OfEtcdAsync(etcd.Endpoint);
        Assert.Empty(state.MigrationKeys);
        Same.Entries(undisturbed.Before.ContentWithLeased, state.ContentWithLeased, because);
        Same.Entries(undisturbed.Before.Listings, state.Listings, because);
        Same.Entries(undisturbed.StorageBefore, Workspace.FilesOf(workspace.Storage), because);
    }
}
