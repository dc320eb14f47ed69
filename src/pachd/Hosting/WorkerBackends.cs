using Pachyderm.Errors;
using Pachyderm.Pachd.Configuration;
using Pachyderm.Workers;
using Pachyderm.Workers.Containers;
using Pachyderm.Workers.Processes;

namespace Pachyderm.Pachd.Hosting;

/// <summary>Makes the backend that the settings ask for.</summary>
internal static class WorkerBackends
{
    /// <summary>Makes it, and removes what a pachd that died left in the scratch directory.</summary>
    /// <exception cref="OperatorException">What is asked for cannot be had on this machine.</exception>
    public static async Task<IWorkerBackend> CreateAsync(PipelineOptions options, CancellationToken cancellationToken)
    {
        switch (options.Workers)
        {
            case WorkerPlace.Container:
                return await ContainersAsync(options, cancellationToken);
            case WorkerPlace.Process:
                return await ProcessesAsync(options, cancellationToken);
            default:
                // Beside each other: both ask other programs, which takes most of the time that pachd needs to start.
                Task<ContainerWorkerBackend> starting = ContainersAsync(options, cancellationToken);
                ProcessWorkerBackend processes = await ProcessesAsync(options, cancellationToken);
                try
                {
                    return new AutomaticWorkerBackend(processes, await starting, problem: null);
                }
                catch (OperatorException missing)
                {
                    return new AutomaticWorkerBackend(processes, containers: null, missing.Problem);
                }
        }
    }

    // Each backend has a directory of its own: it removes what is left in it without knowing how to end what another kind left running.
    private static Task<ProcessWorkerBackend> ProcessesAsync(PipelineOptions options, CancellationToken cancellationToken) =>
        ProcessWorkerBackend.CreateAsync(Describe(options, "processes"), options.Sandbox, cancellationToken);

    private static Task<ContainerWorkerBackend> ContainersAsync(PipelineOptions options, CancellationToken cancellationToken) =>
        ContainerWorkerBackend.CreateAsync(Describe(options, "containers"), new ContainerOptions(), cancellationToken);

    private static WorkerOptions Describe(PipelineOptions options, string kind) => new()
    {
        ScratchDirectory = Path.Combine(options.ScratchDirectory, kind),
        Network = options.Network,
    };
}

/// <summary>Containers for pipelines that name an image, where an engine answers; else processes of this machine.</summary>
/// <param name="processes">For pipelines without an image.</param>
/// <param name="containers">For those with one; null if no engine answers.</param>
/// <param name="problem">Why there are no containers; null if there are.</param>
internal sealed class AutomaticWorkerBackend(IWorkerBackend processes, IWorkerBackend? containers, string? problem) : IWorkerBackend
{
    /// <inheritdoc/>
    public string Name => containers is null ? processes.Name : $"{containers.Name} or {processes.Name}";

    /// <inheritdoc/>
    public IReadOnlyList<string> Notes { get; } =
    [
        .. problem is null
            ? (string[])[]
            : [$"Pipelines run the programs of this machine, whatever image they name ({problem.TrimEnd('.')})."],
        .. containers?.Notes ?? [],
        .. processes.Notes,
    ];

    /// <inheritdoc/>
    public Task<IWorker> StartAsync(WorkerSpec spec, CancellationToken cancellationToken) =>
        (string.IsNullOrEmpty(spec.Image) ? processes : containers ?? processes).StartAsync(spec, cancellationToken);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (containers is not null)
        {
            await containers.DisposeAsync();
        }
        await processes.DisposeAsync();
    }
}

/// <summary>No workers: for a store that is only read.</summary>
/// <param name="refusal">Why.</param>
internal sealed class NoWorkerBackend(OperatorException refusal) : IWorkerBackend
{
    /// <inheritdoc/>
    public string Name => "none";

    /// <inheritdoc/>
    public IReadOnlyList<string> Notes => [];

    /// <inheritdoc/>
    public Task<IWorker> StartAsync(WorkerSpec spec, CancellationToken cancellationToken) =>
        Task.FromException<IWorker>(new OperatorException(refusal.Id, refusal.Thing, refusal.Problem, refusal.Remedy, refusal));

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
