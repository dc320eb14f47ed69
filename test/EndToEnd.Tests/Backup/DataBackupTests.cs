using System.Collections.Concurrent;
using System.Globalization;
using System.Text.RegularExpressions;
using Pachyderm.Client;
using Pachyderm.EndToEnd.Tests.Pfs;
using Pachyderm.EndToEnd.Tests.Support;
using CommitInfo = Pachyderm.Wire.Pfs.CommitInfo;

namespace Pachyderm.EndToEnd.Tests.Backup;

/// <summary>Backups of a data directory by pachctl, beside the pachd that serves it.</summary>
public partial class DataBackupTests(PfsCluster cluster) : IClassFixture<PfsCluster>
{
    private const string Upper = "for f in $PACH_PFS/in/*; do tr a-z A-Z < $f > $PACH_PFS/out/$(basename $f); done";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_is_restored_answers_everything_as_it_was_answered_when_it_was_backed_up()
    {
        await cluster.RunAsync("create-repo", "whole");
        await File.WriteAllTextAsync(cluster["whole.json"], System.Text.Json.JsonSerializer.Serialize(new
        {
            pipeline = new { name = "whole-upper" },
            transform = new { cmd = (string[])["sh"], stdin = (string[])[Upper] },
            input = new { atom = new { repo = "whole", name = "in", glob = "/*" } },
        }), Cancel);
        await cluster.RunAsync("create-pipeline", "-f", cluster["whole.json"]);
        await using PachClient client = new(cluster.Server.Address);
        for (int i = 0; i < 3; i++)
        {
            await PutAsync(client, "whole", i, 40_000);
        }

        await cluster.RunAsync("flush-commit", "whole/master");
        await cluster.RunAsync("start-commit", "whole", "open");
        IReadOnlyList<string> before = await ClusterAnswers.ReadAsync(cluster.Server.Address, Cancel);
        await cluster.RunAsync("backup", "create", "--data", cluster["data"], "--backup", cluster["whole"], "--name", "one");
        await PutAsync(client, "whole", 9, 1_000);
        Assert.Contains("0 problems", await cluster.RunAsync("backup", "verify", "one", "--read-data", "--backup", cluster["whole"]), StringComparison.Ordinal);

        await cluster.RunAsync("backup", "restore", "one", "--backup", cluster["whole"], "--data", cluster["whole-restored"]);

        await using PachdProcess restored = await PachdProcess.StartAsync(cluster["whole-restored"]);
        Assert.Equal(before, await ClusterAnswers.ReadAsync(restored.Address, Cancel), StringComparer.Ordinal);
        await AssertSoundAsync(restored.Address);
        (await cluster.TryAsync("backup", "restore", "one", "--backup", cluster["whole"], "--data", cluster["whole-restored"]))
            .MustRefuse(1, "whole-restored", "not empty");
    }

    [Fact]
    public async Task Backups_under_load_beside_garbage_collection_have_all_that_was_acknowledged_before_and_nothing_by_half()
    {
        await cluster.RunAsync("create-repo", "load");
        await cluster.RunAsync("create-repo", "waste");
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        ConcurrentDictionary<string, string> acknowledged = new(StringComparer.Ordinal);
        await using PachClient client = new(cluster.Server.Address);
        Task writing = WriteAsync(client, acknowledged, stop.Token);
        Task wasting = WasteAsync(client, stop.Token);
        for (int round = 0; round < 3; round++)
        {
            Dictionary<string, string> before = new(acknowledged, StringComparer.Ordinal);
            string name = $"load{round}";
            // It may have to wait for a sweep, and says so.
            (await cluster.TryAsync("backup", "create", "--data", cluster["data"], "--backup", cluster["loads"], "--name", name)).MustExitWith(0);
            await cluster.RunAsync("backup", "restore", name, "--backup", cluster["loads"], "--data", cluster[name]);

            await using PachdProcess restored = await PachdProcess.StartAsync(cluster[name]);
            await AssertSoundAsync(restored.Address);
            await using PachClient reader = new(restored.Address);
            Dictionary<string, string> found = new(StringComparer.Ordinal);
            await foreach (CommitInfo commit in reader.Commits.ListAsync("load", cancellationToken: Cancel))
            {
                if (commit.Finished is not null)
                {
                    found[commit.Commit.Id] = string.Join('\n', await ClusterAnswers.ReadFilesAsync(reader, CommitRef.From(commit.Commit), Cancel));
                }
            }

            Assert.All(before, pair => Assert.Equal(pair.Value, found.GetValueOrDefault(pair.Key), StringComparer.Ordinal));
        }

        await stop.CancelAsync();
        await Task.WhenAll(writing, wasting);
        Assert.NotEmpty(acknowledged);
    }

