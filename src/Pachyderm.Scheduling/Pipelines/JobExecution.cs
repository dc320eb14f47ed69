using Pachyderm.Errors;
using Pachyderm.Pps.Pipelines;
using Pachyderm.Workers;

namespace Pachyderm.Scheduling;

/// <summary>Runs the jobs of one version of a pipeline.</summary>
internal interface IJobExecution : IAsyncDisposable
{
    /// <summary>Runs a job; see <see cref="JobRunner.RunAsync"/>.</summary>
    /// <exception cref="WorkersUnavailableException">Workers cannot be started.</exception>
    Task RunAsync(RunningJob job, CancellationToken cancellationToken);
}

/// <summary>Runs jobs on workers of their own.</summary>
internal sealed class JobExecution : IJobExecution
{
    private readonly WorkerPool pool;
    private readonly JobRunner runner;

    public JobExecution(SchedulerOptions options, Pipeline pipeline)
    {
        pool = new WorkerPool(options with { Workers = new WatchedBackend(options.Workers) }, pipeline);
        runner = new JobRunner(options);
    }

    public Task RunAsync(RunningJob job, CancellationToken cancellationToken) => runner.RunAsync(pool, job, cancellationToken);

    public ValueTask DisposeAsync() => pool.DisposeAsync();

    // Tells a backend that refuses from everything else that an operator has to act on. The backend itself is the host's.
    private sealed class WatchedBackend(IWorkerBackend backend) : IWorkerBackend
    {
        public string Name => backend.Name;

        public IReadOnlyList<string> Notes => backend.Notes;

        public async Task<IWorker> StartAsync(WorkerSpec spec, CancellationToken cancellationToken)
        {
            try
            {
                return await backend.StartAsync(spec, cancellationToken);
            }
            catch (OperatorException refusal)
            {
                throw new WorkersUnavailableException(refusal);
            }
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}

/// <summary>The machine does not allow workers, or not those that a pipeline asks for.</summary>
/// <param name="refusal">Why.</param>
internal sealed class WorkersUnavailableException(OperatorException refusal) : Exception(refusal.Message, refusal);
