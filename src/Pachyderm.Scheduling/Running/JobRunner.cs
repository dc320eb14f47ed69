namespace Pachyderm.Scheduling;

/// <summary>
/// Runs one job to its end: plans its datums, has those processed that have no result, puts the output together, commits it and sends it
/// elsewhere if the pipeline says so. Every step is one transaction; a job that was begun before goes on where it was.
/// </summary>
internal sealed class JobRunner
{
    private const int ManyDatums = 200_000;

    private readonly SchedulerOptions options;
    private readonly StoredTrees trees;

    public JobRunner(SchedulerOptions options)
    {
        this.options = options;
        trees = StoredTrees.Of(options.Chunks);
    }

    /// <summary>Runs a job whose turn it is.</summary>
    /// <param name="pool">The workers of its pipeline.</param>
    /// <param name="job">The job, told of what happens; its record is STARTING, or RUNNING if it was begun before.</param>
    /// <param name="cancellationToken">
    /// Ends it: the job was killed or deleted, its pipeline paused, or the server ends. The record of a job that runs is left as it is.
    /// </param>
    /// <remarks>
    /// When it returns, the record says SUCCESS or FAILURE. Any exception but <see cref="OperationCanceledException"/> is a failure that
    /// was
    /// not the program's: the caller records the restart (<see cref="Pps.Jobs.Job.Restart"/>) and tries again after a pause.
    /// </remarks>
    public async Task RunAsync(WorkerPool pool, RunningJob job, CancellationToken cancellationToken)
    {
        long datums;
        await using (JobRun execution = await JobRun.OpenAsync(options, trees, pool, job, cancellationToken))
        {
            datums = await execution.RunAsync(cancellationToken);
        }
        if (datums >= ManyDatums)
        {
            // Their list is old by now, and would else lie there while the next job makes one as large. What is below on the stack still
            // refers to it, hence the new beginning.
            await Task.Yield();
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true);
        }
    }
}
