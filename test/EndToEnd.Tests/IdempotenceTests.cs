using Pachyderm.EndToEnd.Tests.Support;

namespace Pachyderm.EndToEnd.Tests;

/// <summary>What must not write does not write.</summary>
public class IdempotenceTests
{
    [Fact]
    public async Task A_second_run_on_a_live_store_says_so_and_writes_nothing()
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync(withStorage: true);
        string[] migrate = ["migrate", "--storage", cluster.Workspace.Storage];
        (await cluster.RunAsync(migrate)).MustExitWith(0);
        long revision = await cluster.RevisionAsync();
        SortedDictionary<string, string> files = Workspace.FilesOf(cluster.Workspace.Root);

        PachctlResult second = (await cluster.RunAsync(migrate)).MustExitWith(0);

        Assert.Contains("already at 1.5.3", second.Output, StringComparison.Ordinal);
        Assert.Equal(revision, await cluster.RevisionAsync());
        Same.Entries(files, Workspace.FilesOf(cluster.Workspace.Root));

        (await cluster.RunAsync("migrate", "finalize")).MustExitWith(0);
        revision = await cluster.RevisionAsync();
        Assert.Contains("already at 1.5.3", (await cluster.RunAsync(migrate)).MustExitWith(0).Output, StringComparison.Ordinal);
        Assert.Equal(revision, await cluster.RevisionAsync());
    }

    [Fact]
    public async Task A_second_run_on_a_snapshot_says_so_and_touches_no_file()
    {
        using Workspace workspace = new(withStorage: true);
        string[] migrate = ["migrate", .. workspace.SnapshotArguments, "--storage", workspace.Storage];
        (await PachctlProcess.RunAsync(migrate)).MustExitWith(0);
        Dictionary<string, string> files = Stamps(workspace.Root);

        PachctlResult second = (await PachctlProcess.RunAsync(migrate)).MustExitWith(0);

        Assert.Contains("already at 1.5.3", second.Output, StringComparison.Ordinal);
        Same.Entries(files, Stamps(workspace.Root));
    }

    [Theory]
    [InlineData("--check")]
    [InlineData("--dry-run")]
    public async Task A_look_at_a_live_store_writes_nothing_and_leaves_nothing(string mode)
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync(withStorage: true);
        StoreState before = await cluster.ReadAsync();
        SortedDictionary<string, string> storage = Workspace.FilesOf(cluster.Workspace.Storage);
        string temporary = cluster.Workspace["tmp"];
        Directory.CreateDirectory(temporary);

        PachctlResult result = (await PachctlProcess.RunAsync(
            ["migrate", mode, .. cluster.Arguments, "--storage", cluster.Workspace.Storage],
            new Dictionary<string, string>(StringComparer.Ordinal) { ["TMPDIR"] = temporary })).MustExitWith(0);

        Assert.Contains(mode == "--check" ? "ready to migrate" : "nothing was changed", result.Output, StringComparison.Ordinal);
        StoreState after = await cluster.ReadAsync();
        Assert.Equal(before.Revision, after.Revision);
        Same.Entries(before.ContentWithLeased, after.ContentWithLeased);
        Same.Entries(storage, Workspace.FilesOf(cluster.Workspace.Storage));
        Assert.False(Directory.Exists(cluster.Workspace.Backups));
        Assert.Empty(Directory.EnumerateFileSystemEntries(temporary));
    }

    [Theory]
    [InlineData("--check")]
    [InlineData("--dry-run")]
    public async Task A_look_at_a_snapshot_leaves_nothing(string mode)
    {
        using Workspace workspace = new();
        string temporary = workspace["tmp"];
        Directory.CreateDirectory(temporary);
        Dictionary<string, string> files = Stamps(workspace.Root);

        (await PachctlProcess.RunAsync(
            ["migrate", mode, .. workspace.SnapshotArguments],
            new Dictionary<string, string>(StringComparer.Ordinal) { ["TMPDIR"] = temporary })).MustExitWith(0);

        Same.Entries(files, Stamps(workspace.Root));
    }

    [Fact]
    public async Task A_check_on_a_store_with_blockers_writes_nothing_either()
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync(Sets.Dirty);
        StoreState before = await cluster.ReadAsync();

        (await cluster.RunAsync("migrate", "--check")).MustExitWith(1);
        (await cluster.RunAsync("migrate", "--dry-run")).MustExitWith(1);
        (await cluster.RunAsync("migrate")).MustExitWith(1);

        StoreState after = await cluster.ReadAsync();
        Assert.Equal(before.Revision, after.Revision);
        Assert.Empty(after.MigrationKeys);
        Assert.False(Directory.Exists(cluster.Workspace.Backups));
    }

    [Fact]
    public async Task A_cluster_born_on_1_5_3_is_already_there()
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync(Sets.Small15);
        long revision = await cluster.RevisionAsync();

        PachctlResult result = (await cluster.RunAsync("migrate", "--accept", "registered-master")).MustExitWith(0);

        Assert.Contains("already at 1.5.3", result.Output, StringComparison.Ordinal);
        Assert.Equal(revision, await cluster.RevisionAsync());
        Assert.Empty((await cluster.ReadAsync()).MigrationKeys);
    }

    [Fact]
    public async Task A_migration_to_1_5_0_is_carried_on_to_1_5_3_once_it_is_final()
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync();
        StoreState before = await cluster.ReadAsync();
        (await cluster.RunAsync("migrate", "--from", "1.4.8", "--to", "1.5.0")).MustExitWith(0);
        (await cluster.RunAsync("migrate", "--to", "1.5.3")).MustRefuse(1, "finalize");
        (await cluster.RunAsync("migrate", "finalize")).MustExitWith(0);

        (await cluster.RunAsync("migrate", "--to", "1.5.3")).MustExitWith(0);

        Same.Entries(before.Listings, (await cluster.ReadAsync()).Listings);
        (await cluster.RunAsync("migrate", "verify")).MustExitWith(0);
    }

    private static Dictionary<string, string> Stamps(string directory) => Directory
        .EnumerateFiles(directory, "*", SearchOption.AllDirectories)
        .ToDictionary(path => Path.GetRelativePath(directory, path), Workspace.Stamp, StringComparer.Ordinal);
}
