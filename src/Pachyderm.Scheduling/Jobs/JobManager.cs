using System.Runtime.CompilerServices;
using Pachyderm.Metadata;
using Pachyderm.Pps;
using Pachyderm.Pps.Datums;
using Pachyderm.Pps.Jobs;
using Pachyderm.Pps.Pipelines;
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
    private const int Page = 500;

    private readonly SchedulerOptions options;
    private readonly PipelineSupervisor supervisor;

    internal JobManager(SchedulerOptions options, PipelineSupervisor supervisor)
    {
        this.options = options;
        this.supervisor = supervisor;
    }

    /// <summary>Creates a job, which waits for its turn.</summary>
    /// <exception cref="PpsException">
    /// The request names no input, is made for another version of the pipeline, or names what is missing.
    /// </exception>
    public async Task<JobId> CreateAsync(JobRequest request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        DateTimeOffset now = options.Time.GetUtcNow();
        JobId id = await options.Metadata.WriteAsync(writer => Create(writer, request, now), cancellationToken);
        supervisor.Wake(request.Pipeline);
        return id;
    }

    /// <summary>The job.</summary>
    /// <param name="id">The job.</param>
    /// <param name="block">Whether to wait until it has ended.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <exception cref="PpsException">It is missing, or is deleted while it is waited for.</exception>
    public async Task<JobRecord> InspectAsync(JobId id, bool block, CancellationToken cancellationToken)
    {
        (long change, JobRecord? record) = await LookAsync(id, cancellationToken);
        if (record is null)
        {
            throw PipelineErrors.NotFound(id);
        }
        while (block && !record.Job.State.IsTerminal())
        {
            (change, bool touched) = await JobChanges.WaitAsync(options.Metadata, change, found => found == id, cancellationToken);
            if (touched)
            {
                (change, record) = await LookAsync(id, cancellationToken);
                if (record is null)
                {
                    throw PipelineErrors.Deleted(id);
                }
            }
        }
        return record;
    }

    /// <summary>What the workers do that are busy with a job; none if it does not run.</summary>
    public IReadOnlyList<WorkerActivity> ListWorkers(JobId id) => supervisor.Find(id)?.ListWorkers() ?? [];

    /// <summary>Jobs, last written first.</summary>
    /// <param name="pipeline">Only the jobs of this pipeline, or null.</param>
    /// <param name="cancellationToken">Ends the listing.</param>
    public async IAsyncEnumerable<JobRecord> ListAsync(
        PipelineName? pipeline, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (long? before = null; ;)
        {
            long? start = before;
            IReadOnlyList<JobRecord> page = await options.Metadata.ReadAsync(
                reader => new PpsReader(reader).ListJobs(pipeline, start, Page), cancellationToken);
            foreach (JobRecord record in page)
            {
                yield return record;
            }
            if (page.Count < Page)
            {
                yield break;
            }
            before = page[^1].Revision;
        }
    }

    /// <summary>The jobs there are, last written first, and then each again whenever it changes. Never ends by itself.</summary>
    /// <param name="pipeline">Only the jobs of this pipeline, or null.</param>
    /// <param name="cancellationToken">Ends the watch.</param>
    /// <remarks>Of several changes at almost the same time, only what they lead to is seen.</remarks>
    public async IAsyncEnumerable<JobRecord> WatchAsync(
        PipelineName? pipeline, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (true)
        {
            long change = await options.Metadata.ReadAsync(static reader => reader.LastChange, cancellationToken);
            await foreach (JobRecord record in ListAsync(pipeline, cancellationToken))
            {
                yield return record;
            }
            while (await JobChanges.NextAsync(options.Metadata, change, pipeline, cancellationToken) is var (next, changed))
            {
                change = next;
                foreach (JobRecord record in changed)
                {
                    yield return record;
                }
            }
        }
    }

    /// <summary>Stops a job. What had ended stays as it was.</summary>
    /// <exception cref="PpsException">It is missing.</exception>
    public async Task StopAsync(JobId id, CancellationToken cancellationToken)
    {
        (Job stopped, bool hadEnded) = await options.Metadata.WriteAsync(
            writer =>
            {
                PpsWriter records = new(writer);
                Job job = records.FindJob(id)?.Job ?? throw PipelineErrors.NotFound(id);
                Job killed = job.Kill("job was stopped");
                if (!job.State.IsTerminal())
                {
                    records.PutJob(killed);
                }
                return (killed, job.State.IsTerminal());
            },
            cancellationToken);
        if (!hadEnded)
        {
            SchedulingTelemetry.JobEnded(stopped);
        }
        supervisor.Cancel(stopped.Pipeline, id);
    }

    /// <summary>Deletes a job with the records of its datums and its log; if it runs, it is stopped.</summary>
    /// <exception cref="PpsException">It is missing.</exception>
    public async Task DeleteAsync(JobId id, CancellationToken cancellationToken)
    {
        PipelineName pipeline = await options.Metadata.WriteAsync(
            writer =>
            {
                PpsWriter records = new(writer);
                Job job = records.FindJob(id)?.Job ?? throw PipelineErrors.NotFound(id);
                records.DeleteJob(id);
                return job.Pipeline;
            },
            cancellationToken);
        supervisor.Cancel(pipeline, id);
    }

    /// <summary>Deletes all jobs.</summary>
    public async Task DeleteAllAsync(CancellationToken cancellationToken)
    {
        IReadOnlyList<JobRecord> deleted;
        do
        {
            deleted = await options.Metadata.WriteAsync(
                static writer =>
                {
                    PpsWriter records = new(writer);
                    IReadOnlyList<JobRecord> page = records.ListJobs(null, null, Page);
                    foreach (JobRecord record in page)
                    {
                        records.DeleteJob(record.Job.Id);
                    }
                    return page;
                },
                cancellationToken);
            foreach (JobRecord record in deleted)
            {
                supervisor.Cancel(record.Job.Pipeline, record.Job.Id);
            }
        }
        while (deleted.Count > 0);
    }

    /// <summary>
    /// Ends the program of the datums that fit all filters (<see cref="DataFilter"/>); that counts as a failure of theirs.
    /// </summary>
    /// <exception cref="PpsException">No worker is busy with such a datum.</exception>
    public async Task RestartDatumAsync(JobId id, IReadOnlyList<string> filters, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(filters);
        JobRecord record = await InspectAsync(id, block: false, cancellationToken);
        if (supervisor.Find(record.Job.Pipeline, id)?.RestartDatums(filters) != true)
        {
            throw PipelineErrors.NoDatum(id, filters);
        }
    }

    private static JobId Create(IMetadataWriter writer, JobRequest request, DateTimeOffset now)
    {
        PpsWriter records = new(writer);
        InputSpec? given = SpecDefaults.Translate(request.Input, []);
        Pipeline pipeline = records.FindPipeline(request.Pipeline)?.Pipeline ?? throw PipelineErrors.NotFound(request.Pipeline);
        if (given is null)
        {
            throw new PpsException(PpsErrorKind.InvalidArgument, "no input set");
        }
        Job.CheckUpToDate(pipeline, request.PipelineVersion, request.Salt);
        Input input = SpecValidation.CheckJobInput(SpecDefaults.Sort(given), new RepoCatalog(writer));
        HashSet<string> read = pipeline.Input.Repos().ToHashSet(StringComparer.Ordinal);
        foreach (CommitRef source in input.Sources())
        {
            if (!read.Contains(source.Repo))
            {
                throw new PpsException(PpsErrorKind.InvalidArgument, $"pipeline {pipeline.Name} does not read repo {source.Repo}");
            }
            if (writer.FindCommit(new CommitKey(source.Repo, source.Id)) is { IsOpen: true })
            {
                throw new PpsException(PpsErrorKind.FailedPrecondition, $"commit {source} has not been finished");
            }
        }
        Job job = Job.Create(pipeline, input, now);
        records.PutJob(job);
        return job.Id;
    }

    private Task<(long Change, JobRecord? Record)> LookAsync(JobId id, CancellationToken cancellationToken) => options.Metadata.ReadAsync(
        reader => (reader.LastChange, new PpsReader(reader).FindJob(id)), cancellationToken);
}