    [Fact]
    public async Task A_killed_backup_leaves_nothing_behind_that_is_in_the_way()
    {
        await cluster.RunAsync("create-repo", "killed");
        await using PachClient client = new(cluster.Server.Address);
        await PutAsync(client, "killed", 1, 5_000_000);
        for (int i = 0; i < 4; i++)
        {
            await using (var backup = PachctlProcess.Start(
                ["backup", "create", "--data", cluster["data"], "--backup", cluster["kills"], "--name", "killed"]))
            {
                // At another point each time: the claim, the copy of the metadata, their upload, the content.
                string sign = ((string[])["claim", "metadata-", "files-", ""])[i];
                while (!backup.HasExited && !FindBelow(cluster["kills"], sign))
                {
                    await Task.Yield();
                }

                await backup.KillAsync();
            }

            await cluster.RunAsync("garbage-collect");
        }

        await cluster.RunAsync("backup", "create", "--data", cluster["data"], "--backup", cluster["kills"], "--name", "after");
        string list = await cluster.RunAsync("backup", "list", "--backup", cluster["kills"]);
        Assert.Contains("after", list, StringComparison.Ordinal);
        Assert.Contains("0 problems", await cluster.RunAsync("backup", "verify", "after", "--read-data", "--backup", cluster["kills"]), StringComparison.Ordinal);
        Assert.False(Directory.Exists(cluster["data/backup"]));
        Assert.False(FindBelow(cluster["kills"], "claim"));
    }

    [Fact]
    public async Task A_second_backup_stores_only_what_is_new_and_a_time_finds_the_right_one()
    {
        string data = cluster["times-data"];
        await using (PachdProcess other = await PachdProcess.StartAsync(data))
        {
            await using PachClient client = new(other.Address);
            await client.Repos.CreateAsync("times", cancellationToken: Cancel);
            await PutAsync(client, "times", 1, 3_000_000);
            await other.StopAsync();
        }

        long first = NewBytes(await BackUpAsync("first"));
        DateTimeOffset between = TimeProvider.System.GetUtcNow();
        long same = NewBytes(await BackUpAsync("same"));
        await using (PachdProcess other = await PachdProcess.StartAsync(data))
        {
            await using PachClient client = new(other.Address);
            await PutAsync(client, "times", 2, 100_000);
            long grown = NewBytes(await BackUpAsync("grown"));
            Assert.InRange(grown, 100_000, 200_000);
        }

        Assert.InRange(first, 3_000_000, 4_000_000);
        Assert.Equal(0, same);
        await cluster.RunAsync("backup", "restore", "--at", between.ToString("O", CultureInfo.InvariantCulture), "--backup", cluster["times"], "--data", cluster["times-first"]);
        string told = await cluster.RunAsync("backup", "restore", "--at", "2999-01-01", "--backup", cluster["times"], "--data", cluster["times-last"]);
        Assert.Contains("Restored grown", told, StringComparison.Ordinal);
        await using PachdProcess early = await PachdProcess.StartAsync(cluster["times-first"]);
        await using PachClient earlyClient = new(early.Address);
        Assert.Equal(1, await earlyClient.Commits.ListAsync("times", cancellationToken: Cancel).CountAsync(Cancel));
        await using PachdProcess late = await PachdProcess.StartAsync(cluster["times-last"]);
        await using PachClient lateClient = new(late.Address);
        Assert.Equal(2, await lateClient.Commits.ListAsync("times", cancellationToken: Cancel).CountAsync(Cancel));
        (await cluster.TryAsync("backup", "restore", "--at", "1999-01-01", "--backup", cluster["times"], "--data", cluster["times-never"]))
            .MustRefuse(1, "no backup of a data directory was made by 1999-01-01", "the first is first");

        Task<string> BackUpAsync(string name) =>
            cluster.RunAsync("backup", "create", "--data", data, "--backup", cluster["times"], "--name", name);
    }

