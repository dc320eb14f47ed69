using System.Globalization;
using System.Text;
using Pachyderm.EndToEnd.Tests.Support;
using Pachyderm.ObjectStores.Tests;

using Pachyderm.TestSupport;

namespace Pachyderm.EndToEnd.Tests;

/// <summary>Bad input: one clear line on standard error, the right exit code, and stores as before.</summary>
public class RefusalTests
{
    // What takes the power over files away from root, so that a directory without write permission is one for the tests, too.
    private static readonly string[] WithoutPrivileges = Environment.IsPrivilegedProcess
        ? ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override,-dac_read_search"]
        : [];

    [Theory]
    [InlineData("--from", "1.5.0", "--from says 1.5.0, and the data is of 1.4")]
    [InlineData("--from", "1.3.20", "--from says 1.3.20")]
    [InlineData("--from", "1.4.9", "1.4.9")]
    [InlineData("--to", "1.5.4", "no such release|1.5.4")]
    [InlineData("--to", "2.0.0", "no such release|2.0.0")]
    [InlineData("--to", "1.4.0", "older")]
    [InlineData("--to", "1.3.0", "older")]
    [InlineData("--pfs-prefix", "elsewhere", "--pfs-prefix")]
    [InlineData("--storage", "/proc", "/proc: it is no storage root")]
    [InlineData("--storage", "/nowhere/at/all", "/nowhere/at/all")]
    [InlineData("--use-backup", "never-made", "backup-repository-not-found")]
    [InlineData("--report", "/nowhere/report.json", "/nowhere/report.json")]
    public async Task A_wrong_option_is_refused(string option, string value, string words)
    {
        using Workspace workspace = new();

        PachctlResult result = await PachctlProcess.RunAsync(["migrate", .. workspace.SnapshotArguments, option, value]);

        result.MustRefuse(1, words.Split('|'));
        MustBeUntouched(workspace);
    }

