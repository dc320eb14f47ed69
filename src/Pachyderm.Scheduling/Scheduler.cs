using Pachyderm.Pps;
using Pachyderm.Pps.Pipelines;

namespace Pachyderm.Scheduling;

/// <summary>
/// Pipelines that run: what commits trigger, datum by datum, on workers. Everything that must survive is in the metadata store, each step
/// in one transaction (doc/pps.md), so a server that is killed goes on where it was.
/// </summary>
public sealed class Scheduler : IAsyncDisposable
{
    private readonly PipelineSupervisor supervisor;
    private readonly ResultCleanup cleanup;

    /// <summary>Puts the services together. Does no I/O, and runs nothing before <see cref="StartAsync"/>.</summary>
    public Scheduler(SchedulerOptions options)
        : this(options, pipeline => new JobExecution(options, pipeline))
    {
    }

    /// <summary>Puts the services together with something else that runs jobs.</summary>
    internal Scheduler(SchedulerOptions options, Func<Pipeline, IJobExecution> executions)
    {
        ArgumentNullException.ThrowIfNull(options);
        supervisor = new PipelineSupervisor(options, executions);
        Pipelines = new PipelineManager(options, supervisor);
        Jobs = new JobManager(options, supervisor);
        Datums = new DatumCatalog(options);
        Logs = new JobLogs(options);
        Lineage = new LineageFinder(options);
        cleanup = new ResultCleanup(options.Metadata);
        options.Files.Liveness.AddSource(new ResultRoots(options.Metadata).ListAsync);
    }

    /// <summary>Pipelines.</summary>
    public PipelineManager Pipelines { get; }

    /// <summary>Jobs.</summary>
    public JobManager Jobs { get; }

    /// <summary>The datums of jobs, and why they ran.</summary>
    public DatumCatalog Datums { get; }

    /// <summary>What programs printed.</summary>
    public JobLogs Logs { get; }

    /// <summary>Where files come from, and what was made from them.</summary>
    public LineageFinder Lineage { get; }

    /// <summary>Lets every pipeline that is not paused go on where it was.</summary>
    public Task StartAsync(CancellationToken cancellationToken) => supervisor.StartAsync(cancellationToken);

    /// <summary>Lets pipelines go on whose records came otherwise than by <see cref="Pipelines"/>, such as by a restore.</summary>
    public async Task ResumeAsync(IEnumerable<PipelineName> pipelines)
    {
        ArgumentNullException.ThrowIfNull(pipelines);
        foreach (PipelineName pipeline in pipelines)
        {
            await supervisor.ReconcileAsync(pipeline);
        }
    }

    /// <summary>
    /// Forgets the results of datums that no job will ask for again, because no pipeline has their salt any more. Their content is garbage
    /// then: call this before a collection marks what is in use.
    /// </summary>
    /// <returns>How many were forgotten.</returns>
    public Task<long> ForgetResultsAsync(CancellationToken cancellationToken) => cleanup.RunAsync(cancellationToken);

    /// <summary>Ends what runs; jobs go on after the next start. No process of a program is left.</summary>
    public ValueTask DisposeAsync() => supervisor.DisposeAsync();
}
