using System.Runtime.CompilerServices;
using Pachyderm.Client.Transport;
using Pachyderm.Wire.Native;
using Pachyderm.Wire.Pps;
using PpsApi = Pachyderm.Wire.Pps.API;

namespace Pachyderm.Client;

/// <summary>
/// Jobs: the processing of one set of commits by one pipeline; their datums, logs and reasons. Errors as in <see cref="RepoOperations"/>.
/// </summary>
/// <remarks>
/// What servers of 1.4 and 1.5 do not know ends with <see cref="PachException"/> and UNIMPLEMENTED, unless it is said otherwise.
/// </remarks>
public sealed class JobOperations
{
    private readonly Connection _connection;
    private readonly PpsApi.APIClient _pps;
    private readonly Pipelines.PipelinesClient _native;

    internal JobOperations(Connection connection)
    {
        _connection = connection;
        _pps = new PpsApi.APIClient(connection.Invoker);
        _native = new Pipelines.PipelinesClient(connection.Invoker);
    }

    /// <summary>Describes a job.</summary>
    public Task<JobInfo> InspectAsync(string job, CancellationToken cancellationToken = default) =>
        InspectAsync(job, block: false, cancellationToken);

    /// <summary>Waits until a job has ended, however it ends.</summary>
    public Task<JobInfo> WaitAsync(string job, CancellationToken cancellationToken = default) =>
        InspectAsync(job, block: true, cancellationToken);

    /// <summary>
    /// Describes a job with the reason why it failed or was stopped; servers of 1.5 give none. With <paramref name="untilEnd"/>, again
    /// whenever
    /// it changes, until it has ended.
    /// </summary>
    public IAsyncEnumerable<InspectJobResponse> FollowAsync(string job, bool untilEnd = true, CancellationToken cancellationToken = default)
    {
        InspectJobRequest request = new() { Job = ToWire(job), BlockState = untilEnd };
        return _connection.ReadOrFallBackAsync(
            "Pipelines/InspectJob",
            () => _native.InspectJob(request, cancellationToken: cancellationToken),
            () => OnceAsync(request, cancellationToken),
            cancellationToken);
    }

    /// <summary>Lists jobs, the one that changed last first.</summary>
    /// <param name="pipeline">Only those of this pipeline; all if empty.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public IAsyncEnumerable<JobInfo> ListAsync(string pipeline = "", CancellationToken cancellationToken = default)
    {
        Pipeline? filter = pipeline?.Length > 0 ? new Pipeline { Name = pipeline } : null;
        return JobsAsync(
            _connection.ReadOrFallBackAsync(
                "Pipelines/ListJobs",
                () => _native.ListJobs(new ListJobsRequest { Pipeline = filter }, cancellationToken: cancellationToken),
                () => _connection.OnceAsync(
                    () => _pps.ListJobAsync(new ListJobRequest { Pipeline = filter }, cancellationToken: cancellationToken)),
                cancellationToken),
            cancellationToken);
    }

    /// <summary>Lists jobs, and then each again whenever it changes, without an end.</summary>
    /// <param name="pipeline">Only those of this pipeline; all if empty.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public IAsyncEnumerable<JobInfo> WatchAsync(string pipeline = "", CancellationToken cancellationToken = default)
    {
        ListJobsRequest request = new() { Pipeline = pipeline?.Length > 0 ? new Pipeline { Name = pipeline } : null, Watch = true };
        return JobsAsync(
            _connection.ReadAsync(() => _native.ListJobs(request, cancellationToken: cancellationToken), cancellationToken),
            cancellationToken);
    }

    /// <summary>Stops a job. What had ended stays as it was.</summary>
    public Task StopAsync(string job, CancellationToken cancellationToken = default) =>
        _connection.CallAsync(_pps.StopJobAsync(new StopJobRequest { Job = ToWire(job) }, cancellationToken: cancellationToken));

    /// <summary>Deletes what is known of a job, with its log; if it runs, it is stopped. Its output stays.</summary>
    public Task DeleteAsync(string job, CancellationToken cancellationToken = default) =>
        _connection.CallAsync(_pps.DeleteJobAsync(new DeleteJobRequest { Job = ToWire(job) }, cancellationToken: cancellationToken));

    /// <summary>Lines that programs printed, and those of the server, oldest first.</summary>
    /// <param name="filter">Which: a pipeline or a job, at least.</param>
    /// <param name="follow">
    /// Whether to go on with lines as they are printed, until the job has ended; without a job, without end. Not in 1.5.
    /// </param>
    /// <param name="cancellationToken">Stops it.</param>
    public IAsyncEnumerable<LogMessage> LogsAsync(
        Wire.Pps.GetLogsRequest filter, bool follow = false, CancellationToken cancellationToken = default) => follow
        ? _connection.ReadAsync(
            () => _native.GetLogs(new Wire.Native.GetLogsRequest { Filter = filter, Follow = true }, cancellationToken: cancellationToken),
            cancellationToken)
        : _connection.ReadAsync(() => _pps.GetLogs(filter, cancellationToken: cancellationToken), cancellationToken);

