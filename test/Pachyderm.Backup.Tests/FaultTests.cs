using Pachyderm.ObjectStores;

namespace Pachyderm.Backup.Tests;

public sealed class FaultTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<FaultMoment, ObjectStoreOperation> Faults => new(
        from moment in Enum.GetValues<FaultMoment>()
        from operation in (ObjectStoreOperation[])[ObjectStoreOperation.Put, ObjectStoreOperation.GetProperties]
        select (moment, operation));

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task A_failure_at_any_call_leaves_earlier_backups_sound_and_the_next_run_succeeds(FaultMoment moment, ObjectStoreOperation operation)
    {
        using BackupFixture fixture = new();
        Shrink(fixture, 12);
        BackupRepository sound = await fixture.OpenAsync();
        BackupRequest request = await fixture.RequestAsync();
        await sound.CreateAsync(request with { Name = "earlier", Content = null }, Token);
        int failures = 0;
        bool done = false;
        for (int at = 1; !done; at++)
        {
            int seen = 0;
            FaultInjectingObjectStore store = new(
                fixture.Store,
                call => call.Operation == operation && Interlocked.Increment(ref seen) == at ? new ObjectStoreFault(moment, new TimeoutException("lost")) : null);
            string name = $"b{at}";
            try
            {
                BackupRepository repository = await BackupRepository.OpenAsync(store, null, null, Token);
                await repository.CreateAsync(request with { Name = name }, Token);
                done = seen < at;
            }
            catch (TimeoutException)
            {
                failures++;
            }

            // Whether or not the answer was lost: what is listed is whole.
            foreach (BackupSummary summary in await sound.ListAsync(Token).ToListAsync(Token))
            {
                Assert.Null(summary.Problem);
                Assert.True((await sound.VerifyAsync(summary.Name, readData: true, null, Token)).IsSound);
            }

            // Contents are stored once, so they go, to have every call made again.
            Directory.Delete(Path.Combine(fixture.Store.RootPath, "backups"), recursive: true);
            if (Directory.Exists(Path.Combine(fixture.Store.RootPath, "content")))
            {
                Directory.Delete(Path.Combine(fixture.Store.RootPath, "content"), recursive: true);
            }
        }

        Assert.True(failures > 10, $"{failures} failures");
    }

    [Fact]
    public async Task A_cancelled_backup_leaves_nothing_to_see_and_nothing_to_clean()
    {
        using BackupFixture fixture = new();
        BackupRepository repository = await fixture.OpenAsync();
        using CancellationTokenSource source = new();
        BackupRequest request = await fixture.RequestAsync("first") with { Progress = new CancelAt("content", source) };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => repository.CreateAsync(request, source.Token));
        Assert.Empty(fixture.RepositoryFiles("backups"));
        Assert.DoesNotContain(fixture.RepositoryFiles(), path => path.Contains(ObjectKey.TemporaryPrefix, StringComparison.Ordinal));
        await repository.CreateAsync(request with { Progress = null }, Token);
    }

    [Fact]
    public async Task A_restore_that_fails_in_the_middle_is_marked_and_not_taken_for_whole()
    {
        using BackupFixture fixture = new();
        BackupRepository repository = await fixture.OpenAsync();
        await repository.CreateAsync(await fixture.RequestAsync("first"), Token);
        int reads = 0;
        FaultInjectingObjectStore store = new(
            fixture.Store,
            call => call.Operation == ObjectStoreOperation.OpenRead && Interlocked.Increment(ref reads) == 50
                ? new ObjectStoreFault(FaultMoment.During, new TimeoutException("lost")) : null);
        BackupRepository failing = await BackupRepository.OpenAsync(store, null, null, Token);
        await Assert.ThrowsAsync<TimeoutException>(() => failing.RestoreAsync("first", new RestoreTarget(fixture["pach"], null), null, Token));
        Assert.True(File.Exists(Path.Combine(fixture["pach"], BackupRestorer.UnfinishedMarker)));
        Errors.OperatorException refusal = await Assert.ThrowsAsync<Errors.OperatorException>(
            () => repository.RestoreAsync("first", new RestoreTarget(fixture["pach"], null), null, Token));
        Assert.Contains("not finished", refusal.Message, StringComparison.Ordinal);
    }

    // Fewer files, so that a failure at each call is tried in little time.
    private static void Shrink(BackupFixture fixture, int objects)
    {
        foreach (string path in Directory.GetFiles(Path.Combine(fixture.Content.Root, "object")).Order(StringComparer.Ordinal).Skip(objects))
        {
            File.Delete(path);
        }
    }

    private sealed class CancelAt(string phase, CancellationTokenSource source) : IProgress<BackupProgress>
    {
        public void Report(BackupProgress value)
        {
            if (string.Equals(value.Phase, phase, StringComparison.Ordinal))
            {
                source.Cancel();
            }
        }
    }
}
