using Pachyderm.Workers.Processes;

namespace Pachyderm.Workers.Tests;

/// <summary>Processes in a sandbox.</summary>
public sealed class SandboxedProcessTests : WorkerBackendConformance
{
    protected override async Task<IWorkerBackend> CreateAsync(WorkerOptions options, CancellationToken cancellationToken) =>
        await ProcessWorkerBackend.CreateAsync(options, ProcessIsolation.Required, cancellationToken);
}

/// <summary>Processes without one.</summary>
public sealed class PlainProcessTests : WorkerBackendConformance
{
    protected override async Task<IWorkerBackend> CreateAsync(WorkerOptions options, CancellationToken cancellationToken) =>
        await ProcessWorkerBackend.CreateAsync(options, ProcessIsolation.None, cancellationToken);
}