    [Theory]
    [InlineData("missing", "does not exist")]
    [InlineData("empty", "empty")]
    [InlineData("a directory", "director")]
    [InlineData("some text", "snapshot")]
    [InlineData("without its last byte", "SHA-256")]
    [InlineData("cut in half", "SHA-256")]
    [InlineData("a raw database", "SHA-256")]
    public async Task A_file_that_is_no_whole_snapshot_is_refused(string what, string word)
    {
        using Workspace workspace = new();
        byte[] whole = await File.ReadAllBytesAsync(workspace.Source, TestContext.Current.CancellationToken);
        string source = workspace["bad.snap"];
        switch (what)
        {
            case "missing":
                break;
            case "a directory":
                Directory.CreateDirectory(source);
                break;
            default:
                await File.WriteAllBytesAsync(
                    source,
                    what switch
                    {
                        "empty" => [],
                        "some text" => Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("this is no snapshot\n", 1000))),
                        "without its last byte" => whole[..^1],
                        "cut in half" => whole[..(whole.Length / 2)],
                        _ => whole[..^32],
                    },
                    TestContext.Current.CancellationToken);
                break;
        }

        foreach (string mode in (string[])["--check", "--dry-run", "--yes"])
        {
            (await PachctlProcess.RunAsync(["migrate", mode, "--snapshot", source, "--out", workspace.Output, "--backup", workspace.Backups]))
                .MustRefuse(1, source, word);
        }

        MustBeUntouched(workspace);
    }

    [Fact]
    public async Task A_snapshot_with_one_bit_flipped_anywhere_is_refused()
    {
        using Workspace workspace = new();
        byte[] whole = await File.ReadAllBytesAsync(workspace.Source, TestContext.Current.CancellationToken);
        string source = workspace["flipped.snap"];
        for (int place = 0; place < 12; place++)
        {
            byte[] flipped = [.. whole];
            int at = (int)((whole.Length - 1L) * place / 11);
            flipped[at] ^= (byte)(1 << (place % 8));
            await File.WriteAllBytesAsync(source, flipped, TestContext.Current.CancellationToken);

            (await PachctlProcess.RunAsync(["migrate", "--snapshot", source, "--out", workspace.Output, "--backup", workspace.Backups]))
                .MustRefuse(1, source);
        }

        MustBeUntouched(workspace);
    }

    [Theory]
    [InlineData("etcd.snap")]
    [InlineData("other.snap")]
    [InlineData("notes.txt")]
    [InlineData("nowhere/migrated.snap")]
    public async Task An_output_that_exists_or_has_no_place_is_refused(string output)
    {
        using Workspace workspace = new();
        File.Copy(Sets.Snapshot(Sets.Small15), workspace["other.snap"]);
        await File.WriteAllTextAsync(workspace["notes.txt"], "mine", TestContext.Current.CancellationToken);
        SortedDictionary<string, string> files = Workspace.FilesOf(workspace.Root);

        (await PachctlProcess.RunAsync(["migrate", "--snapshot", workspace.Source, "--out", workspace[output], "--backup", workspace.Backups]))
            .MustRefuse(1, output, output == "nowhere/migrated.snap" ? "does not exist" : "--out");

        Same.Entries(files, Workspace.FilesOf(workspace.Root));
    }

    [Theory]
    [InlineData("127.0.0.1:1", "refused")]
    [InlineData("no.such.host.invalid:2379", "not known")]
    [InlineData("127.0.0.1:notaport", "notaport")]
    [InlineData("127.0.0.1:70000", "70000")]
    public async Task An_endpoint_that_is_none_is_refused(string endpoint, string word)
    {
        using Workspace workspace = new();

        (await PachctlProcess.RunAsync(["migrate", .. workspace.EtcdArguments(endpoint)])).MustRefuse(1, word);
        (await PachctlProcess.RunAsync(["backup", "create", "--etcd", endpoint, "--backup", workspace.Backups])).MustRefuse(1, word);
    }

    [Theory]
    [InlineData("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")]
    [InlineData("SSH-2.0-OpenSSH_9.2\r\n")]
    [InlineData("")]
    public async Task A_server_that_is_no_etcd_is_refused(string answer)
    {
        using Workspace workspace = new();
        await using ForeignServer server = new(Encoding.ASCII.GetBytes(answer));

        (await PachctlProcess.RunAsync(["migrate", .. workspace.EtcdArguments(server.Endpoint)])).MustRefuse(1, server.Endpoint);

        MustBeUntouched(workspace);
    }

    [Fact]
    public async Task An_empty_etcd_is_refused_and_stays_empty()
    {
        await using EtcdProcess etcd = await EtcdProcess.StartAsync(TestContext.Current.CancellationToken);
        using Workspace workspace = new();

        (await PachctlProcess.RunAsync(["migrate", .. workspace.EtcdArguments(etcd.Endpoint)])).MustRefuse(1, "empty");

        Assert.Equal(1, (await StoreState.OfEtcdAsync(etcd.Endpoint)).Revision);
    }

    [Fact]
    public async Task An_etcd_of_somebody_else_is_refused_and_stays_as_it_was()
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync();
        foreach (string key in (await cluster.ReadAsync()).Records.Keys)
        {
            await cluster.DeleteAsync(key);
        }

        await cluster.PutAsync("/registry/pods/default/web-0", "k8s");
        long revision = await cluster.RevisionAsync();

        (await cluster.RunAsync("migrate")).MustRefuse(1, "no cluster under pachyderm_pfs and pachyderm_pps");

        Assert.Equal(revision, await cluster.RevisionAsync());
    }

    [Fact]
    public async Task A_missing_object_blocks_and_is_named()
    {
        using Workspace workspace = new(withStorage: true);
        StoreState state = await StoreState.OfSnapshotAsync(workspace.Source);
        string commit = StoreState.Text(state.Records.Values.First(record => StoreState.Text(record.Value).Contains("tree:<hash:", StringComparison.Ordinal)
            && StoreState.Text(record.Key).StartsWith("pachyderm_pfs/commits/", StringComparison.Ordinal)).Value);
        int start = commit.IndexOf("tree:<hash:\"", StringComparison.Ordinal) + "tree:<hash:\"".Length;
        string tree = commit[start..commit.IndexOf('"', start)];
        File.Delete(Path.Combine(workspace.Storage, "object", tree));

        foreach (string mode in (string[])["--check", "--yes"])
        {
            PachctlResult result = (await PachctlProcess.RunAsync(["migrate", mode, .. workspace.SnapshotArguments, "--storage", workspace.Storage])).MustExitWith(1);
            Assert.Contains(tree, result.Output, StringComparison.Ordinal);
            Assert.Contains("object-missing", result.Output, StringComparison.Ordinal);
        }

        MustBeUntouched(workspace);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_backup_that_may_not_be_written_is_refused_and_the_store_is_as_before(bool live)
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync();
        Workspace workspace = cluster.Workspace;
        string locked = LockedDirectory(workspace);
        string[] store = live ? ["--etcd", cluster.Etcd.Endpoint] : ["--snapshot", workspace.Source, "--out", workspace.Output];
        StoreState before = await cluster.ReadAsync();

        PachctlResult result = await PachctlProcess.RunAsync(["migrate", .. store, "--backup", Path.Combine(locked, "backups")], null, WithoutPrivileges);

        Assert.InRange(result.ExitCode, 1, 2);
        result.MustExitWith(result.ExitCode);
        Assert.Contains(locked, result.ExitCode == 1 ? result.Output + result.Errors : result.Complaint, StringComparison.Ordinal);
        MustBeUntouched(workspace);
        StoreState after = await cluster.ReadAsync();
        Assert.Empty(after.MigrationKeys);
        Same.Entries(before.ContentWithLeased, after.ContentWithLeased);
    }

    [Fact]
    public async Task An_output_that_may_not_be_written_is_refused()
    {
        using Workspace workspace = new();
        string locked = LockedDirectory(workspace);

        PachctlResult result = await PachctlProcess.RunAsync(
            ["migrate", "--snapshot", workspace.Source, "--out", Path.Combine(locked, "out.snap"), "--backup", workspace.Backups], null, WithoutPrivileges);

        result.MustExitWith(1);
        Assert.Contains(locked, result.Output + result.Errors, StringComparison.Ordinal);
        MustBeUntouched(workspace);
    }

    [Theory]
    [InlineData("journal.after-Fenced", "the store is as it was before")]
    [InlineData("journal.after-Running", "pachctl migrate resume")]
    [InlineData("journal.after-Ran", "pachctl migrate resume")]
    public async Task A_disk_that_fills_up_is_told_and_the_same_command_goes_on_when_there_is_room(string point, string words)
    {
        using Workspace workspace = new();
        using TinyFileSystem? disk = TinyFileSystem.TryMount(workspace["disk"], "size=4m");
        if (disk is null)
        {
            // Only root may mount a file system. What anybody may do is write to a device that is always full.
            await A_report_on_a_full_device_is_told();
            return;
        }

        string[] migrate = ["migrate", "--snapshot", workspace.Source, "--out", workspace["disk/out.snap"], "--backup", workspace["disk/backups"]];
        (await PachctlProcess.RunAsync(migrate, KillAt(point))).MustExitWith(PachctlResult.Killed);
        string filler = Fill(workspace["disk"]);

        PachctlResult full = await PachctlProcess.RunAsync(migrate);

        Assert.InRange(full.ExitCode, 1, 2);
        full.MustExitWith(full.ExitCode);
        Assert.Contains(words, full.Output + full.Complaint, StringComparison.Ordinal);
        Assert.False(File.Exists(workspace["disk/out.snap"]));
        File.Delete(filler);
        (await PachctlProcess.RunAsync(migrate)).MustExitWith(0);
        Assert.True(File.Exists(workspace["disk/out.snap"]));
    }

    [Fact]
    public async Task A_report_on_a_full_device_is_told()
    {
        using Workspace workspace = new();

        (await PachctlProcess.RunAsync(["migrate", "--check", .. workspace.SnapshotArguments, "--report", "/dev/full"])).MustRefuse(2, "/dev/full", "cannot be written");

        MustBeUntouched(workspace);
    }

    [Fact]
    public async Task A_disk_without_room_is_found_before_anything_is_written()
    {
        using Workspace workspace = new();
        using TinyFileSystem? disk = TinyFileSystem.TryMount(workspace["disk"], "size=100k");
        if (disk is null)
        {
            // Only root may mount a file system. What anybody may do is write to a device that is always full.
            await A_report_on_a_full_device_is_told();
            return;
        }


        PachctlResult result = (await PachctlProcess.RunAsync(
            ["migrate", "--snapshot", workspace.Source, "--out", workspace["disk/out.snap"], "--backup", workspace["disk/backups"]])).MustExitWith(1);

        Assert.Contains("bytes may be needed", result.Output, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(workspace["disk"]));
    }

    [Fact]
    public async Task An_etcd_without_room_in_its_quota_is_found_before_anything_is_written()
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync(quota: 1 << 20);
        long revision = await cluster.RevisionAsync();

        PachctlResult result = (await cluster.RunAsync("migrate")).MustExitWith(1);

        Assert.Contains("quota", result.Output, StringComparison.Ordinal);
        Assert.Equal(revision, await cluster.RevisionAsync());
    }

    [Fact]
    public async Task An_etcd_that_runs_full_in_the_middle_is_told_and_the_migration_is_resumed_when_there_is_room()
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync(quota: 4 << 20);
        (await PachctlProcess.RunAsync(["migrate", .. cluster.Arguments], KillAt("run.after-batch"))).MustExitWith(PachctlResult.Killed);
        await FillAsync(cluster);

        // The fence itself cannot be taken any more: refused, with nothing written.
        (await cluster.RunAsync("migrate", "resume")).MustRefuse(1, cluster.Etcd.Endpoint, "quota");

        PachctlResult check = (await cluster.RunAsync("migrate", "--check")).MustExitWith(1);
        Assert.Contains("NOSPACE", check.Output, StringComparison.OrdinalIgnoreCase);
        Assert.False((await cluster.ReadAsync()).Holds(LiveCluster.Stamp));
        await MakeRoomAsync(cluster);
        (await cluster.RunAsync("migrate", "resume")).MustExitWith(0);
        Assert.True((await cluster.ReadAsync()).Holds(LiveCluster.Stamp));
    }

    private static Dictionary<string, string> KillAt(string point) => new(StringComparer.Ordinal) { ["PACHYDERM_KILL_AT"] = point };

    private static void MustBeUntouched(Workspace workspace)
    {
        Assert.Equal(Workspace.Hash(Sets.Snapshot(workspace.Set)), Workspace.Hash(workspace.Source));
        Assert.False(Directory.Exists(workspace.Backups));
        Assert.Empty(Directory.EnumerateFiles(workspace.Root, "migrated.snap*"));
    }

    private static string LockedDirectory(Workspace workspace)
    {
        string path = workspace["locked"];
        Directory.CreateDirectory(path);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        }

        return path;
    }

    private static string Fill(string directory)
    {
        string filler = Path.Combine(directory, "filler");
        using FileStream file = new(filler, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0);
        byte[] block = new byte[4096];
        try
        {
            while (true)
            {
                file.Write(block);
            }
        }
        catch (IOException)
        {
            return filler;
        }
    }

    private static async Task FillAsync(LiveCluster cluster)
    {
        string ballast = new('x', 200_000);
        try
        {
            for (int count = 0; ; count++)
            {
                Assert.True(count < 1000, "the quota was never reached");
                await cluster.PutAsync("/ballast", ballast);
            }
        }
        catch (Errors.OperatorException)
        {
            // Full.
        }
    }

    private static async Task MakeRoomAsync(LiveCluster cluster)
    {
        string endpoint = $"--endpoints=http://{cluster.Etcd.Endpoint}";
        CancellationToken cancellationToken = TestContext.Current.CancellationToken;
        long revision = await cluster.RevisionAsync();
        await EtcdProcess.RunEtcdctlAsync([endpoint, "compact", "--physical", revision.ToString(CultureInfo.InvariantCulture)], cancellationToken);
        await EtcdProcess.RunEtcdctlAsync([endpoint, "defrag"], cancellationToken);
        await EtcdProcess.RunEtcdctlAsync([endpoint, "alarm", "disarm"], cancellationToken);
    }
}