    [Fact]
    public async Task An_encrypted_backup_shows_nothing_and_damage_is_named()
    {
        const string Secret = "a text that nobody else may read, repeated often enough to be found in any pack that shows it";
        await cluster.RunAsync("create-repo", "secret-repo-name");
        await using PachClient client = new(cluster.Server.Address);
        await PutAsync(client, "secret-repo-name", 1, 500_000);
        await File.WriteAllTextAsync(cluster["passphrase"], "correct horse battery staple\n", Cancel);
        await File.WriteAllTextAsync(cluster["secret"], Secret, Cancel);
        await cluster.RunAsync("put-file", "secret-repo-name", "master", "/secret", "-c", "-f", cluster["secret"]);
        string[] named = ["--backup", cluster["sealed"], "--passphrase-file", cluster["passphrase"]];

        await cluster.RunAsync(["backup", "create", "--data", cluster["data"], "--name", "dark", .. named]);

        foreach (string file in Directory.EnumerateFiles(cluster["sealed"], "*", SearchOption.AllDirectories))
        {
            string bytes = System.Text.Encoding.Latin1.GetString(await File.ReadAllBytesAsync(file, Cancel));
            Assert.DoesNotContain("secret-repo-name", bytes, StringComparison.Ordinal);
            Assert.DoesNotContain(Secret, bytes, StringComparison.Ordinal);
        }

        Assert.Contains("0 problems", await cluster.RunAsync(["backup", "verify", "dark", "--read-data", .. named]), StringComparison.Ordinal);
        (await cluster.TryAsync("backup", "verify", "dark", "--backup", cluster["sealed"])).MustRefuse(1, "passphrase");
        string content = Directory.EnumerateFiles(cluster["sealed/content"], "*", SearchOption.AllDirectories).MaxBy(static path => new FileInfo(path).Length)!;
        await using (FileStream file = new(content, FileMode.Open, FileAccess.ReadWrite))
        {
            file.Position = file.Length / 2;
            int value = file.ReadByte();
            file.Position--;
            file.WriteByte((byte)(value ^ 1));
        }

        PachctlResult verified = (await cluster.TryAsync(["backup", "verify", "dark", "--read-data", .. named])).MustExitWith(2);
        Assert.Matches("(spool|objects/packs)/.*: its frame [0-9]+ is damaged|is cut off at, or damaged in", verified.Errors);
        (await cluster.TryAsync(["backup", "restore", "dark", "--data", cluster["dark"], .. named])).MustRefuse(1, "is damaged");
        Assert.True(File.Exists(cluster["dark/RESTORE-UNFINISHED"]));
        InvalidOperationException refused = await Assert.ThrowsAsync<InvalidOperationException>(() => PachdProcess.StartAsync(cluster["dark"]));
        Assert.Contains("was being restored", refused.Message, StringComparison.Ordinal);
    }

    [GeneratedRegex("(?<new>[0-9,]+) of them new", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex NewPattern();

    private static long NewBytes(string told) =>
        long.Parse(NewPattern().Match(told).Groups["new"].Value, NumberStyles.AllowThousands, CultureInfo.InvariantCulture);

    private static bool FindBelow(string directory, string sign)
    {
        try
        {
            return Directory.Exists(directory) && Directory.EnumerateFiles(directory, sign + "*", SearchOption.AllDirectories).Any();
        }
        catch (DirectoryNotFoundException)
        {
            // Something was removed while it was looked through.
            return false;
        }
    }

    private async Task AssertSoundAsync(string address)
    {
        PachctlResult fsck = await PachctlProcess.RunAsync(
            ["fsck", "--read-data"], new Dictionary<string, string>(StringComparer.Ordinal) { ["ADDRESS"] = address, ["HOME"] = cluster["home"] });
        fsck.MustExitWith(0);
    }

    private static async Task<CommitRef> PutAsync(PachClient client, string repo, int number, int bytes)
    {
        CommitRef commit = await client.Commits.StartAsync(repo, branch: "master", cancellationToken: Cancel);
        byte[] content = new byte[bytes];
        new Random(number).NextBytes(content);
        using MemoryStream stream = new(content);
        await client.Files.PutAsync(commit, $"/f{number}", stream, cancellationToken: Cancel);
        await client.Commits.FinishAsync(commit, Cancel);
        return commit;
    }

    private static async Task WriteAsync(PachClient client, ConcurrentDictionary<string, string> acknowledged, CancellationToken stop)
    {
        for (int number = 100; !stop.IsCancellationRequested; number++)
        {
            CommitRef commit = await PutAsync(client, "load", number, 1_000 + (number * 7919 % 300_000));
            acknowledged[commit.Id] = string.Join('\n', await ClusterAnswers.ReadFilesAsync(client, commit, Cancel));
        }
    }

    // Makes content, deletes it and collects it, over and over.
    private static async Task WasteAsync(PachClient client, CancellationToken stop)
    {
        for (int number = 100_000; !stop.IsCancellationRequested; number++)
        {
            await PutAsync(client, "waste", number, 400_000);
            if (number % 3 == 0)
            {
                await client.Repos.DeleteAsync("waste", cancellationToken: Cancel);
                await client.Repos.CreateAsync("waste", cancellationToken: Cancel);
                await client.Maintenance.CollectGarbageAsync(Cancel).CountAsync(Cancel);
            }
        }
    }
}
