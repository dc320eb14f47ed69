using Pachyderm.Pps;
using Pachyderm.Pps.Records;
using Pachyderm.Pps.Specs;

namespace Pachyderm.Scheduling;

/// <summary>The life of pipelines (spec/pps.md section 3).</summary>
public sealed class PipelineManager
{
    internal PipelineManager(SchedulerOptions options, PipelineSupervisor supervisor)
    {
    }

    /// <summary>
    /// Creates a pipeline, or replaces it if the spec says so (<see cref="PipelineSpec.Update"/>), and lets it run. A request that is refused
    /// changes nothing.
    /// </summary>
    /// <param name="spec">As the request gave it; defaults are filled in here.</param>
    /// <param name="cancellationToken">Ends the waiting before the change has begun.</param>
    /// <returns>The pipeline as it is stored.</returns>
    /// <exception cref="PpsException">The spec is invalid, the pipeline exists, or the one to be replaced does not.</exception>
    /// <exception cref="Pfs.PfsException">The name is that of a repo that is no output repo, or a repo is missing.</exception>
    public Task<PipelineRecord> CreateAsync(PipelineSpec spec, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>The pipeline.</summary>
    /// <exception cref="PpsException">It is missing.</exception>
    public Task<PipelineRecord> InspectAsync(PipelineName name, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>All pipelines, last written first.</summary>
    public Task<IReadOnlyList<PipelineRecord>> ListAsync(CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>Lets a paused pipeline go on; commits that arrived meanwhile are processed.</summary>
    /// <exception cref="PpsException">It is missing.</exception>
    public Task StartAsync(PipelineName name, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>Pauses a pipeline: what it runs is ended, and goes on when it is started again.</summary>
    /// <exception cref="PpsException">It is missing.</exception>
    public Task StopAsync(PipelineName name, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>Deletes a pipeline; its jobs that have not ended are killed.</summary>
    /// <param name="name">The pipeline.</param>
    /// <param name="deleteJobs">Whether its jobs are deleted, too.</param>
    /// <param name="deleteRepo">Whether its output repo is deleted, too.</param>
    /// <param name="cancellationToken">Ends the waiting before the change has begun.</param>
    /// <exception cref="PpsException">It is missing.</exception>
    public Task DeleteAsync(PipelineName name, bool deleteJobs, bool deleteRepo, CancellationToken cancellationToken) =>
        throw new NotImplementedException();

    /// <summary>Deletes all pipelines, those first that others read last.</summary>
    public Task DeleteAllAsync(bool deleteJobs, bool deleteRepo, CancellationToken cancellationToken) => throw new NotImplementedException();
}
