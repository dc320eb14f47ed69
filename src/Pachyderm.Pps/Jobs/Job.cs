using Pachyderm.Pps.Pipelines;
using Pachyderm.Pps.Specs;

namespace Pachyderm.Pps.Jobs;

/// <summary>The processing of one set of input commits by one pipeline.</summary>
/// <param name="Id">Its identifier.</param>
/// <param name="Pipeline">The pipeline, whose output repo it commits to.</param>
/// <param name="PipelineVersion">The pipeline's version when the job was created.</param>
/// <param name="Salt">The pipeline's salt then.</param>
/// <param name="Input">Its input, with a commit for every atom and cron.</param>
/// <param name="Workload">How datums are processed.</param>
/// <param name="Started">When it was created, UTC.</param>
public sealed record Job(
    JobId Id, PipelineName Pipeline, ulong PipelineVersion, Salt Salt, Input Input, Workload Workload, DateTimeOffset Started)
{
    /// <summary>The commit whose arrival triggered the job; null if a person created it.</summary>
    public CommitRef? NewCommit { get; init; }

    /// <summary>The job of the same pipeline that processed the parent of <see cref="NewCommit"/>; null if there is none.</summary>
    public JobId? Parent { get; init; }

    /// <summary>How it stands.</summary>
    public JobState State { get; private init; }

    /// <summary>When it succeeded or failed, UTC; also null when it was killed.</summary>
    public DateTimeOffset? Finished { get; private init; }

    /// <summary>The output; null before it is committed, and if the job failed.</summary>
    public CommitRef? OutputCommit { get; private init; }

    /// <summary>Whether the datums wrote to disjoint paths, so that the output of a later job may be made from this one's.</summary>
    public bool IsOutputDisjoint { get; private init; }

    /// <summary>The commit with statistics; null before it is committed, and unless the workload has them enabled.</summary>
    public CommitRef? StatsCommit { get; private init; }

    /// <summary>How often it began again after a failure that was not the program's.</summary>
    public ulong Restarts { get; private init; }

    /// <summary>Number of datums; 0 until it runs.</summary>
    public long DataTotal { get; private init; }

    /// <summary>Number of datums that were processed.</summary>
    public long DataProcessed { get; private init; }

    /// <summary>Number of datums whose output was known.</summary>
    public long DataSkipped { get; private init; }

    /// <summary>What processing took so far.</summary>
    public ProcessStats Stats { get; private init; }

    /// <summary>Why it failed, was killed or began again; else empty.</summary>
    public string Reason { get; private init; } = "";

    /// <summary>A job of a pipeline.</summary>
    /// <param name="pipeline">The pipeline.</param>
    /// <param name="input">The pipeline's input with a commit for every atom and cron.</param>
    /// <param name="now">The present.</param>
    public static Job Create(Pipeline pipeline, Input input, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(pipeline);
        return new Job(JobId.New(), pipeline.Name, pipeline.Version, pipeline.Salt, input, pipeline.Workload, now.ToUniversalTime());
    }

    /// <summary>Checks that a request for a job was made for the pipeline as it is now.</summary>
    /// <exception cref="PpsException">It was not.</exception>
    public static void CheckUpToDate(Pipeline pipeline, ulong version, Salt salt)
    {
        ArgumentNullException.ThrowIfNull(pipeline);
        if (pipeline.Version != version || pipeline.Salt != salt)
        {
            throw new PpsException(PpsErrorKind.FailedPrecondition, "job is made from an outdated version of the pipeline");
        }
    }

    /// <summary>A job as it was recorded, in whatever state it was.</summary>
    public static Job Restore(Job job, JobState state, JobProgress progress, JobOutcome outcome)
    {
        ArgumentNullException.ThrowIfNull(job);
        ArgumentNullException.ThrowIfNull(progress);
        ArgumentNullException.ThrowIfNull(outcome);
        return job with
        {
            State = state,
            DataTotal = progress.Total,
            DataProcessed = progress.Processed,
            DataSkipped = progress.Skipped,
            Stats = progress.Stats,
            Restarts = outcome.Restarts,
            Finished = outcome.Finished,
            OutputCommit = outcome.Output,
            IsOutputDisjoint = outcome.IsOutputDisjoint,
            StatsCommit = outcome.Statistics,
            Reason = outcome.Reason,
        };
    }

    /// <summary>It begins to process datums.</summary>
    /// <param name="total">Their number.</param>
    public Job Run(long total) => Expect(JobState.Starting) with { State = JobState.Running, DataTotal = total };

    /// <summary>It begins again, after a failure that was not the program's.</summary>
    /// <param name="reason">One line.</param>
    public Job Restart(string reason) => Expect(JobState.Running) with
    {
        State = JobState.Starting,
        Restarts = Restarts + 1,
        DataTotal = 0,
        DataProcessed = 0,
        DataSkipped = 0,
        Stats = default,
        Reason = reason,
    };

    /// <summary>
    /// It goes on after the server was restarted, with the counters that the records of its datums give. That is no restart of the job.
    /// </summary>
    public Job Resume(JobProgress progress)
    {
        ArgumentNullException.ThrowIfNull(progress);
        return Expect(JobState.Running) with
        {
            DataTotal = progress.Total,
            DataProcessed = progress.Processed,
            DataSkipped = progress.Skipped,
            Stats = progress.Stats,
        };
    }

    /// <summary>Datums were finished.</summary>
    /// <param name="processed">How many were processed since the last call.</param>
    /// <param name="skipped">How many were skipped since the last call.</param>
    /// <param name="stats">What it took.</param>
    public Job Advance(long processed, long skipped, ProcessStats stats) => Expect(JobState.Running) with
    {
        DataProcessed = DataProcessed + processed,
        DataSkipped = DataSkipped + skipped,
        Stats = Stats + stats,
    };

    /// <summary>
    /// Its output is committed. It goes on running while the output is sent elsewhere; if that fails and it begins again, there is no
    /// second commit.
    /// </summary>
    /// <param name="output">The output commit.</param>
    /// <param name="isDisjoint">Whether the datums wrote to disjoint paths.</param>
    /// <param name="statistics">The stats commit, or null.</param>
    public Job Commit(CommitRef output, bool isDisjoint, CommitRef? statistics) => Expect(JobState.Running) with
    {
        OutputCommit = output,
        IsOutputDisjoint = isDisjoint,
        StatsCommit = statistics,
    };

    /// <summary>It succeeded.</summary>
    /// <param name="now">The present.</param>
    /// <exception cref="InvalidOperationException">Its output is not committed.</exception>
    public Job Succeed(DateTimeOffset now) => OutputCommit is null
        ? throw new InvalidOperationException($"Job {Id} has no output commit.")
        : Expect(JobState.Running) with { State = JobState.Success, Finished = now.ToUniversalTime(), Reason = "" };

    /// <summary>A datum failed for good. All others have been processed first, so that a later job finds their results.</summary>
    /// <param name="reason">One line.</param>
    /// <param name="statistics">The stats commit, or null.</param>
    /// <param name="now">The present.</param>
    public Job Fail(string reason, CommitRef? statistics, DateTimeOffset now) => Expect(JobState.Running) with
    {
        State = JobState.Failure,
        StatsCommit = statistics,
        Finished = now.ToUniversalTime(),
        Reason = reason,
    };

    /// <summary>
    /// It is stopped. A job that has ended stays as it ended, where upstream overwrites what became of it; like there, the time is not set.
    /// </summary>
    /// <param name="reason">One line.</param>
    public Job Kill(string reason) => State.IsTerminal() ? this : this with { State = JobState.Killed, Reason = reason };

    private Job Expect(JobState state) =>
        State == state ? this : throw new InvalidOperationException($"Job {Id} is {State} where it must be {state}.");
}

/// <summary>How far a job is.</summary>
/// <param name="Total">Number of datums.</param>
/// <param name="Processed">Number of those processed.</param>
/// <param name="Skipped">Number of those whose output was known.</param>
/// <param name="Stats">What processing took.</param>
public sealed record JobProgress(long Total, long Processed, long Skipped, ProcessStats Stats);

/// <summary>What became of a job.</summary>
/// <param name="Restarts">How often it began again.</param>
/// <param name="Finished">When it succeeded or failed.</param>
/// <param name="Output">The output commit.</param>
/// <param name="Statistics">The stats commit.</param>
/// <param name="Reason">Why it failed, was killed or began again.</param>
/// <param name="IsOutputDisjoint">Whether its datums wrote to disjoint paths.</param>
public sealed record JobOutcome(
    ulong Restarts, DateTimeOffset? Finished, CommitRef? Output, CommitRef? Statistics, string Reason, bool IsOutputDisjoint = false);
