using System.Runtime.CompilerServices;
using Pachyderm.Workers.Resources;

namespace Pachyderm.Workers.Tests;

/// <summary>
/// What every backend does alike. An implementation inherits these tests; they speak to user code only through <c>$PACH_PFS</c>, since not
/// every backend can give it <c>/pfs</c>. After each test nothing may be left: no process, scratch directory, pipe, mount or control group.
/// </summary>
public abstract partial class WorkerBackendConformance : IAsyncLifetime
{
    private readonly string _mark = $"m{Guid.NewGuid():n}";

    private protected string Scratch { get; } = Path.Combine(Path.GetTempPath(), $"workers-{Guid.NewGuid():n}");

    private protected static CancellationToken Stop => TestContext.Current.CancellationToken;

    private protected IWorkerBackend Backend { get; set; } = null!;

    private protected MemoryLog Log { get; set; } = new();

    private protected MemorySink Sink { get; set; } = new();

    protected abstract Task<IWorkerBackend> CreateAsync(WorkerOptions options, CancellationToken cancellationToken);

    public async ValueTask InitializeAsync() => await UseAsync(options => options);

    public async ValueTask DisposeAsync()
    {
        await Backend.DisposeAsync();
        Assert.Empty(Directory.EnumerateFileSystemEntries(Scratch));
        Directory.Delete(Scratch);
        Assert.Empty(Marked());
        Assert.DoesNotContain(Scratch, await File.ReadAllTextAsync("/proc/self/mountinfo"), StringComparison.Ordinal);
        ControlGroupMounts groups = ControlGroupMounts.Read();
        foreach (string? parent in (string?[])[groups.Unified, groups.Memory, groups.Cpu, groups.Processes])
        {
            Assert.Empty(Directory.Exists(parent) ? Directory.EnumerateDirectories(parent, $"*{_mark}*") : []);
        }

        Assert.DoesNotContain(
            Directory.EnumerateFiles("/proc/self/fd"),
            file => new FileInfo(file).LinkTarget?.StartsWith(Scratch, StringComparison.Ordinal) is true);
        GC.SuppressFinalize(this);
    }

    private protected async Task UseAsync(Func<WorkerOptions, WorkerOptions> change)
    {
        if (Backend is not null)
        {
            await Backend.DisposeAsync();
        }

        Directory.CreateDirectory(Scratch);
        WorkerOptions options = new() { ScratchDirectory = Scratch, KillGrace = TimeSpan.FromSeconds(60) };
        Backend = await CreateAsync(change(options), Stop);
    }

    private protected WorkerSpec Spec(params string[] command) => new()
    {
        Name = _mark,
        Command = command,
        Image = Environment.GetEnvironmentVariable("PACH_TEST_IMAGE"),
        Environment = new Dictionary<string, string> { ["TEST_MARK"] = _mark },
    };

    private protected WorkerSpec ShellSpec(string script) => Spec("/bin/sh", "-c", script);

    private protected static DatumWork Work(params IInputTree[] inputs) => new() { Id = "d1", JobId = "j1", Inputs = inputs };

    private protected Task<DatumOutcome> RunShellAsync(string script, params IInputTree[] inputs) =>
        RunAsync(ShellSpec(script), Work(inputs));

    private protected async Task<DatumOutcome> RunAsync(WorkerSpec spec, DatumWork work)
    {
        await using IWorker worker = await Backend.StartAsync(spec, Stop);
        return await RunAsync(worker, work, Stop);
    }

    private protected async Task<DatumOutcome> RunAsync(IWorker worker, DatumWork work, CancellationToken cancellationToken)
    {
        await using IPreparedDatum prepared = await worker.PrepareAsync(work, cancellationToken);
        await prepared.RunAsync(Log, cancellationToken);
        return await prepared.CollectAsync(Sink, cancellationToken);
    }

    private protected static void AssertSuccess(DatumOutcome outcome)
    {
        Assert.Null(outcome.Reason);
        Assert.True(outcome.Succeeded);
    }

    private protected static void AssertFailure(string expected, DatumOutcome outcome)
    {
        Assert.False(outcome.Succeeded);
        Assert.Contains(expected, outcome.Reason, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', outcome.Reason!);
    }

    /// <summary>Processes of this test.</summary>
    private protected List<string> Marked() => [.. Directory.EnumerateDirectories("/proc").Where(directory => Carries(directory, _mark))];

    private protected static async IAsyncEnumerable<T> Each<T>(
        IEnumerable<T> items, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        foreach (T item in items)
        {
            cancellationToken.ThrowIfCancellationRequested();
            await Task.Yield();
            yield return item;
        }
    }

    private static bool Carries(string process, string mark)
    {
        try
        {
            return File.ReadAllText($"{process}/environ").Contains($"TEST_MARK={mark}", StringComparison.Ordinal);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
