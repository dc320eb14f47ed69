using Pachyderm.Pps;
using Pachyderm.Pps.Datums;
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
    internal JobLogs(SchedulerOptions options)
    {
    }

    /// <summary>The lines that a query asks for, oldest first within each job.</summary>
    /// <exception cref="PpsException">Neither pipeline nor job is named, or what is named is missing.</exception>
    public IAsyncEnumerable<LogMessage> ReadAsync(LogQuery query, CancellationToken cancellationToken) => throw new NotImplementedException();
}
