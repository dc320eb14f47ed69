using Pachyderm.Errors;
using Pachyderm.Workers.Processes;

namespace Pachyderm.Workers.Tests;

/// <summary>Processes without a sandbox.</summary>
public sealed class PlainProcessTests : WorkerBackendConformance
{
    [Fact]
    public async Task Without_a_sandbox_files_cannot_be_shown_elsewhere()
    {
        Assert.DoesNotContain(Backend.Notes, note => note.Contains("PACH_PFS", StringComparison.Ordinal));
        Assert.False(((ProcessWorkerBackend)Backend).Sandboxed);
        OperatorException refusal = await Assert.ThrowsAsync<OperatorException>(() => Backend.StartAsync(
            Spec("true") with { Mounts = [new ReadOnlyMount("/etc", "/elsewhere")] }, Stop));
        Assert.Equal("mount-needs-sandbox", refusal.Id);
    }

    protected override async Task<IWorkerBackend> CreateAsync(WorkerOptions options, CancellationToken cancellationToken) =>
        await ProcessWorkerBackend.CreateAsync(options, ProcessIsolation.None, cancellationToken);
}
