using Pachyderm.Errors;
using Pachyderm.Pfs;
using Pachyderm.Pps;
using Pachyderm.Pps.Jobs;
using Pachyderm.Pps.Pipelines;
using Pachyderm.Workers;
using static Pachyderm.Scheduling.Tests.TestCluster;

namespace Pachyderm.Scheduling.Tests.Pipelines;

/// <summary>What fails, and what is closed in the middle of things.</summary>
public sealed class RestartTests
{
    private static readonly PipelineName P = new("p");
    private readonly ManualTime time = new(new DateTimeOffset(2017, 8, 17, 0, 0, 0, TimeSpan.Zero));
    private readonly EmptyRuns runs = new();

    [Fact]
    public async Task A_job_that_fails_without_fault_of_its_program_begins_again_and_the_pipeline_shows_the_third_failure()
    {
        await using TestCluster cluster = await OpenAsync();
        int failures = 0;
        runs.During = (_, _) => ++failures <= 4 ? throw new IOException("the network\nis gone") : Task.CompletedTask;
        await cluster.CommitAsync("a");
        await time.AdvanceToNextAsync(Token);
        await time.AdvanceToNextAsync(Token);
        Pipeline restarting = await cluster.StateAsync("p", PipelineState.Restarting);
        Assert.Equal("the network is gone", restarting.RecentError);
        await time.AdvanceToNextAsync(Token);
        await time.AdvanceToNextAsync(Token);
        Job job = Assert.Single(await cluster.EndedJobsAsync("p", 1));
        Assert.Equal((JobState.Success, 4UL, ""), (job.State, job.Restarts, job.Reason));
        Assert.Equal("", (await cluster.RunningAsync("p")).RecentError);
        // 0.5, 1, 2 and 4 seconds.
        Assert.Equal(new DateTimeOffset(2017, 8, 17, 0, 0, 7, 500, TimeSpan.Zero), time.GetUtcNow());
    }

    [Fact]
    public async Task A_pipeline_whose_workers_cannot_be_started_fails_and_goes_on_when_it_is_started()
    {
        await using TestCluster cluster = await OpenAsync();
        bool refuses = true;
        runs.During = (_, _) => refuses
            ? throw new WorkersUnavailableException(new OperatorException("workers-missing", "the workers", "they are missing", "get some"))
            : Task.CompletedTask;
        await cluster.CommitAsync("a");
        await time.AdvanceToNextAsync(Token);
        await time.AdvanceToNextAsync(Token);
        Pipeline failed = await cluster.StateAsync("p", PipelineState.Failure);
        Assert.Contains("they are missing", failed.RecentError, StringComparison.Ordinal);
        await cluster.RestartAsync();
        CommitName last = await cluster.CommitAsync("a");
        Assert.Equal(PipelineState.Failure, (await cluster.Pipelines.InspectAsync(P, Token)).Pipeline.State);
        refuses = false;
        await cluster.Pipelines.StartAsync(P, Token);
        IReadOnlyList<Job> jobs = await cluster.EndedJobsAsync("p", 2);
        Assert.Equal(last.Id.Value, jobs[1].NewCommit!.Value.Id);
        Assert.Equal((PipelineState.Running, ""), (await cluster.RunningAsync("p") is var running ? (running.State, running.RecentError) : default));
    }

    [Fact]
    public async Task A_backend_that_refuses_workers_makes_the_pipeline_fail_and_the_job_waits()
    {
        await using TestCluster cluster = await TestCluster.OpenAsync(new TestClusterOptions
        {
            Time = time,
            Backend = static backend => new RefusingBackend(backend),
        });
        await cluster.CreateRepoAsync("a");
        await cluster.CreateCopyAsync("p", "a");
        await cluster.CommitAsync("a", ("file", "content"));
        Task<Pipeline> failing = cluster.StateAsync("p", PipelineState.Failure);
        while (!failing.IsCompleted)
        {
            // Others have timers, too.
            await Task.WhenAny(failing, time.AdvanceToNextAsync(Token));
        }
        Pipeline failed = await failing;
        Assert.Contains("they are not wanted", failed.RecentError, StringComparison.Ordinal);
        Assert.False(Assert.Single(await cluster.ListJobsAsync("p")).State.IsTerminal());
    }

    [Fact]
    public async Task A_cancellation_that_nobody_asked_for_is_a_failure_like_any_other()
    {
        await using TestCluster cluster = await OpenAsync();
        int failures = 0;
        runs.During = (_, _) => ++failures <= 1 ? throw new TaskCanceledException("the other side took too long") : Task.CompletedTask;
        await cluster.CommitAsync("a");
        await time.AdvanceToNextAsync(Token);
        Assert.Equal((JobState.Success, 1UL), Assert.Single(await cluster.EndedJobsAsync("p", 1)) is var job ? (job.State, job.Restarts) : default);
    }

    [Fact]
    public async Task A_scheduler_that_is_closed_at_any_step_goes_on_with_the_same_jobs_exactly_once()
    {
        await using TestCluster cluster = await OpenAsync();
        await cluster.CreateCopyAsync("q", "p");
        await cluster.CreateAsync("r", Cross(Atom("p"), Atom("q"), Atom("a")), "true");
        List<CommitName> commits = [];
        for (int i = 0; i < 12; i++)
        {
            // Closed while the job of the pipeline that comes next runs, at its beginning or anywhere later.
            Gate gate = new();
            string victim = (i % 3) switch { 0 => "p", 1 => "q", _ => "r" };
            runs.During = (job, token) => job.Pipeline.Value == victim ? gate.PassAsync(token) : Task.CompletedTask;
            commits.Add(await cluster.CommitAsync("a"));
            await gate.Entered;
            await cluster.RestartAsync(start: i % 2 == 0);
            if (i % 2 != 0)
            {
                commits.Add(await cluster.CommitAsync("a"));
                await cluster.Scheduler.StartAsync(Token);
            }
            runs.During = static (_, _) => Task.CompletedTask;
            gate.Open();
        }
        foreach (string pipeline in new[] { "p", "q", "r" })
        {
            await cluster.FlushAsync(commits[^1], pipeline);
            IReadOnlyList<Job> jobs = await cluster.EndedJobsAsync(pipeline, commits.Count);
            Assert.Equal(commits.Count, (await cluster.ListJobsAsync(pipeline)).Count);
            Assert.All(jobs, static job => Assert.Equal((JobState.Success, 0UL), (job.State, job.Restarts)));
            Assert.Equal(
                commits.Select(static commit => commit.Id),
                (await cluster.BranchAsync(pipeline)).Select(
                    static output => Assert.Single(output.Provenance, static source => source.Repo.Value == "a").Id));
        }
    }

    private async Task<TestCluster> OpenAsync()
    {
        TestCluster cluster = await runs.OpenAsync(new TestClusterOptions { Time = time });
        await cluster.CreateRepoAsync("a");
        await cluster.CreateCopyAsync("p", "a");
        await cluster.RunningAsync("p");
        return cluster;
    }

    private sealed class RefusingBackend(IWorkerBackend backend) : IWorkerBackend
    {
        public string Name => backend.Name;

        public IReadOnlyList<string> Notes => backend.Notes;

        public Task<IWorker> StartAsync(WorkerSpec spec, CancellationToken cancellationToken) =>
            throw new OperatorException("no-workers", "workers", "they are not wanted", "ask again");

        public ValueTask DisposeAsync() => backend.DisposeAsync();
    }
}
