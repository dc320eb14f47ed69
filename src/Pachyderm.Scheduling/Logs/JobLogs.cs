using System.Runtime.CompilerServices;
using Pachyderm.Metadata;
using Pachyderm.Pps;
using Pachyderm.Pps.Datums;
using Pachyderm.Pps.Jobs;
using Pachyderm.Pps.Records;
using Pachyderm.Storage.Content;

namespace Pachyderm.Scheduling;

/// <summary>Which lines are wanted. What is null or empty does not matter.</summary>
/// <param name="Pipeline">Lines of this pipeline.</param>
/// <param name="Job">Lines of this job.</param>
/// <param name="DataFilters">Lines of datums that fit all of these (<see cref="DataFilter"/>).</param>
/// <param name="DatumId">Lines of this datum: 64 digits.</param>
/// <param name="Master">Lines of the scheduler instead of those of datums.</param>
/// <param name="Follow">Whether to go on with lines as they are printed, until the job has ended; without a job, without end.</param>
public sealed record LogQuery(
    PipelineName? Pipeline, JobId? Job, IReadOnlyList<string> DataFilters, string DatumId = "", bool Master = false, bool Follow = false);

/// <summary>One line of a log (spec/pps.md section 10).</summary>
/// <param name="Pipeline">The pipeline.</param>
/// <param name="Job">The job.</param>
/// <param name="Worker">The worker; empty for lines of the scheduler.</param>
/// <param name="DatumId">Identifier of the datum; empty for lines that belong to none.</param>
/// <param name="IsMaster">Whether the scheduler wrote it.</param>
/// <param name="IsUser">Whether the program printed it.</param>
/// <param name="Files">The files of the datum: path and hash.</param>
/// <param name="Time">When, UTC.</param>
/// <param name="Message">The line; what a program printed keeps its newline.</param>
public sealed record LogMessage(
    PipelineName Pipeline, JobId Job, string Worker, string DatumId, bool IsMaster, bool IsUser,
    ValueList<LogFile> Files, DateTimeOffset Time, string Message);

/// <summary>A file of the datum that a line belongs to.</summary>
/// <param name="Path">Its path.</param>
/// <param name="Hash">Its hash.</param>
public readonly record struct LogFile(string Path, ChunkId Hash);

/// <summary>What programs printed, and what the scheduler tells about jobs. Kept with the job, in pieces, until that is deleted.</summary>
public sealed class JobLogs
{
    private const int PiecesTogether = 16;
    private const int JobsTogether = 500;
    private const int ChangesTogether = 1_000;

    private readonly IMetadataStore metadata;

    internal JobLogs(SchedulerOptions options) => metadata = options.Metadata;

    /// <summary>The lines that a query asks for, oldest first within each job.</summary>
    /// <exception cref="PpsException">Neither pipeline nor job is named, or what is named is missing.</exception>
    public async IAsyncEnumerable<LogMessage> ReadAsync(LogQuery query, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(query);
        (PipelineName? wanted, long cursor) = await FindAsync(query, cancellationToken);
        if (wanted is not { } pipeline)
        {
            yield break;
        }
        Dictionary<JobId, long> positions = [];
        IReadOnlyCollection<JobId> grown = query.Job is { } one ? [one] : await ListJobsAsync(pipeline, cancellationToken);
        while (true)
        {
            bool hasEnded = false;
            foreach (JobId job in grown)
            {
                JobPieces pieces;
                do
                {
                    pieces = await ReadPiecesAsync(pipeline, job, positions.GetValueOrDefault(job), cancellationToken);
                    foreach ((long position, ReadOnlyMemory<byte> piece) in pieces.Pieces)
                    {
                        foreach (LogMessage line in LogPieceReader.Read(piece, pipeline, job).Where(line => LogFilter.Matches(query, line)))
                        {
                            yield return line;
                        }
                        positions[job] = position;
                    }
                }
                while (pieces.Pieces.Count > 0);
                hasEnded = pieces.HasEnded;
            }
            if (!query.Follow || (query.Job is not null && hasEnded))
            {
                yield break;
            }
            (grown, cursor) = await WaitAsync(query, pipeline, cursor, cancellationToken);
        }
    }

