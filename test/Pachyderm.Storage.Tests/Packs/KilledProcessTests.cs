using System.Diagnostics;
using System.Globalization;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Maintenance;
using Pachyderm.Storage.Packs;

namespace Pachyderm.Storage.Tests.Packs;

public sealed class KilledProcessTests : IDisposable
{
    private readonly StoreFolder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Whatever_a_killed_process_acknowledged_is_readable()
    {
        Random random = new(1);
        int acknowledged = -1;
        for (int round = 0; round < 6; round++)
        {
            acknowledged = await RunAndKillAsync(acknowledged + 1, random.Next(1, 120));
            await using PackChunkStore store = await StoreFolder.OpenAsync(AppendingChild.Options(_folder.Root));
            for (int number = 0; number <= acknowledged; number++)
            {
                byte[] content = AppendingChild.Content(number);
                Assert.Equal(content, await store.ReadBytesAsync(ChunkId.Of(content)));
            }

            await store.SealAsync(Token);
            StorageCheck check = new(store, new StorageCheckOptions { ReadData = true });
            Assert.Empty(await check.RunAsync(Token).ToListAsync(Token));
        }
    }

    private async Task<int> RunAndKillAsync(int first, int lines)
    {
        ProcessStartInfo start = new(Environment.ProcessPath!) { RedirectStandardOutput = true, UseShellExecute = false };
        if (Path.GetFileNameWithoutExtension(start.FileName) == "dotnet")
        {
            start.ArgumentList.Add(typeof(KilledProcessTests).Assembly.Location);
        }

        start.Environment[AppendingChild.RootVariable] = _folder.Root;
        start.Environment[AppendingChild.FirstVariable] = first.ToString(CultureInfo.InvariantCulture);
        using Process child = Process.Start(start)!;
        int last = -1;
        for (int line = 0; await child.StandardOutput.ReadLineAsync(Token) is { } text; line++)
        {
            last = int.Parse(text, CultureInfo.InvariantCulture);
            if (line == lines)
            {
                child.Kill();
            }
        }

        await child.WaitForExitAsync(Token);
        Assert.True(last >= first);
        return last;
    }
}
