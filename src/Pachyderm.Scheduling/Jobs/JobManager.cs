using Pachyderm.Pps;
using Pachyderm.Pps.Datums;
using Pachyderm.Pps.Records;
using Pachyderm.Pps.Specs;

namespace Pachyderm.Scheduling;

/// <summary>A job that a person asks for.</summary>
/// <param name="Pipeline">The pipeline.</param>
/// <param name="PipelineVersion">The version that the request was made for.</param>
/// <param name="Salt">The salt that the request was made for.</param>
/// <param name="Input">What it reads, with a commit for every atom and cron; null if the request names none.</param>
public sealed record JobRequest(PipelineName Pipeline, ulong PipelineVersion, Salt Salt, InputSpec? Input);

/// <summary>What a worker does at the moment.</summary>
/// <param name="Worker">Its name.</param>
/// <param name="Job">The job.</param>
/// <param name="Datum">The files of the datum.</param>
/// <param name="Started">When it began with the datum, UTC.</param>
/// <param name="Queued">Number of datums that wait for this worker.</param>
public sealed record WorkerActivity(string Worker, JobId Job, ValueList<DatumPart> Datum, DateTimeOffset Started, int Queued);

/// <summary>The life of jobs (spec/pps.md section 5).</summary>
public sealed class JobManager
{
    internal JobManager(SchedulerOptions options, PipelineSupervisor supervisor)
    {
    }

    /// <summary>Creates a job, which waits for its turn.</summary>
    /// <exception cref="PpsException">The request names no input, is made for another version of the pipeline, or names what is missing.</exception>
    public Task<JobId> CreateAsync(JobRequest request, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>The job.</summary>
    /// <param name="id">The job.</param>
    /// <param name="block">Whether to wait until it has ended.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <exception cref="PpsException">It is missing, or is deleted while it is waited for.</exception>
    public Task<JobRecord> InspectAsync(JobId id, bool block, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>What the workers do that are busy with a job; none if it does not run.</summary>
    public IReadOnlyList<WorkerActivity> ListWorkers(JobId id) => throw new NotImplementedException();

    /// <summary>Jobs, last written first.</summary>
    /// <param name="pipeline">Only the jobs of this pipeline, or null.</param>
    /// <param name="cancellationToken">Ends the listing.</param>
    public IAsyncEnumerable<JobRecord> ListAsync(PipelineName? pipeline, CancellationToken cancellationToken) =>
        throw new NotImplementedException();

    /// <summary>The jobs there are, last written first, and then each again whenever it changes. Never ends by itself.</summary>
    /// <param name="pipeline">Only the jobs of this pipeline, or null.</param>
    /// <param name="cancellationToken">Ends the watch.</param>
    public IAsyncEnumerable<JobRecord> WatchAsync(PipelineName? pipeline, CancellationToken cancellationToken) =>
        throw new NotImplementedException();

    /// <summary>Stops a job. What had ended stays as it was.</summary>
    /// <exception cref="PpsException">It is missing.</exception>
    public Task StopAsync(JobId id, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>Deletes a job with the records of its datums and its log; if it runs, it is stopped.</summary>
    /// <exception cref="PpsException">It is missing.</exception>
    public Task DeleteAsync(JobId id, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>Deletes all jobs.</summary>
    public Task DeleteAllAsync(CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>Ends the program of the datums that fit all filters (<see cref="DataFilter"/>); that counts as a failure of theirs.</summary>
    /// <exception cref="PpsException">No worker is busy with such a datum.</exception>
    public Task RestartDatumAsync(JobId id, IReadOnlyList<string> filters, CancellationToken cancellationToken) =>
        throw new NotImplementedException();
}