    /// <summary>The pipeline whose logs are read; null if pipeline and job do not belong together. And where the feed is.</summary>
    private Task<(PipelineName? Pipeline, long Cursor)> FindAsync(LogQuery query, CancellationToken cancellationToken) =>
        metadata.ReadAsync(
        reader =>
        {
            PpsReader records = new(reader);
            if (query.Job is { } job)
            {
                PipelineName owner = records.FindJob(job)?.Job.Pipeline
                    ?? throw NotFound($"could not get job information for {job}: job {job} not found");
                return (query.Pipeline is { } other && other != owner ? (PipelineName?)null : owner, reader.LastChange);
            }
            PipelineName name = query.Pipeline ?? throw new PpsException(
                PpsErrorKind.InvalidArgument, "must set either pipeline or job filter in call to GetLogs");
            return records.FindPipeline(name) is not null
                ? ((PipelineName?)name, reader.LastChange)
                : throw NotFound($"could not get pipeline information for {name}: pipeline {name} not found");
        },
        cancellationToken);

    /// <summary>All jobs of a pipeline, first created first.</summary>
    private async Task<IReadOnlyCollection<JobId>> ListJobsAsync(PipelineName pipeline, CancellationToken cancellationToken)
    {
        // A job that changes meanwhile moves to the front, where it is behind the reader: it comes twice or is in a later page.
        Dictionary<JobId, long> places = [];
        for (long? before = null; ;)
        {
            long? start = before;
            IReadOnlyList<JobRecord> page = await metadata.ReadAsync(
                reader => new PpsReader(reader).ListJobs(pipeline, start, JobsTogether), cancellationToken);
            foreach (JobRecord record in page)
            {
                places[record.Job.Id] = record.Queued;
            }
            if (page.Count < JobsTogether)
            {
                return [.. places.OrderBy(static place => place.Value).Select(static place => place.Key)];
            }
            before = page[^1].Revision;
        }
    }

    private Task<JobPieces> ReadPiecesAsync(PipelineName pipeline, JobId job, long after, CancellationToken cancellationToken) =>
        metadata.ReadAsync(
            reader =>
            {
                PpsReader records = new(reader);
                bool hasEnded = records.FindJob(job) is not { } record || record.Job.State.IsTerminal();
                return new JobPieces(records.ListLogs(pipeline, job, after, PiecesTogether), hasEnded);
            },
            cancellationToken);

    /// <summary>Waits until logs that are wanted have grown, or the job that is wanted has changed.</summary>
    private async Task<(IReadOnlyCollection<JobId> Grown, long Cursor)> WaitAsync(
        LogQuery query, PipelineName pipeline, long cursor, CancellationToken cancellationToken)
    {
        while (true)
        {
            await metadata.WaitForChangeAsync(cursor, cancellationToken);
            long start = cursor;
            IReadOnlyList<Change>? changes = await metadata.ReadAsync(reader => List(reader, start), cancellationToken);
            if (changes is null)
            {
                // The feed is too far ahead to tell what grew: all may have.
                cursor = await metadata.ReadAsync(static reader => reader.LastChange, cancellationToken);
                return (query.Job is { } job ? [job] : await ListJobsAsync(pipeline, cancellationToken), cursor);
            }
            cursor = changes.Count == 0 ? cursor : changes[^1].Sequence;
            JobId[] grown =
            [
                .. changes
                    .Where(change => change.Repo == pipeline.Value && (change.Kind == ChangeKind.LogAppended
                        || (query.Job is not null && change.Kind is ChangeKind.JobChanged or ChangeKind.JobDeleted)))
                    .Select(static change => new JobId(change.Commit!))
                    .Where(job => query.Job is null || query.Job == job)
                    .Distinct(),
            ];
            if (grown.Length > 0)
            {
                return (grown, cursor);
            }
        }
    }

    private static IReadOnlyList<Change>? List(IMetadataReader reader, long after)
    {
        try
        {
            return reader.ListChanges(after, ChangesTogether);
        }
        catch (ChangesTrimmedException)
        {
            return null;
        }
    }

    private static PpsException NotFound(string message) => new(PpsErrorKind.NotFound, message);

    private readonly record struct JobPieces(IReadOnlyList<KeyValuePair<long, ReadOnlyMemory<byte>>> Pieces, bool HasEnded);
}
