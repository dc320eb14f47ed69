using Microsoft.Win32.SafeHandles;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Maintenance;
using Pachyderm.Storage.Packs;
using Pachyderm.Storage.Tests.Packs;

namespace Pachyderm.Storage.Tests.Maintenance;

/// <summary>Who copies packs and who removes them.</summary>
public sealed class PackHoldTests : IDisposable
{
    private readonly StoreFolder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_sweep_waits_until_nobody_copies_packs_and_tells_for_whom()
    {
        TaskCompletionSource waiting = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using PackChunkStore store = await StoreFolder.OpenAsync(_folder.Options with
        {
            OnFinding = finding =>
            {
                _folder.Findings.Enqueue(finding);
                waiting.TrySetResult();
            },
        });
        List<ChunkId> ids = await store.PutDurablyAsync(StoreExtensions.Random(1, 5_000));
        await store.SealAsync(Token);
        Task<GarbageCollectionResult> sweeping;
        await using (GarbageCollector collector = await GarbageCollector.BeginAsync(store, options: null, Token))
        {
            await using (await PackHold.AcquireAsync(_folder.Spool, "a backup", TimeProvider.System, onWaiting: null, Token))
            {
                sweeping = collector.SweepAsync(Token);
                await waiting.Task.WaitAsync(Token);
                Assert.False(sweeping.IsCompleted);
                Assert.Single(_folder.StoredPacks);
                Assert.Equal(5_000, (await store.ReadBytesAsync(ids[0])).Length);
            }

            Assert.Equal(1, (await sweeping).PacksDeleted);
        }

        Assert.Empty(_folder.StoredPacks);
        StorageFinding told = Assert.Single(_folder.Findings, static finding => finding.Id == "packs-held");
        Assert.Contains($"a backup (process {Environment.ProcessId} on", told.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_sealed_pack_is_looked_through_and_its_damage_is_named()
    {
        await using (PackChunkStore store = await StoreFolder.OpenAsync(_folder.Options))
        {
            await store.PutDurablyAsync(StoreExtensions.Random(1, 5_000), StoreExtensions.Text(2, 5_000));
        }

        string path = Assert.Single(_folder.StoredPacks);
        PackInspection sound = Inspect(path);
        Assert.Equal((true, 2, new FileInfo(path).Length), (sound.IsSealed, sound.Chunks, sound.SettledBytes));
        Assert.Empty(sound.Findings);

        await using (FileStream file = new(path, FileMode.Open, FileAccess.Write))
        {
            file.Position = 200;
            file.WriteByte(77);
        }

        Assert.Equal("chunk-damaged", Assert.Single(Inspect(path).Findings).Id);
    }

    [Fact]
    public async Task Of_an_open_pack_counts_what_reaches_to_its_last_intact_chunk()
    {
        PackChunkStore store = await StoreFolder.OpenAsync(_folder.Options);
        await store.PutDurablyAsync(StoreExtensions.Random(1, 5_000));
        string path = Assert.Single(_folder.SpoolPacks);
        long settled = new FileInfo(path).Length;
        await store.AbandonAsync();
        await File.AppendAllTextAsync(path, "PRecand then the power went", Token);

        PackInspection found = Inspect(path);

        Assert.Equal((false, 1, settled), (found.IsSealed, found.Chunks, found.SettledBytes));
        Assert.Empty(found.Findings);
    }

    private static PackInspection Inspect(string path)
    {
        using SafeFileHandle file = File.OpenHandle(path);
        return PackInspection.Read(Path.GetFileNameWithoutExtension(path), path, file, Token);
    }
}
