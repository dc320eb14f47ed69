using System.Threading.Channels;
using Pachyderm.Pps;
using Pachyderm.Pps.Jobs;
using Pachyderm.Pps.Pipelines;
using Pachyderm.Pps.Records;

namespace Pachyderm.Scheduling;

/// <summary>
/// Lets one version of a pipeline run: its crons tick, and its jobs run one after the other in the order in which they were triggered. What
/// fails without fault of the program is tried again, with pauses.
/// </summary>
internal sealed class PipelineRunner : IAsyncDisposable
{
    // Failures in a row after which the pipeline shows them.
    private const int ShownAfter = 3;

    private readonly SchedulerOptions options;
    private readonly IJobExecution execution;
    private readonly CancellationTokenSource stop = new();
    private readonly Channel<bool> wakes = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    private readonly Lock access = new();
    private readonly Backoff backoff;
    private Task work = Task.CompletedTask;
    private (RunningJob Job, CancellationTokenSource Stop)? current;
    private Task cancelling = Task.CompletedTask;
    private int failures;
    private int refusals;

    /// <summary>Creates it; it does nothing yet.</summary>
    /// <param name="options">What it works on.</param>
    /// <param name="pipeline">The version to run.</param>
    /// <param name="execution">Runs its jobs; disposed with this.</param>
    public PipelineRunner(SchedulerOptions options, Pipeline pipeline, IJobExecution execution)
    {
        this.options = options;
        this.execution = execution;
        Identity = PipelineIdentity.Of(pipeline);
        backoff = new Backoff(options.Time);
        Tickers = [.. CronTicker.For(options, pipeline)];
    }

    /// <summary>The version that runs.</summary>
    public PipelineIdentity Identity { get; }

    /// <summary>Whether it has given up.</summary>
    public bool HasEnded => work.IsCompleted;

    private IReadOnlyList<CronTicker> Tickers { get; }

    private string Name => Identity.Name.Value;

    /// <summary>Begins.</summary>
    public void Start() => work = Task.Run(RunAsync);

    /// <summary>There may be a job.</summary>
    public void Wake() => wakes.Writer.TryWrite(true);

    /// <summary>The job, if it runs here now.</summary>
    public RunningJob? Find(JobId job)
    {
        lock (access)
        {
            return current?.Job.Id == job ? current.Value.Job : null;
        }
    }

    /// <summary>Ends a job, if it runs here now.</summary>
    public void Cancel(JobId job)
    {
        lock (access)
        {
            if (current is { } running && running.Job.Id == job)
            {
                cancelling = running.Stop.CancelAsync();
            }
        }
    }

    /// <summary>Ends what runs, with all its processes; the job keeps its record.</summary>
    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await work;
        await execution.DisposeAsync();
        stop.Dispose();
    }

    private async Task RunAsync()
    {
        using CancellationTokenSource ended = CancellationTokenSource.CreateLinkedTokenSource(stop.Token);
        Task ticking = Task.WhenAll(Tickers.Select(ticker => ticker.RunAsync(ended.Token)));
        try
        {
            await RunJobsAsync();
        }
        finally
        {
            await ended.CancelAsync();
            await ticking;
        }
    }

    private async Task RunJobsAsync()
    {
        bool begun = false;
        while (!stop.IsCancellationRequested)
        {
            try
            {
                if (!begun)
                {
                    await SetStateAsync(PipelineState.Running, "");
                    begun = true;
                }
                (bool isPresent, JobRecord? next) = await options.Metadata.ReadAsync(
                    reader =>
                    {
                        PpsReader records = new(reader);
                        return (Present(records) is { IsActive: true }, records.FindNextJob(Identity.Name));
                    },
                    stop.Token);
                if (!isPresent || next is null)
                {
                    // If the pipeline was paused, deleted or updated, this runner is about to be ended.
                    await wakes.Reader.ReadAsync(stop.Token);
                }
                else if (!await TryRunAsync(next.Job))
                {
                    return;
                }
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception)
            {
                options.Logger.PipelineHindered(exception, Name);
                await PauseAsync();
            }
        }
    }

    /// <summary>Runs a job once.</summary>
    /// <returns>False if the pipeline gives up.</returns>
    private async Task<bool> TryRunAsync(Job job)
    {
        using CancellationTokenSource own = CancellationTokenSource.CreateLinkedTokenSource(stop.Token);
        RunningJob running = new(job.Id);
        lock (access)
        {
            current = (running, own);
        }
        try
        {
            await execution.RunAsync(running, own.Token);
        }
        catch (OperationCanceledException) when (own.IsCancellationRequested)
        {
            return true;
        }
        catch (Exception exception)
        {
            // A job whose record was ended notices that by itself, too.
            return (exception is OperationCanceledException && await HasEndedAsync(job.Id)) || await FailAsync(job.Id, exception);
        }
        finally
        {
            lock (access)
            {
                current = null;
            }
            await cancelling;
        }
        if (failures >= ShownAfter)
        {
            await SetStateAsync(PipelineState.Running, "");
        }
        (failures, refusals) = (0, 0);
        backoff.Reset();
        return true;
    }

    private Task<bool> HasEndedAsync(JobId job) => options.Metadata.ReadAsync(
        reader => new PpsReader(reader).FindJob(job) is not { } record || record.Job.State.IsTerminal(), stop.Token);

    private async Task<bool> FailAsync(JobId job, Exception exception)
    {
        string reason = PipelineErrors.OneLine(exception.Message);
        failures++;
        refusals = exception is WorkersUnavailableException ? refusals + 1 : 0;
        bool givesUp = refusals >= ShownAfter;
        bool isPresent = await options.Metadata.WriteAsync(
            writer =>
            {
                PpsWriter records = new(writer);
                if (Present(records) is null)
                {
                    return false;
                }
                if (records.FindJob(job) is { Job: { State: JobState.Running } running })
                {
                    records.PutJob(running.Restart(reason));
                }
                if (failures >= ShownAfter && Present(records) is { IsActive: true } pipeline)
                {
                    PipelineState state = givesUp ? PipelineState.Failure : PipelineState.Restarting;
                    records.PutPipeline(pipeline with { State = state, RecentError = reason });
                }
                return true;
            },
            stop.Token);
        if (!isPresent)
        {
            // It stumbled over the new version of the pipeline, to which the job belongs now.
            return true;
        }
        options.Logger.JobRestarts(job.Value, Name, reason, exception);
        if (givesUp)
        {
            options.Logger.PipelineFails(Name, reason);
            return false;
        }
        await PauseAsync();
        return true;
    }

    private async Task PauseAsync() =>
        await backoff.WaitAsync(stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    private Task<bool> SetStateAsync(PipelineState state, string error) => options.Metadata.WriteAsync(
        writer =>
        {
            PpsWriter records = new(writer);
            if (Present(records) is not { IsActive: true } pipeline || (pipeline.State, pipeline.RecentError) == (state, error))
            {
                return false;
            }
            records.PutPipeline(pipeline with { State = state, RecentError = error });
            return true;
        },
        stop.Token);

    // The pipeline, if it is still this version.
    private Pipeline? Present(PpsReader records) =>
        records.FindPipeline(Identity.Name) is { Pipeline: { } pipeline } && PipelineIdentity.Of(pipeline) == Identity ? pipeline : null;
}
