using Pachyderm.EndToEnd.Tests.Support;

namespace Pachyderm.EndToEnd.Tests;

/// <summary>A cluster of 1.5.3 whose objects are used in place leaves its old store, while pachd serves.</summary>
public class ConsolidateTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Consolidated_and_released_the_old_store_may_go_and_every_answer_stays()
    {
        using Workspace workspace = new(Sets.Small15, withStorage: true);
        await ImportAsync(workspace);
        SortedDictionary<string, string> storage = Workspace.FilesOf(workspace.Storage);
        IReadOnlyList<string> imported;
        await using (PachdProcess server = await PachdProcess.StartAsync(workspace["data"]))
        {
            imported = await ClusterAnswers.ReadAsync(server.Address, Token);
            PachctlResult early = (await RunAsync(server, workspace, "migrate", "consolidate", "--release")).MustExitWith(1);
            Assert.Contains("pachctl migrate finalize", early.Errors, StringComparison.Ordinal);
            await server.StopAsync();
        }

        (await PachctlProcess.RunAsync("migrate", "finalize", "--data", workspace["data"], "--yes")).MustExitWith(0);
        await using (PachdProcess server = await PachdProcess.StartAsync(workspace["data"]))
        {
            PachctlResult needed = (await RunAsync(server, workspace, "migrate", "consolidate", "--release")).MustExitWith(1);
            Assert.Matches("[1-9][0-9]* chunks with [0-9]+ bytes are needed and are only there", needed.Errors);

            string copied = (await RunAsync(server, workspace, "migrate", "consolidate")).MustExitWith(0).Output;
            Assert.Matches("^[1-9][0-9]* chunks copied, .*KiB; nothing is left: ", copied);
            Assert.EndsWith($": {workspace.Storage} may go after `pachctl migrate consolidate --release`.\n", copied, StringComparison.Ordinal);
            Assert.StartsWith("0 chunks copied, 0B; ", (await RunAsync(server, workspace, "migrate", "consolidate")).MustExitWith(0).Output, StringComparison.Ordinal);

            string adopted = await File.ReadAllTextAsync(Path.Combine(workspace["data"], "adopted.json"), Token);
            string released = (await RunAsync(server, workspace, "migrate", "consolidate", "--release")).MustExitWith(0).Output;
            Assert.Equal($"Released: pachd needs {workspace.Storage} no more. It may be removed.\n", released);
            Assert.Equal(
                "Nothing is used in place: all content is pachd's own.\n", (await RunAsync(server, workspace, "migrate", "consolidate")).MustExitWith(0).Output);

            // As after a kill between the forgetting and the writing of the file.
            await File.WriteAllTextAsync(Path.Combine(workspace["data"], "adopted.json"), adopted, Token);
            Assert.Equal(released, (await RunAsync(server, workspace, "migrate", "consolidate", "--release")).MustExitWith(0).Output);
            Assert.DoesNotContain(workspace.Storage, await File.ReadAllTextAsync(Path.Combine(workspace["data"], "adopted.json"), Token), StringComparison.Ordinal);
            await server.StopAsync();
        }

        Same.Entries(storage, Workspace.FilesOf(workspace.Storage), "neither touches the old store");
        Directory.Delete(workspace.Storage, recursive: true);
        await using (PachdProcess server = await PachdProcess.StartAsync(workspace["data"]))
        {
            Assert.Equal(imported, await ClusterAnswers.ReadAsync(server.Address, Token), StringComparer.Ordinal);
            Assert.Contains(": 0 findings", (await RunAsync(server, workspace, "fsck", "--read-data")).MustExitWith(0).Output, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task An_object_that_is_damaged_in_the_old_store_is_told_and_holds_the_old_store()
    {
        using Workspace workspace = new(Sets.Small15, withStorage: true);
        await ImportAsync(workspace);
        (await PachctlProcess.RunAsync("migrate", "finalize", "--data", workspace["data"], "--yes")).MustExitWith(0);
        string path = new DirectoryInfo(Path.Combine(workspace.Storage, "object")).GetFiles().MaxBy(static file => file.Length)!.FullName;
        byte[] sound = await File.ReadAllBytesAsync(path, Token);
        byte[] damaged = [.. sound];
        damaged[0] ^= 1;
        await File.WriteAllBytesAsync(path, damaged, Token);

        await using PachdProcess server = await PachdProcess.StartAsync(workspace["data"]);
        PachctlResult incomplete = (await RunAsync(server, workspace, "migrate", "consolidate")).MustExitWith(1);
        Assert.Contains("; 1 could not be read, ", incomplete.Output, StringComparison.Ordinal);
        Assert.EndsWith($"{workspace.Storage} must stay.\n", incomplete.Output, StringComparison.Ordinal);
        Assert.Contains("1 chunks with", (await RunAsync(server, workspace, "migrate", "consolidate", "--release")).MustExitWith(1).Errors, StringComparison.Ordinal);

        await File.WriteAllBytesAsync(path, sound, Token);
        Assert.StartsWith("1 chunks copied, ", (await RunAsync(server, workspace, "migrate", "consolidate")).MustExitWith(0).Output, StringComparison.Ordinal);
        (await RunAsync(server, workspace, "migrate", "consolidate", "--release")).MustExitWith(0);
    }

    private static async Task ImportAsync(Workspace workspace) => (await PachctlProcess.RunAsync(
        "migrate", "--snapshot", workspace.Source, "--storage", workspace.Storage, "--data", workspace["data"], "--accept", "registered-master")).MustExitWith(0);

    private static Task<PachctlResult> RunAsync(PachdProcess server, Workspace workspace, params string[] arguments) => PachctlProcess.RunAsync(
        [.. arguments, "--address", server.Address], new Dictionary<string, string>(StringComparer.Ordinal) { ["HOME"] = workspace["home"] });
}
