using Pachyderm.Errors;
using Pachyderm.Workers.Processes;
using Pachyderm.Workers.Scratch;

namespace Pachyderm.Workers.Containers;

/// <summary>Runs user code in containers of podman or docker on this machine, one for each worker. Needs Linux.</summary>
public sealed class ContainerWorkerBackend : IWorkerBackend
{
    private readonly WorkerOptions _options;
    private readonly ContainerOptions _containers;
    private readonly ContainerEngine _engine;

    private ContainerWorkerBackend(WorkerOptions options, ContainerOptions containers, ContainerEngine engine)
    {
        _options = options;
        _containers = containers;
        _engine = engine;
    }

    /// <inheritdoc/>
    public string Name => "container";

    /// <inheritdoc/>
    public IReadOnlyList<string> Notes => [];

    /// <summary>Finds an engine, and removes what a server that died left behind.</summary>
    /// <param name="options">Options.</param>
    /// <param name="containers">Options of the engine.</param>
    /// <param name="cancellationToken">Ends the start early.</param>
    /// <exception cref="OperatorException">No engine answers, or the scratch directory is unusable.</exception>
    public static async Task<ContainerWorkerBackend> CreateAsync(
        WorkerOptions options, ContainerOptions containers, CancellationToken cancellationToken)
    {
        if (Path.GetFullPath(options.ScratchDirectory).Contains(',', StringComparison.Ordinal))
        {
            throw new OperatorException("scratch-name", options.ScratchDirectory, "container engines take no path with a comma",
                "choose another scratch directory");
        }

        ContainerEngine engine = await ContainerEngine.FindAsync(containers, cancellationToken).ConfigureAwait(false);
        await ScratchArea.RemoveLeftOversAsync(
            options.ScratchDirectory,
            worker => engine.CallAsync(["rm", "--force", ContainerName(worker)], CancellationToken.None),
            cancellationToken).ConfigureAwait(false);
        return new ContainerWorkerBackend(options, containers, engine);
    }

    /// <inheritdoc/>
    public async Task<IWorker> StartAsync(WorkerSpec spec, CancellationToken cancellationToken)
    {
        Shell.Check(spec);
        if (string.IsNullOrEmpty(spec.Image))
        {
            throw new OperatorException("image-missing", $"pipeline {spec.Name}", "it names no image", "give transform.image");
        }

        ScratchArea area = ScratchArea.Create(_options.ScratchDirectory, spec.Name);
        ContainerHost host = new(_options, _containers, area.Directory, _engine, spec, ContainerName(area.Id));
        Worker worker = new(_options, spec, area, host, group: null);
        try
        {
            await worker.WriteControlFilesAsync(enterScript: "", cancellationToken).ConfigureAwait(false);
            await host.StartAsync(cancellationToken).ConfigureAwait(false);
            return worker;
        }
        catch
        {
            await worker.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static string ContainerName(string worker) => $"pachyderm-{worker}";
}
