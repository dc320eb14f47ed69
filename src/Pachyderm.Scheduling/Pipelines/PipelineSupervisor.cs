using System.Collections.Concurrent;
using Pachyderm.Pps;
using Pachyderm.Pps.Pipelines;
using Pachyderm.Pps.Records;

namespace Pachyderm.Scheduling;

/// <summary>The pipelines that run in this process, by name.</summary>
internal sealed class PipelineSupervisor : IAsyncDisposable
{
    private readonly SchedulerOptions options;
    private readonly Func<Pipeline, IJobExecution> executions;
    private readonly ConcurrentDictionary<PipelineName, Place> places = new();
    private readonly CancellationTokenSource stop = new();
    private Task dispatching = Task.CompletedTask;
    private volatile bool runs;

    /// <summary>Creates it; nothing runs yet.</summary>
    /// <param name="options">What it works on.</param>
    /// <param name="executions">Makes what runs the jobs of a version of a pipeline.</param>
    public PipelineSupervisor(SchedulerOptions options, Func<Pipeline, IJobExecution> executions)
    {
        this.options = options;
        this.executions = executions;
    }

    /// <summary>Lets all pipelines run that are not paused, and commits arrive.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        IReadOnlyList<PipelineRecord> pipelines = await options.Metadata.ReadAsync(
            static reader => new PpsReader(reader).ListPipelines(), cancellationToken);
        runs = true;
        foreach (PipelineRecord record in pipelines)
        {
            await ReconcileAsync(record.Pipeline.Name);
        }
        dispatching = Task.Run(() => new FeedDispatcher(options, Wake).RunAsync(stop.Token), CancellationToken.None);
    }

    /// <summary>
    /// Lets a pipeline run, or no longer, as its record says. When this returns, nothing runs that should not, down to the processes of
    /// its program. Not to be cancelled: the record is written already.
    /// </summary>
    public async Task ReconcileAsync(PipelineName name)
    {
        if (!runs)
        {
            return;
        }
        Place place = places.GetOrAdd(name, static _ => new Place());
        await place.Gate.WaitAsync(CancellationToken.None);
        try
        {
            Pipeline? wanted = await options.Metadata.ReadAsync(
                reader => new PpsReader(reader).FindPipeline(name)?.Pipeline, CancellationToken.None);
            if (!runs || wanted is { IsActive: false })
            {
                wanted = null;
            }
            if (place.Runner is { } old && (wanted is null || old.HasEnded || old.Identity != PipelineIdentity.Of(wanted)))
            {
                place.Runner = null;
                await old.DisposeAsync();
            }
            if (wanted is not null && place.Runner is null)
            {
                PipelineRunner runner = new(options, wanted, executions(wanted));
                runner.Start();
                place.Runner = runner;
            }
            place.Runner?.Wake();
        }
        finally
        {
            place.Gate.Release();
        }
    }

    /// <summary>A pipeline may have a job to run.</summary>
    public void Wake(PipelineName name) => Runner(name)?.Wake();

    /// <summary>A job, if it runs now.</summary>
    public RunningJob? Find(PipelineName pipeline, JobId job) => Runner(pipeline)?.Find(job);

    /// <summary>A job of any pipeline, if it runs now.</summary>
    public RunningJob? Find(JobId job) =>
        places.Values.Select(place => place.Runner?.Find(job)).FirstOrDefault(static found => found is not null);

    /// <summary>Ends a job, if it runs now.</summary>
    public void Cancel(PipelineName pipeline, JobId job) => Runner(pipeline)?.Cancel(job);

    /// <summary>Ends everything that runs. The records are as they are.</summary>
    public async ValueTask DisposeAsync()
    {
        runs = false;
        await stop.CancelAsync();
        await dispatching;
        await Task.WhenAll(places.Keys.Select(EndAsync));
        stop.Dispose();
    }

    private async Task EndAsync(PipelineName name)
    {
        Place place = places[name];
        await place.Gate.WaitAsync(CancellationToken.None);
        try
        {
            if (place.Runner is { } runner)
            {
                place.Runner = null;
                await runner.DisposeAsync();
            }
        }
        finally
        {
            place.Gate.Release();
        }
    }

    private PipelineRunner? Runner(PipelineName name) => places.TryGetValue(name, out Place? place) ? place.Runner : null;

    /// <summary>Where one pipeline at a time runs under a name.</summary>
    private sealed class Place
    {
        private volatile PipelineRunner? runner;

        // Never disposed: it holds nothing that would have to be, and a late caller may be waiting.
        public SemaphoreSlim Gate { get; } = new(1, 1);

        public PipelineRunner? Runner
        {
            get => runner;
            set => runner = value;
        }
    }
}
