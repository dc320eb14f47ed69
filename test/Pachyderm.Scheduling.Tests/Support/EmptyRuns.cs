using System.Collections.Concurrent;
using Pachyderm.Pfs;
using Pachyderm.Pps;
using Pachyderm.Pps.Jobs;
using Pachyderm.Pps.Pipelines;
using Pachyderm.Pps.Records;

namespace Pachyderm.Scheduling.Tests;

/// <summary>
/// Runs jobs without workers: each ends with an empty output commit, in two transactions like a job of a program. Tests of what triggers
/// jobs need no more, and can hold jobs up or let them fail.
/// </summary>
internal sealed class EmptyRuns
{
    /// <summary>The jobs that began, in order, once for each time.</summary>
    public ConcurrentQueue<Job> Begun { get; } = new();

    /// <summary>Runs between the beginning of a job and its output. By default nothing.</summary>
    public Func<Job, CancellationToken, Task> During { get; set; } = static (_, _) => Task.CompletedTask;

    /// <summary>Options of a cluster whose jobs run this way.</summary>
    public TestClusterOptions Options(TestClusterOptions? options = null) => (options ?? new TestClusterOptions()) with
    {
        Scheduler = scheduler => new Scheduler(scheduler, pipeline => new Execution(this, scheduler, pipeline)),
    };

    public Task<TestCluster> OpenAsync(TestClusterOptions? options = null) => TestCluster.OpenAsync(Options(options));

    private sealed class Execution(EmptyRuns runs, SchedulerOptions options, Pipeline pipeline) : IJobExecution
    {
        public async Task RunAsync(RunningJob job, CancellationToken cancellationToken)
        {
            Job running = await options.Metadata.WriteAsync(
                writer =>
                {
                    PpsWriter records = new(writer);
                    Job found = Find(records, job.Id);
                    if (found.State == JobState.Starting)
                    {
                        records.PutJob(found = found.Run(0));
                    }
                    return found;
                },
                cancellationToken);
            runs.Begun.Enqueue(running);
            await runs.During(running, cancellationToken);
            DateTimeOffset now = options.Time.GetUtcNow();
            await options.Metadata.WriteAsync(
                writer =>
                {
                    PpsWriter records = new(writer);
                    Job found = Find(records, job.Id);
                    CommitName output = new RepoTransaction(writer, now).BuildCommit(
                        new CommitOrigin(
                            new RepoName(found.Pipeline.Value),
                            null,
                            new BranchName(found.Workload.OutputBranch),
                            [.. found.Input.Sources().Select(static source => new CommitName(new RepoName(source.Repo), new CommitId(source.Id)))]),
                        tree: null);
                    records.PutJob(found.Commit(new CommitRef(output.Repo.Value, output.Id.Value), isDisjoint: true, null).Succeed(now));
                    return true;
                },
                cancellationToken);
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;

        private Job Find(PpsReader records, JobId id) =>
            records.FindJob(id) is { Job: { } job } && !job.State.IsTerminal() && job.PipelineVersion <= pipeline.Version
                ? job
                : throw new OperationCanceledException("The job was ended.");
    }
}

/// <summary>Holds up whoever comes, until it is opened.</summary>
internal sealed class Gate
{
    private readonly TaskCompletionSource entered = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource opened = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes when somebody has come.</summary>
    public Task Entered => entered.Task.WaitAsync(TestCluster.Token);

    public void Open() => opened.TrySetResult();

    public Task PassAsync(CancellationToken cancellationToken)
    {
        entered.TrySetResult();
        return opened.Task.WaitAsync(cancellationToken);
    }
}
