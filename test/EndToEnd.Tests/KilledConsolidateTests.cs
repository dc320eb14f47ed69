using System.Diagnostics;
using Pachyderm.EndToEnd.Tests.Support;

namespace Pachyderm.EndToEnd.Tests;

/// <summary>A pachd that is killed while it copies its objects out of an old store has lost nothing, and the copying goes on.</summary>
public class KilledConsolidateTests
{
    // Of so many objects one is held, so that pachd copies about so many before it is killed.
    private const int OneIn = 8;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Killed_again_and_again_while_it_copies_pachd_answers_as_before_and_goes_on()
    {
        int rounds = Sets.IsLong ? 25 : 3;
        using Workspace workspace = new(Sets.Small15, withStorage: true);
        (await PachctlProcess.RunAsync(
            "migrate", "--snapshot", workspace.Source, "--storage", workspace.Storage, "--data", workspace["data"], "--accept", "registered-master")).MustExitWith(0);
        (await PachctlProcess.RunAsync("migrate", "finalize", "--data", workspace["data"], "--yes")).MustExitWith(0);
        PachdProcess server = await PachdProcess.StartAsync(workspace["data"]);
        try
        {
            IReadOnlyList<string> imported = await ClusterAnswers.ReadAsync(server.Address, Token);
            Random random = new(Sets.IsLong ? Environment.TickCount : 1);
            int kills = 0;
            for (int round = 0; round < rounds; round++)
            {
                string[] held =
                    [.. Directory.GetFiles(Path.Combine(workspace.Storage, "object")).Order(StringComparer.Ordinal).Where(_ => random.Next(OneIn) == 0)];
                kills += await KillWhenReadAsync(server, workspace, held) ? 1 : 0;
                await server.DisposeAsync();
                server = await PachdProcess.StartAsync(workspace["data"]);
                Assert.Equal(imported, await ClusterAnswers.ReadAsync(server.Address, Token), StringComparer.Ordinal);
            }

            Assert.True(kills >= 2, $"pachd was copying in {kills} of {rounds} rounds when it was killed");
            Assert.EndsWith(
                $"{workspace.Storage} may go after `pachctl migrate consolidate --release`.\n",
                (await RunAsync(server, workspace, "migrate", "consolidate")).MustExitWith(0).Output, StringComparison.Ordinal);
            (await RunAsync(server, workspace, "migrate", "consolidate", "--release")).MustExitWith(0);
            Directory.Delete(workspace.Storage, recursive: true);
            Assert.Equal(imported, await ClusterAnswers.ReadAsync(server.Address, Token), StringComparer.Ordinal);
            Assert.Contains(": 0 findings", (await RunAsync(server, workspace, "fsck", "--read-data")).MustExitWith(0).Output, StringComparison.Ordinal);
        }
        finally
        {
            await server.DisposeAsync();
        }
    }

    /// <summary>Kills pachd at the moment at which it opens one of some objects of the old store to copy it; or at the end, if it has them all.</summary>
    private static async Task<bool> KillWhenReadAsync(PachdProcess server, Workspace workspace, string[] held)
    {
        // Whoever opens a pipe waits until somebody opens its other end. So these objects are pipes as long as the copying has not come to one.
        string aside = Directory.CreateDirectory(workspace["held"]).FullName;
        foreach (string file in held)
        {
            File.Move(file, Path.Combine(aside, Path.GetFileName(file)));
        }

        using (Process make = Process.Start("mkfifo", held))
        {
            await make.WaitForExitAsync(Token);
            Assert.Equal(0, make.ExitCode);
        }

        Task[] opened = [.. held.Select(static file => Task.Factory.StartNew(
            () => new FileStream(file, FileMode.Open, FileAccess.Write, FileShare.ReadWrite).Dispose(),
            Token, TaskCreationOptions.LongRunning, TaskScheduler.Default))];
        Task<PachctlResult> copying = RunAsync(server, workspace, "migrate", "consolidate");
        bool isCopying = await Task.WhenAny([.. opened, copying]) != copying;
        await server.KillAsync();
        await copying;
        for (int i = 0; i < held.Length; i++)
        {
            // Nobody else will open it any more.
            await using (new FileStream(held[i], FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite))
            {
                await opened[i];
            }

            File.Move(Path.Combine(aside, Path.GetFileName(held[i])), held[i], overwrite: true);
        }

        return isCopying;
    }

    private static Task<PachctlResult> RunAsync(PachdProcess server, Workspace workspace, params string[] arguments) => PachctlProcess.RunAsync(
        [.. arguments, "--address", server.Address], new Dictionary<string, string>(StringComparer.Ordinal) { ["HOME"] = workspace["home"] });
}
