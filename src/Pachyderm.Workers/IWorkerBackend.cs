using Pachyderm.Errors;

namespace Pachyderm.Workers;

/// <summary>
/// Where user code runs: processes of this machine, containers, or a cluster. Every implementation inherits the tests of
/// <c>WorkerBackendConformance</c>.
/// </summary>
public interface IWorkerBackend : IAsyncDisposable
{
    /// <summary>What the backend is, for people: <c>process</c>, <c>container</c>.</summary>
    string Name { get; }

    /// <summary>What an operator should know about it here, one sentence each: protections that this machine does not allow.</summary>
    IReadOnlyList<string> Notes { get; }

    /// <summary>Starts a worker, which processes one datum at a time. A pipeline has as many as its parallelism says.</summary>
    /// <param name="spec">What it runs.</param>
    /// <param name="cancellationToken">Ends the start early.</param>
    /// <exception cref="OperatorException">The machine does not allow it, or <paramref name="spec"/> cannot be run here.</exception>
    Task<IWorker> StartAsync(WorkerSpec spec, CancellationToken cancellationToken);
}
