using System.Formats.Tar;
using System.Globalization;
using System.IO.Compression;
using System.Text.Json;
using Pachyderm.EndToEnd.Tests.Support;
using Pachyderm.TestSupport;

namespace Pachyderm.EndToEnd.Tests;

/// <summary>A data directory that a pachd of format 1 wrote, upgraded by pachctl, killed everywhere, and served by pachd.</summary>
public sealed class UpgradeTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("pachyderm-upgrade-");
    private int _copies;

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public async Task Killed_at_every_point_a_second_run_ends_it()
    {
        (string digest, int points) = await UndisturbedAsync();
        for (int point = 1; point <= points; point++)
        {
            string data = await UnpackAsync();
            (await PachctlProcess.RunKilledAtAsync(point, "migrate", "--data", data)).MustExitWith(PachctlResult.Killed);
            (await PachctlProcess.RunAsync("migrate", "status", "--data", data)).MustExitWith(0);
            (await PachctlProcess.RunAsync("migrate", "--data", data)).MustExitWith(0);
            Assert.Equal(digest, await VerifiedDigestAsync(data));
            Assert.Equal("nothing-to-do", Text(await RawAsync("migrate", "--check", "--data", data), "result"));
        }
    }

    [Fact]
    public async Task Killed_at_every_point_it_can_be_undone()
    {
        (string digest, int points) = await UndisturbedAsync();
        for (int point = 1; point <= points; point++)
        {
            string data = await UnpackAsync();
            (await PachctlProcess.RunKilledAtAsync(point, "migrate", "--data", data)).MustExitWith(PachctlResult.Killed);
            PachctlResult undone = await PachctlProcess.RunAsync("migrate", "undo", "--data", data);
            Assert.True(undone.ExitCode == 0 || undone.Errors.Contains("nothing to do", StringComparison.Ordinal), undone.Errors);
            Assert.Equal(1, Format(data));
            Assert.Equal(digest, Text(await RawAsync("migrate", "--data", data), "digestBefore"));
        }
    }

    [Fact]
    public async Task Killed_while_undone_or_finalized_a_second_run_ends_that()
    {
        (string digest, _) = await UndisturbedAsync();
        for (int point = 1; point <= 2; point++)
        {
            string data = await UnpackAsync();
            (await PachctlProcess.RunAsync("migrate", "--data", data)).MustExitWith(0);
            (await PachctlProcess.RunKilledAtAsync(point, "migrate", "undo", "--data", data)).MustExitWith(PachctlResult.Killed);
            await PachctlProcess.RunAsync("migrate", "undo", "--data", data);
            Assert.Equal(1, Format(data));
            Assert.Equal(digest, Text(await RawAsync("migrate", "--data", data), "digestAfter"));
            (await PachctlProcess.RunKilledAtAsync(1, "migrate", "finalize", "-y", "--data", data)).MustExitWith(PachctlResult.Killed);
            Assert.Equal("nothing-to-do", Text(await RawAsync("migrate", "--data", data), "result"));
        }
    }

    [Fact]
    public async Task Pachd_reads_the_old_format_and_writes_the_new_one()
    {
        string data = await UnpackAsync();
        string before;
        await using (PachdProcess pachd = await PachdProcess.StartAsync(data))
        {
            before = await TellAsync(pachd);
            Assert.Contains("tagged twice", before, StringComparison.Ordinal);
            await RefusesAsync(pachd, ["create-repo", "new"], "format 1", "pachctl migrate --data");
            await RefusesAsync(pachd, ["list-file", "other", "master"], "for reading only", "open commit");
            // Beside a pachd that reads.
            (await PachctlProcess.RunAsync("migrate", "--data", data)).MustExitWith(0);
            await RefusesAsync(pachd, ["list-repo"], "another format", "restart pachd");
        }

        await using PachdProcess upgraded = await PachdProcess.StartAsync(data);
        Assert.Equal(before, await TellAsync(upgraded));
        Assert.Contains("/pending", (await PachctlProcess.RunAsync("list-file", "other", "master", "--address", upgraded.Address)).Output, StringComparison.Ordinal);
        (await PachctlProcess.RunAsync("create-repo", "new", "--address", upgraded.Address)).MustExitWith(0);
        (await PachctlProcess.RunAsync("migrate", "--data", data)).MustExitWith(0);
        (await PachctlProcess.RunAsync("migrate", "finalize", "-y", "--data", data)).MustRefuse(1, "another pachd");
        (await PachctlProcess.RunAsync("fsck", "--address", upgraded.Address)).MustExitWith(0);
    }

    private static async Task RefusesAsync(PachdProcess pachd, string[] arguments, params string[] words)
    {
        string errors = (await PachctlProcess.RunAsync([.. arguments, "--address", pachd.Address])).MustExitWith(1).Errors;
        Assert.Single(errors.TrimEnd().Split('\n'));
        Assert.All(words, word => Assert.Contains(word, errors, StringComparison.Ordinal));
    }

    private static async Task<string> TellAsync(PachdProcess pachd)
    {
        string told = "";
        foreach (string[] command in (string[][])
            [["list-file", "images", "master"], ["get-file", "images", "master", "/dir/f2"], ["list-branch", "images"], ["inspect-commit", "copy", "master", "--raw"], ["list-job", "--raw"], ["get-tag", "two"]])
        {
            told += (await PachctlProcess.RunAsync([.. command, "--address", pachd.Address])).MustExitWith(0).Output;
        }

        return told;
    }

    private static async Task<string> VerifiedDigestAsync(string data)
    {
        JsonElement report = await RawAsync("migrate", "verify", "--data", data);
        Assert.Equal("done", Text(report, "result"));
        return Text(report, "digestAfter");
    }

    private static async Task<JsonElement> RawAsync(params string[] arguments) =>
        JsonDocument.Parse((await PachctlProcess.RunAsync([.. arguments, "--raw"])).MustExitWith(0).Output).RootElement;

    private static string Text(JsonElement report, string name) => report.GetProperty(name).GetString()!;

    private static int Format(string data) =>
        JsonDocument.Parse(File.ReadAllText(Path.Combine(data, "format.json"))).RootElement.GetProperty("format").GetInt32();

    private async Task<(string Digest, int Points)> UndisturbedAsync()
    {
        (PachctlResult result, IReadOnlyList<string> points) = await PachctlProcess.RunTracedAsync("migrate", "--data", await UnpackAsync(), "--raw");
        Assert.True(points.Count >= 8, string.Join(' ', points));
        return (Text(JsonDocument.Parse(result.MustExitWith(0).Output).RootElement, "digestAfter"), points.Count);
    }

    private async Task<string> UnpackAsync()
    {
        string data = Path.Combine(_directory.FullName, (++_copies).ToString(CultureInfo.InvariantCulture));
        Directory.CreateDirectory(data);
        await using FileStream packed = File.OpenRead(Path.Combine(RepositoryPaths.Root, "migration", "format-1-2", "golden", "data.tar.gz"));
        await using GZipStream unpacked = new(packed, CompressionMode.Decompress);
        await TarFile.ExtractToDirectoryAsync(unpacked, data, overwriteFiles: false);
        return data;
    }
}
