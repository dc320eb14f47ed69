using System.Text.Json;
using Pachyderm.EndToEnd.Tests.Support;
using Pachyderm.Tests;

namespace Pachyderm.EndToEnd.Tests;

/// <summary>A genuine cluster of 1.5.3 becomes the data directory of a pachd: pachctl and pachd are real, and killed for real.</summary>
public class ImportTests
{
    private static readonly string[] Accepted = ["--accept", "registered-master"];

    [Fact]
    public async Task An_imported_cluster_is_served_with_its_history_and_recomputes_nothing()
    {
        using Workspace workspace = new(Sets.Small15, withStorage: true);
        string data = workspace["data"];
        (await PachctlProcess.RunAsync([.. Import(workspace, "--from", "1.5.3", "--to", "3.0.0"), "--verify", "full"])).MustExitWith(0);
        using JsonDocument expected = FixtureContent.Expected(Sets.Small15);
        JsonElement images = expected.RootElement.GetProperty("repos_in_list_order").EnumerateArray().Single(static repo => repo.GetProperty("name").GetString() == "images");
        JsonElement oldest = images.GetProperty("commits").EnumerateArray().Last(static commit => commit.GetProperty("finished").GetBoolean());
        JsonElement file = oldest.GetProperty("files").EnumerateArray().First(static file => file.GetProperty("type").GetString() == "FILE");
        int jobs = expected.RootElement.GetProperty("jobs_in_list_order").GetArrayLength();

        await using (PachdProcess server = await PachdProcess.StartAsync(data))
        {
            string copy = workspace["file"];
            await RunAsync(server, workspace, "get-file", "images", oldest.GetProperty("id").GetString()!, file.GetProperty("path").GetString()!, "-o", copy);
            Assert.Equal(file.GetProperty("sha256").GetString(), Workspace.Hash(copy));

            await RunAsync(server, workspace, "start-commit", "images", "master");
            await RunAsync(server, workspace, "finish-commit", "images", "master");
            await RunAsync(server, workspace, "flush-commit", "images/master", "-r", "p-copy", "-r", "p-chain", "-r", "p-env", "-r", "p-incr");
            string[] rows = await ListJobsAsync(server, workspace);
            // The command line orders by the time of the start.
            Assert.Equal(
                expected.RootElement.GetProperty("jobs_in_list_order").EnumerateArray().Select(static job => job.GetProperty("id").GetString()!).Order(StringComparer.Ordinal).ToArray(),
                rows[^jobs..].Select(static row => row.Split(' ')[0]).Order(StringComparer.Ordinal).ToArray());
            foreach (string job in rows[..^jobs].Select(static row => row.Split(' ')[0]))
            {
                await RunAsync(server, workspace, "inspect-job", job, "--block");
            }
            rows = await ListJobsAsync(server, workspace);
            Assert.InRange(rows.Length - jobs, 4, int.MaxValue);
            Assert.All(rows[..^jobs], static row => Assert.Matches(" 0 \\+ ([1-9][0-9]*) / \\1 .* success", row));
        }

        PachctlResult refused = (await PachctlProcess.RunAsync("migrate", "undo", "--data", data)).MustRefuse(1, "changes were made since the import", "--discard-later-writes");
        Assert.Contains("written since the import: commit images/", refused.Errors, StringComparison.Ordinal);
        (await PachctlProcess.RunAsync("migrate", "verify", "--data", data, "--verify", "full")).MustExitWith(0);
        (await PachctlProcess.RunAsync("migrate", "undo", "--data", data, "--discard-later-writes")).MustExitWith(0);
        Assert.Empty(Directory.GetFileSystemEntries(data));
    }

    [Fact]
    public async Task A_live_etcd_is_imported_as_it_is_at_one_moment_and_not_written_to()
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync(Sets.Small15, withStorage: true);
        string data = cluster.Workspace["data"];
        string[] import = ["migrate", "--etcd", cluster.Etcd.Endpoint, "--storage", cluster.Workspace.Storage, "--data", data];

        (await PachctlProcess.RunAsync([.. import, "--check", .. Accepted])).MustExitWith(0);
        Assert.False(Directory.Exists(data));
        (await PachctlProcess.RunAsync([.. import, .. Accepted, "--verify", "full"])).MustExitWith(0);

