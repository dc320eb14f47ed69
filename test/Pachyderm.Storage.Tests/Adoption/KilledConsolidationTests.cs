using System.Diagnostics;
using Pachyderm.Storage.Maintenance;
using Pachyderm.Storage.Packs;
using Pachyderm.Storage.Tests.Packs;

namespace Pachyderm.Storage.Tests.Adoption;

public sealed class KilledConsolidationTests : IDisposable
{
    // 128 and SIGKILL.
    private const int Killed = 137;

    private readonly StoreFolder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Killed_again_and_again_a_consolidation_loses_nothing_and_ends()
    {
        using OldStore old = OldStore.Of(Enumerable.Range(0, 400).Select(static i => StoreExtensions.Random(i, 100 + (i % 300))));
        PackStoreOptions options = ConsolidatingChild.Options(_folder.Root, old.Root);
        await using (PackChunkStore store = await StoreFolder.OpenAsync(options))
        {
            await old.AdoptAsync(store);
        }

        Random random = new(1);
        int rounds = 0;
        bool isDone = false;
        while (!isDone)
        {
            await RunAndKillAsync(old, random.Next(1, 150));
            rounds++;
            await using PackChunkStore store = await StoreFolder.OpenAsync(options);
            await old.AssertReadableAsync(store);
            await store.SealAsync(Token);
            StorageCheck check = new(store, new StorageCheckOptions { ReadData = true });
            Assert.Empty(await check.RunAsync(Token).ToListAsync(Token));
            isDone = store.ListAdoptions().Count == 0;
        }

        Assert.True(rounds > 2);
    }

    private async Task RunAndKillAsync(OldStore old, int lines)
    {
        ProcessStartInfo start = new(Environment.ProcessPath!) { RedirectStandardOutput = true, UseShellExecute = false };
        if (Path.GetFileNameWithoutExtension(start.FileName) == "dotnet")
        {
            start.ArgumentList.Add(typeof(KilledConsolidationTests).Assembly.Location);
        }

        start.Environment[ConsolidatingChild.RootVariable] = _folder.Root;
        start.Environment[ConsolidatingChild.SourceVariable] = old.Root;
        using Process child = Process.Start(start)!;
        for (int line = 0; await child.StandardOutput.ReadLineAsync(Token) is not null; line++)
        {
            if (line == lines)
            {
                child.Kill();
            }
        }

        await child.WaitForExitAsync(Token);
        Assert.True(child.ExitCode is 0 or Killed, $"exit code {child.ExitCode}");
    }
}
