using System.Globalization;
using Pachyderm.Pps.Pipelines;
using Pachyderm.Pps.Specs;
using Pachyderm.Workers;

namespace Pachyderm.Scheduling;

/// <summary>
/// The workers of one version of a pipeline: started when a job first needs them, kept for the next, and given up after the pipeline's
/// scale-down threshold without work. For one job at a time.
/// </summary>
internal sealed class WorkerPool(SchedulerOptions options, Pipeline pipeline) : IAsyncDisposable
{
    // All are processes of one machine, whatever a spec says that was written for a cluster.
    private const int MaxWorkers = 1_000;

    private readonly Lock gate = new();
    private readonly SortedDictionary<int, IWorker> workers = [];
    private ITimer? idle;
    private Task closing = Task.CompletedTask;
    private int users;
    private bool disposed;

    /// <summary>The pipeline as it was when the pool was made.</summary>
    public Pipeline Pipeline => pipeline;

    /// <summary>Where workers are started.</summary>
    public SchedulerOptions Options => options;

    /// <summary>Number of workers that run at present.</summary>
    public int Running
    {
        get
        {
            lock (gate)
            {
                return workers.Count;
            }
        }
    }

    /// <summary>How many workers process so many datums: as the pipeline says, and no more than there are datums.</summary>
    /// <exception cref="Pps.PpsException">There are no nodes.</exception>
    public int CountFor(int datums) =>
        Math.Min(datums, Math.Min(ParallelismSpec.Workers(pipeline.Workload.Parallelism, options.Nodes), MaxWorkers));

    /// <summary>Name of a worker.</summary>
    public string NameOf(int number) => string.Create(CultureInfo.InvariantCulture, $"{pipeline.WorkerName}-{number}");

    /// <summary>Keeps the workers from being given up until the result is disposed.</summary>
    public async Task<IDisposable> UseAsync()
    {
        Task giveUp;
        lock (gate)
        {
            ObjectDisposedException.ThrowIf(disposed, this);
            users++;
            idle?.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            giveUp = closing;
        }
        await giveUp;
        return new Usage(this);
    }

    /// <summary>A worker, started if it is not there.</summary>
    /// <exception cref="Errors.OperatorException">The backend cannot start it.</exception>
    /// <exception cref="WorkersUnavailableException">The pipeline asks for what this server does not have.</exception>
    public async Task<IWorker> GetAsync(int number, CancellationToken cancellationToken)
    {
        lock (gate)
        {
            ObjectDisposedException.ThrowIf(disposed, this);
            if (workers.TryGetValue(number, out IWorker? there))
            {
                return there;
            }
        }
        IWorker started = await options.Workers.StartAsync(SpecOf(number), cancellationToken);
        lock (gate)
        {
            workers.Add(number, started);
        }
        SchedulingTelemetry.WorkersChanged(1);
        return started;
    }

    /// <summary>Ends a worker after a failure that was not the program's; the next job gets a new one.</summary>
    public async Task DiscardAsync(int number)
    {
        IWorker? worker;
        lock (gate)
        {
            workers.Remove(number, out worker);
        }
        if (worker is not null)
        {
            SchedulingTelemetry.WorkersChanged(-1);
            await worker.DisposeAsync();
        }
    }

    /// <summary>Ends all workers, and with them whatever they run.</summary>
    public async ValueTask DisposeAsync()
    {
        Task giveUp;
        lock (gate)
        {
            disposed = true;
            giveUp = closing;
        }
        await giveUp;
        if (idle is not null)
        {
            await idle.DisposeAsync();
        }
        await CloseAsync();
    }

    private WorkerSpec SpecOf(int number)
    {
        try
        {
            return WorkerSpecs.Of(pipeline, NameOf(number), options);
        }
        catch (Errors.OperatorException refusal)
        {
            throw new WorkersUnavailableException(refusal);
        }
    }

    private async Task CloseAsync()
    {
        IWorker[] all;
        lock (gate)
        {
            all = [.. workers.Values];
            workers.Clear();
        }
        SchedulingTelemetry.WorkersChanged(-all.Length);
        await Task.WhenAll(all.Select(static worker => worker.DisposeAsync().AsTask()));
    }

    private void Release()
    {
        lock (gate)
        {
            users--;
            if (!disposed && users == 0 && pipeline.Workload.ScaleDownThreshold is { } threshold)
            {
                idle ??= options.Time.CreateTimer(_ => GiveUp(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
                idle.Change(threshold, Timeout.InfiniteTimeSpan);
            }
        }
    }

    private void GiveUp()
    {
        lock (gate)
        {
            if (!disposed && users == 0)
            {
                closing = Task.WhenAll(closing, Task.Run(CloseAsync));
            }
        }
    }

    private sealed class Usage(WorkerPool pool) : IDisposable
    {
        public void Dispose() => pool.Release();
    }
}
