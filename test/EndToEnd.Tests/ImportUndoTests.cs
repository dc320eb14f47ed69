using System.Text.Json;
using Pachyderm.EndToEnd.Tests.Support;
using Pachyderm.Tests;

namespace Pachyderm.EndToEnd.Tests;

/// <summary>What was written since an import is not lost by its undo: refused, extracted, or dropped knowingly.</summary>
public class ImportUndoTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Writes_since_the_import_are_extracted_before_it_is_undone_and_restored_elsewhere()
    {
        using Workspace workspace = new(Sets.Small15, withStorage: true);
        string written = await ImportAndWriteAsync(workspace);
        string stream = workspace["kept.pachyderm"];
        SortedDictionary<string, string> before = Workspace.FilesOf(workspace["data"]);

        PachctlResult refused = (await UndoAsync(workspace)).MustRefuse(1, "since the import", "later/", "--extract FILE", "--discard-later-writes");
        Assert.Contains("written since the import: repo later", refused.Errors, StringComparison.Ordinal);
        Assert.Equal(before.Keys, Workspace.FilesOf(workspace["data"]).Keys);
        (await UndoAsync(workspace, "--extract", Path.Combine(workspace["data"], "kept"))).MustRefuse(1, "data directory that is dropped");
        await File.WriteAllTextAsync(stream, "precious", Token);
        (await UndoAsync(workspace, "--extract", stream)).MustRefuse(1, "there is something already");
        Assert.Equal("precious", await File.ReadAllTextAsync(stream, Token));
        Assert.True(File.Exists(Path.Combine(workspace["data"], "format.json")));
        (await UndoAsync(workspace, "--extract", stream, "--discard-later-writes")).MustExitWith(3);
        File.Delete(stream);

        PachctlResult undone = (await UndoAsync(workspace, "--extract", stream)).MustExitWith(0);

        Assert.Contains($"is in {stream}", undone.Errors, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(workspace["data"]));
        Directory.Delete(workspace.Storage, recursive: true);
        await RestoreAndReadAsync(workspace, stream, written);
    }

    [Fact]
    public async Task Killed_at_any_point_the_same_undo_goes_on_and_the_stream_is_not_lost()
    {
        using Workspace workspace = new(Sets.Small15, withStorage: true);
        string written = await ImportAndWriteAsync(workspace);
        string kept = workspace["kept"];
        CopyDirectory(workspace["data"], kept);
        string stream = workspace["kept.pachyderm"];
        (PachctlResult traced, IReadOnlyList<string> points) = await PachctlProcess.RunTracedAsync(Undo(workspace, "--extract", stream));
        traced.MustExitWith(0);
        Assert.Contains("import.undo-extracted", points, StringComparer.Ordinal);

        for (int point = 1; point <= points.Count; point++)
        {
            File.Delete(stream);
            Directory.Delete(workspace["data"], recursive: true);
            CopyDirectory(kept, workspace["data"]);
            (await PachctlProcess.RunKilledAtAsync(point, Undo(workspace, "--extract", stream))).MustExitWith(PachctlResult.Killed);
            if (!File.Exists(stream))
            {
                Assert.True(File.Exists(Path.Combine(workspace["data"], "format.json")), $"{points[point - 1]}: dropped without the stream");
            }

            (await UndoAsync(workspace, "--extract", stream)).MustExitWith(0);
            Assert.Empty(Directory.GetFileSystemEntries(workspace["data"]));
        }

        await RestoreAndReadAsync(workspace, stream, written);
    }

    [Fact]
    public async Task An_undo_after_which_nothing_would_be_missed_writes_no_stream()
    {
        using Workspace workspace = new(Sets.Small15, withStorage: true);
        (await PachctlProcess.RunAsync(Import(workspace))).MustExitWith(0);

        (await UndoAsync(workspace, "--extract", workspace["kept.pachyderm"])).MustExitWith(0);

        Assert.False(File.Exists(workspace["kept.pachyderm"]));
        Assert.Empty(Directory.GetFileSystemEntries(workspace["data"]));
    }

    private static string[] Import(Workspace workspace) =>
        ["migrate", "--snapshot", workspace.Source, "--storage", workspace.Storage, "--data", workspace["data"], "--accept", "registered-master"];

    private static string[] Undo(Workspace workspace, params string[] more) => ["migrate", "undo", "--data", workspace["data"], "--yes", .. more];

    private static Task<PachctlResult> UndoAsync(Workspace workspace, params string[] more) => PachctlProcess.RunAsync(Undo(workspace, more));

    private static async Task<string> ImportAndWriteAsync(Workspace workspace)
    {
        (await PachctlProcess.RunAsync(Import(workspace))).MustExitWith(0);
        string file = workspace["written"];
        await File.WriteAllTextAsync(file, "written on the new release\n", Token);
        await using PachdProcess server = await PachdProcess.StartAsync(workspace["data"]);
        await RunAsync(server, workspace, "create-repo", "later");
        await RunAsync(server, workspace, "put-file", "later", "master", "/new", "-c", "-f", file);
        await server.StopAsync();
        return Workspace.Hash(file);
    }

    private static async Task RestoreAndReadAsync(Workspace workspace, string stream, string written)
    {
        using JsonDocument expected = FixtureContent.Expected(Sets.Small15);
        (string repo, string id, _, JsonElement files) = FixtureContent.Commits(expected).First(static commit => commit.Repo == "images");
        JsonElement old = files.EnumerateArray().First(static file => file.GetProperty("type").GetString() == "FILE");
        string copy = workspace["copy"];
        await using PachdProcess server = await PachdProcess.StartAsync(workspace["fresh"]);
        await RunAsync(server, workspace, "restore", "-f", stream);
        await RunAsync(server, workspace, "get-file", "later", "master", "/new", "-o", copy);
        Assert.Equal(written, Workspace.Hash(copy));
        File.Delete(copy);
        await RunAsync(server, workspace, "get-file", repo, id, old.GetProperty("path").GetString()!, "-o", copy);
        Assert.Equal(old.GetProperty("sha256").GetString(), Workspace.Hash(copy));
    }

    private static async Task RunAsync(PachdProcess server, Workspace workspace, params string[] arguments) => (await PachctlProcess.RunAsync(
        arguments, new Dictionary<string, string>(StringComparer.Ordinal) { ["HOME"] = workspace["home"], ["ADDRESS"] = server.Address })).MustExitWith(0);

    private static void CopyDirectory(string source, string target)
    {
        Directory.CreateDirectory(target);
        foreach (string directory in Directory.GetDirectories(source, "*", SearchOption.AllDirectories))
        {
            Directory.CreateDirectory(Path.Combine(target, Path.GetRelativePath(source, directory)));
        }

        foreach (string file in Directory.GetFiles(source, "*", SearchOption.AllDirectories))
        {
            File.Copy(file, Path.Combine(target, Path.GetRelativePath(source, file)));
        }
    }
}