    /// <summary>Lists the datums of a job, in their order; from servers of 1.5, those that failed first.</summary>
    public async IAsyncEnumerable<DatumInfo> ListDatumsAsync(
        string job, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        IAsyncEnumerable<ListDatumsResponse> pieces = _connection.ReadOrFallBackAsync(
            "Pipelines/ListDatums",
            () => _native.ListDatums(new ListDatumsRequest { Job = ToWire(job) }, cancellationToken: cancellationToken),
            () => ListAsOfOldAsync(job, cancellationToken),
            cancellationToken);
        await foreach (ListDatumsResponse piece in pieces)
        {
            foreach (DatumInfo datum in piece.Datums)
            {
                yield return datum;
            }
        }
    }

    /// <summary>Describes a datum of a job that has committed its stats.</summary>
    /// <param name="job">The job.</param>
    /// <param name="datum">The datum's identifier.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public Task<DatumInfo> InspectDatumAsync(string job, string datum, CancellationToken cancellationToken = default) =>
        _connection.CallAsync(_pps.InspectDatumAsync(
            new InspectDatumRequest { Datum = new Datum { Id = datum, Job = ToWire(job) } }, cancellationToken: cancellationToken));

    /// <summary>Ends the program of a datum that runs, which counts as a failure of its: it is tried again.</summary>
    /// <param name="job">The job.</param>
    /// <param name="filters">Paths or hashes, all of which files of the datum have.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public Task RestartDatumAsync(string job, IEnumerable<string> filters, CancellationToken cancellationToken = default)
    {
        RestartDatumRequest request = new() { Job = ToWire(job) };
        request.DataFilters.AddRange(filters);
        return _connection.CallAsync(_pps.RestartDatumAsync(request, cancellationToken: cancellationToken));
    }

    /// <summary>Tells of each datum of a job, in their order, why it ran or was skipped: what differs from the job before.</summary>
    public async IAsyncEnumerable<DatumExplanation> ExplainAsync(
        string job, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await foreach (ExplainJobResponse piece in _connection.ReadAsync(
            () => _native.ExplainJob(new ExplainJobRequest { Job = ToWire(job) }, cancellationToken: cancellationToken), cancellationToken))
        {
            foreach (DatumExplanation datum in piece.Datums)
            {
                yield return datum;
            }
        }
    }

    /// <summary>Tells where a commit, or a file in it, comes from: job by job, the nearest first.</summary>
    /// <param name="commit">The commit.</param>
    /// <param name="path">A file or directory; empty for the whole commit.</param>
    /// <param name="downstream">Whether to go to what was made from it instead.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public IAsyncEnumerable<LineageStep> LineageAsync(
        CommitRef commit, string path = "", bool downstream = false, CancellationToken cancellationToken = default)
    {
        WalkLineageRequest request = new() { File = commit.ToWire(path), Downstream = downstream };
        return _connection.ReadAsync(() => _native.WalkLineage(request, cancellationToken: cancellationToken), cancellationToken);
    }

    private static Job ToWire(string job) => new() { Id = job };

    private static async IAsyncEnumerable<JobInfo> JobsAsync(
        IAsyncEnumerable<JobInfos> pieces, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (JobInfos piece in pieces.WithCancellation(cancellationToken))
        {
            foreach (JobInfo job in piece.JobInfo)
            {
                yield return job;
            }
        }
    }

    private Task<JobInfo> InspectAsync(string job, bool block, CancellationToken cancellationToken) =>
        _connection.CallAsync(_pps.InspectJobAsync(
            new InspectJobRequest { Job = ToWire(job), BlockState = block }, cancellationToken: cancellationToken));

    private async IAsyncEnumerable<InspectJobResponse> OnceAsync(
        InspectJobRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        yield return new InspectJobResponse
        {
            Job = await _connection.CallAsync(_pps.InspectJobAsync(request, cancellationToken: cancellationToken)),
        };
    }

    private async IAsyncEnumerable<ListDatumsResponse> ListAsOfOldAsync(
        string job, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        DatumInfos datums = await _connection.CallAsync(
            _pps.ListDatumAsync(new ListDatumRequest { Job = ToWire(job) }, cancellationToken: cancellationToken));
        yield return new ListDatumsResponse { Datums = { datums.DatumInfo } };
    }
}
