using Pachyderm.Pfs;
using Pachyderm.Pps;
using Pachyderm.Pps.Jobs;
using Pachyderm.Pps.Pipelines;
using Pachyderm.Pps.Records;
using Pachyderm.Pps.Specs;

namespace Pachyderm.Scheduling;

/// <summary>The life of pipelines (spec/pps.md section 3).</summary>
public sealed class PipelineManager
{
    private readonly SchedulerOptions options;
    private readonly PipelineSupervisor supervisor;

    internal PipelineManager(SchedulerOptions options, PipelineSupervisor supervisor)
    {
        this.options = options;
        this.supervisor = supervisor;
    }

    /// <summary>
    /// Creates a pipeline, or replaces it if the spec says so (<see cref="PipelineSpec.Update"/>), and lets it run. A request that is
    /// refused
    /// changes nothing.
    /// </summary>
    /// <param name="spec">As the request gave it; defaults are filled in here.</param>
    /// <param name="cancellationToken">Ends the waiting before the change has begun.</param>
    /// <returns>The pipeline as it is stored.</returns>
    /// <exception cref="PpsException">The spec is invalid, the pipeline exists, or the one to be replaced does not.</exception>
    /// <exception cref="PfsException">The repo of a cron cannot be created.</exception>
    public async Task<PipelineRecord> CreateAsync(PipelineSpec spec, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(spec);
        DateTimeOffset now = options.Time.GetUtcNow();
        (PipelineRecord created, IReadOnlyList<Job> killed) = await options.Metadata.WriteAsync(
            writer =>
            {
                PipelineCreation creation = new(writer, now);
                return (creation.Create(spec, options.EgressDirectories), creation.Killed);
            },
            cancellationToken);
        CountEnded(killed);
        await supervisor.ReconcileAsync(created.Pipeline.Name);
        return created;
    }

    /// <summary>The pipeline.</summary>
    /// <exception cref="PpsException">It is missing.</exception>
    public Task<PipelineRecord> InspectAsync(PipelineName name, CancellationToken cancellationToken) => options.Metadata.ReadAsync(
        reader => new PpsReader(reader).FindPipeline(name) ?? throw PipelineErrors.NotFound(name), cancellationToken);

    /// <summary>All pipelines, last written first.</summary>
    public Task<IReadOnlyList<PipelineRecord>> ListAsync(CancellationToken cancellationToken) =>
        options.Metadata.ReadAsync(static reader => new PpsReader(reader).ListPipelines(), cancellationToken);

    /// <summary>Lets a paused or failed pipeline go on; commits that arrived meanwhile are processed.</summary>
    /// <exception cref="PpsException">It is missing.</exception>
    public Task StartAsync(PipelineName name, CancellationToken cancellationToken) => ChangeAsync(
        name,
        static pipeline => pipeline.IsActive ? pipeline : pipeline with { State = PipelineState.Running, RecentError = "" },
        cancellationToken);

    /// <summary>
    /// Pauses a pipeline: what it runs is ended before this returns, and goes on when the pipeline is started again.
    /// </summary>
    /// <exception cref="PpsException">It is missing.</exception>
    public Task StopAsync(PipelineName name, CancellationToken cancellationToken) => ChangeAsync(
        name, static pipeline => pipeline with { State = PipelineState.Paused, RecentError = "" }, cancellationToken);

    /// <summary>Deletes a pipeline; its jobs that have not ended are killed, and nothing of it runs when this returns.</summary>
    /// <param name="name">The pipeline.</param>
    /// <param name="deleteJobs">Whether its jobs are deleted, too.</param>
    /// <param name="deleteRepo">Whether its output repo is deleted, too.</param>
    /// <param name="cancellationToken">Ends the waiting before the change has begun.</param>
    /// <exception cref="PpsException">It is missing.</exception>
    public async Task DeleteAsync(PipelineName name, bool deleteJobs, bool deleteRepo, CancellationToken cancellationToken)
    {
        if (!await TryDeleteAsync(name, deleteJobs, deleteRepo, cancellationToken))
        {
            throw PipelineErrors.DeletedNotFound(name);
        }
    }

    /// <summary>Deletes all pipelines, those that others read last.</summary>
    /// <param name="deleteJobs">As for <see cref="DeleteAsync"/>.</param>
    /// <param name="deleteRepo">As for <see cref="DeleteAsync"/>.</param>
    /// <param name="cancellationToken">Ends it before the next pipeline.</param>
    public async Task DeleteAllAsync(bool deleteJobs, bool deleteRepo, CancellationToken cancellationToken)
    {
        while (await ListAsync(cancellationToken) is { Count: > 0 } left)
        {
            HashSet<string> read = left.SelectMany(static record => record.Pipeline.Input.Repos()).ToHashSet(StringComparer.Ordinal);
            PipelineRecord next = left.FirstOrDefault(record => !read.Contains(record.Pipeline.Name.Value)) ?? left[0];
            await TryDeleteAsync(next.Pipeline.Name, deleteJobs, deleteRepo, cancellationToken);
        }
    }

    private async Task ChangeAsync(PipelineName name, Func<Pipeline, Pipeline> change, CancellationToken cancellationToken)
    {
        await options.Metadata.WriteAsync(
            writer =>
            {
                PpsWriter records = new(writer);
                Pipeline pipeline = records.FindPipeline(name)?.Pipeline ?? throw PipelineErrors.NotFound(name);
                if (change(pipeline) is { } changed && changed != pipeline)
                {
                    records.PutPipeline(changed);
                }
                return true;
            },
            cancellationToken);
        await supervisor.ReconcileAsync(name);
    }

    private async Task<bool> TryDeleteAsync(PipelineName name, bool deleteJobs, bool deleteRepo, CancellationToken cancellationToken)
    {
        DateTimeOffset now = options.Time.GetUtcNow();
        (bool found, IReadOnlyList<Job> killed) = await options.Metadata.WriteAsync<(bool, IReadOnlyList<Job>)>(
            writer =>
            {
                PpsWriter records = new(writer);
                if (!records.DeletePipeline(name))
                {
                    return (false, []);
                }
                IReadOnlyList<Job> ended = EndJobs(records, name, deleteJobs);
                RepoTransaction repos = new(writer, now);
                RepoName output = new(name.Value);
                if (deleteRepo && repos.FindRepo(output) is not null)
                {
                    repos.DeleteRepo(output);
                }
                return (true, ended);
            },
            cancellationToken);
        CountEnded(killed);
        await supervisor.ReconcileAsync(name);
        return found;
    }

    private static void CountEnded(IReadOnlyList<Job> jobs)
    {
        foreach (Job job in jobs)
        {
            SchedulingTelemetry.JobEnded(job);
        }
    }

    private static List<Job> EndJobs(PpsWriter records, PipelineName name, bool delete)
    {
        const int Page = 1_000;
        while (delete && records.ListJobs(name, null, Page) is { Count: > 0 } page)
        {
            foreach (JobRecord record in page)
            {
                records.DeleteJob(record.Job.Id);
            }
        }
        List<Job> killed = [.. records.ListQueue(name).Select(record => record.Job.Kill($"pipeline {name} was deleted"))];
        killed.ForEach(records.PutJob);
        return killed;
    }
}