        Assert.DoesNotContain((await cluster.ReadAsync()).Records.Keys, static key => key.StartsWith("pachyderm_migration", StringComparison.Ordinal));
        (await PachctlProcess.RunAsync("migrate", "verify", "--data", data)).MustExitWith(0);
        (await PachctlProcess.RunAsync("migrate", "undo", "--data", data)).MustExitWith(0);
        Assert.Empty(Directory.GetFileSystemEntries(data));
        Assert.Empty(Directory.GetFiles(cluster.Workspace.Root, "*.source.snap"));
    }

    [Theory]
    [InlineData("import.fenced")]
    [InlineData("import.verified")]
    public async Task What_is_written_to_a_live_etcd_while_it_is_imported_is_noticed_before_the_stamp(string killedAt)
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync(Sets.Small15, withStorage: true);
        string data = cluster.Workspace["data"];
        string[] import = ["migrate", "--etcd", cluster.Etcd.Endpoint, "--storage", cluster.Workspace.Storage, "--data", data, .. Accepted];
        string[] resume = ["migrate", "resume", "--data", data];
        (await PachctlProcess.RunAsync(import, new Dictionary<string, string>(StringComparer.Ordinal) { ["PACHYDERM_KILL_AT"] = killedAt }))
            .MustExitWith(PachctlResult.Killed);
        string branch = (await cluster.ReadAsync()).Records.Keys.First(static key => key.StartsWith("pachyderm_pfs/branches/images/", StringComparison.Ordinal));
        await cluster.PutAsync("of/another/cluster", "x");
        await cluster.PutAsync("pachyderm_pfs/repos/written-meanwhile", "");
        await cluster.DeleteAsync(branch);

        foreach (string[] goOn in (string[][])[import, resume])
        {
            (await PachctlProcess.RunAsync(goOn)).MustRefuse(
                2, "2 records were written after the snapshot", "created pachyderm_pfs/repos/written-meanwhile", $"deleted {branch}",
                "stop every pachd", "--accept source-changed");
            Assert.False(File.Exists(Path.Combine(data, "format.json")));
        }

        (await PachctlProcess.RunAsync([.. import, "--accept", "source-changed"])).MustExitWith(0);
        (await PachctlProcess.RunAsync("migrate", "verify", "--data", data)).MustExitWith(0);
    }

    [Fact]
    public async Task A_write_to_another_cluster_in_the_same_etcd_is_none_to_this_one()
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync(Sets.Small15, withStorage: true);
        string[] import = ["migrate", "--etcd", cluster.Etcd.Endpoint, "--storage", cluster.Workspace.Storage, "--data", cluster.Workspace["data"], .. Accepted];
        (await PachctlProcess.RunAsync(import, new Dictionary<string, string>(StringComparer.Ordinal) { ["PACHYDERM_KILL_AT"] = "import.ran" }))
            .MustExitWith(PachctlResult.Killed);
        await cluster.PutAsync("of/another/cluster", "x");

        (await PachctlProcess.RunAsync("migrate", "resume", "--data", cluster.Workspace["data"])).MustExitWith(0);
    }

    [Fact]
    public async Task Access_control_lists_stop_an_import_until_they_are_accepted()
    {
        using Workspace workspace = new(Sets.Small15, withStorage: true);
        File.Move(workspace.Source, workspace["before.snap"]);
        await CorruptRecords.AddAsync(
            workspace["before.snap"], workspace.Source, new Dictionary<string, string>(StringComparer.Ordinal) { ["pachyderm_pfs/auth/acls/images"] = "\n\u0005\n\u0001x\u0010\u0001" });

        (await PachctlProcess.RunAsync(Import(workspace))).MustRefuse(1, "access-control");
        (await PachctlProcess.RunAsync(Import(workspace, "--accept", "access-control"))).MustExitWith(0);
    }

    [Fact]
    public async Task Serving_alone_writes_nothing_that_an_undo_would_lose()
    {
        using Workspace workspace = new(Sets.Small15, withStorage: true);
        (await PachctlProcess.RunAsync(Import(workspace))).MustExitWith(0);
        await using (PachdProcess server = await PachdProcess.StartAsync(workspace["data"]))
        {
            await RunAsync(server, workspace, "list-job");
        }

        (await PachctlProcess.RunAsync("migrate", "undo", "--data", workspace["data"])).MustExitWith(0);
    }

    [Fact]
    public async Task Killed_at_any_point_the_same_command_comes_to_the_same_and_pachd_serves_nothing_by_half()
    {
        IReadOnlyList<string> points;
        string undisturbed;
        using (Workspace workspace = new(Sets.Small15, withStorage: true))
        {
            (PachctlResult result, points) = await PachctlProcess.RunTracedAsync(Import(workspace));
            result.MustExitWith(0);
            undisturbed = await DigestAsync(workspace);
        }

        await CrashMatrix.RunAsync(points, stride: 8, async (point, because) =>
        {
            using Workspace workspace = new(Sets.Small15, withStorage: true);
            SortedDictionary<string, string> storage = Workspace.FilesOf(workspace.Storage);
            (await PachctlProcess.RunKilledAtAsync(point, Import(workspace))).MustExitWith(PachctlResult.Killed);
            if (!File.Exists(Path.Combine(workspace["data"], "format.json")))
            {
                InvalidOperationException refused = await Assert.ThrowsAsync<InvalidOperationException>(() => PachdProcess.StartAsync(workspace["data"]));
                Assert.Contains("pachctl migrate", refused.Message, StringComparison.Ordinal);
            }

            string[] goOn = point % 2 == 0 ? Import(workspace) : ["migrate", "resume", "--data", workspace["data"]];
            (await PachctlProcess.RunAsync(goOn)).MustExitWith(0);

            Assert.Equal($"{because} {undisturbed}", $"{because} {await DigestAsync(workspace)}");
            Same.Entries(storage, Workspace.FilesOf(workspace.Storage), because);
        });
    }

    [Fact]
    public async Task Killed_at_any_point_undo_leaves_an_empty_directory()
    {
        IReadOnlyList<string> points;
        using (Workspace workspace = new(Sets.Small15, withStorage: true))
        {
            (_, points) = await PachctlProcess.RunTracedAsync(Import(workspace));
        }

        await CrashMatrix.RunAsync(points, stride: 12, async (point, because) =>
        {
            using Workspace workspace = new(Sets.Small15, withStorage: true);
            (await PachctlProcess.RunKilledAtAsync(point, Import(workspace))).MustExitWith(PachctlResult.Killed);
            string[] undo = ["migrate", "undo", "--data", workspace["data"]];
            if (point % 2 == 0)
            {
                (await PachctlProcess.RunKilledAtAsync((point % 3) + 1, undo)).MustExitWith(PachctlResult.Killed);
                if (File.Exists(Path.Combine(workspace["data"], "import.json")))
                {
                    (await PachctlProcess.RunAsync(Import(workspace))).MustRefuse(1, "undo");
                }
            }

            (await PachctlProcess.RunAsync(undo)).MustExitWith(0);

            Assert.Equal($"{because} ", $"{because} {string.Join(' ', Directory.GetFileSystemEntries(workspace["data"]))}");
        });
    }

    private static string[] Import(Workspace workspace, params string[] more) =>
        ["migrate", "--snapshot", workspace.Source, "--storage", workspace.Storage, "--data", workspace["data"], .. Accepted, .. more];

    private static async Task<string[]> ListJobsAsync(PachdProcess server, Workspace workspace) =>
        (await RunAsync(server, workspace, "list-job")).TrimEnd().Split('\n')[1..];

    private static async Task<string> DigestAsync(Workspace workspace)
    {
        PachctlResult raw = (await PachctlProcess.RunAsync("migrate", "verify", "--data", workspace["data"], "--verify", "full", "--raw")).MustExitWith(0);
        using JsonDocument json = JsonDocument.Parse(raw.Output);
        await using PachdProcess server = await PachdProcess.StartAsync(workspace["data"]);
        string[] lists =
        [
            await RunAsync(server, workspace, "list-repo", "--raw"),
            await RunAsync(server, workspace, "list-job", "--raw"),
            await RunAsync(server, workspace, "list-pipeline", "--raw"),
        ];
        return $"{json.RootElement.GetProperty("import").GetProperty("repos").GetRawText()} {string.Join(' ', lists)}";
    }

    private static async Task<string> RunAsync(PachdProcess server, Workspace workspace, params string[] arguments) => (await PachctlProcess.RunAsync(
        arguments, new Dictionary<string, string>(StringComparer.Ordinal) { ["HOME"] = workspace["home"], ["ADDRESS"] = server.Address })).MustExitWith(0).Output;
}
