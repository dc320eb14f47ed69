using Grpc.Core;
using Pachyderm.Errors;
using Pachyderm.ObjectStores.Tests;
using Pachyderm.Pachd.Translation;
using static Pachyderm.Pachd.Tests.PachdProcess;

namespace Pachyderm.Pachd.Tests;

public sealed class FullDiskTests : IDisposable
{
    private readonly TemporaryDirectory directory = new();

    public void Dispose() => directory.Dispose();

    [Fact]
    public async Task On_a_full_disk_writes_are_refused_and_what_was_acknowledged_can_be_read()
    {
        using TinyFileSystem? disk = TinyFileSystem.TryMount(directory["disk"], "size=24m");
        if (disk is null)
        {
            // Without the right to mount there is no small disk to be had; what a full one is answered with can still be looked at.
            OperatorException full = new("storage-full", "disk", "it is full", "make room");
            Assert.Equal(StatusCode.ResourceExhausted, StatusTable.Find(full)!.Value.StatusCode);
            return;
        }
        string data = Path.Combine(disk.Path, "data");
        List<string> acknowledged = [];
        await using (PachdProcess pachd = await StartAsync(data))
        {
            await pachd.CreateRepoAsync("data");
            string commit = await pachd.StartCommitAsync("data", "master");
            RpcException? refused = null;
            for (int number = 0; refused is null; number++)
            {
                Assert.True(number < 100, "the disk should be full");
                try
                {
                    await pachd.PutAsync("data", commit, $"f{number}", Content(number));
                    acknowledged.Add($"f{number}");
                }
                catch (RpcException exception)
                {
                    refused = exception;
                }
            }
            Assert.Equal(StatusCode.ResourceExhausted, refused.StatusCode);
            Assert.Contains("no space left on the device", refused.Status.Detail, StringComparison.Ordinal);
            await pachd.Pfs.InspectCommitAsync(
                new Wire.Pfs.InspectCommitRequest { Commit = Commit("data", commit) }, cancellationToken: Token);
            pachd.Kill();
        }
        // With room again, everything goes on.
        Remount(disk.Path, "size=64m");
        await using PachdProcess again = await StartAsync(data);
        await again.FinishAsync("data", "master");
        Assert.NotEmpty(acknowledged);
        foreach (string path in acknowledged)
        {
            byte[] content = [.. (await again.GetAsync("data", "master", path)).SelectMany(message => message)];
            Assert.True(Content(int.Parse(path[1..], System.Globalization.CultureInfo.InvariantCulture)).AsSpan().SequenceEqual(content));
        }
        again.Terminate();
        Assert.Equal(0, await again.WaitForExitAsync());
    }

    private static void Remount(string path, string options)
    {
        using System.Diagnostics.Process mount = System.Diagnostics.Process.Start("mount", ["-o", $"remount,{options}", path]);
        mount.WaitForExit();
        Assert.Equal(0, mount.ExitCode);
    }

    private static byte[] Content(int number)
    {
        byte[] content = new byte[1_500_000];
        new Random(number).NextBytes(content);
        return content;
    }
}
