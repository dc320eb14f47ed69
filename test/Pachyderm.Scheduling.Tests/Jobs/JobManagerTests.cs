using Pachyderm.Pfs;
using Pachyderm.Pps;
using Pachyderm.Pps.Jobs;
using Pachyderm.Pps.Pipelines;
using Pachyderm.Pps.Records;
using Pachyderm.Pps.Specs;
using static Pachyderm.Scheduling.Tests.TestCluster;

namespace Pachyderm.Scheduling.Tests.Jobs;

/// <summary>Jobs that are created, waited for, watched, stopped and deleted.</summary>
public sealed class JobManagerTests
{
    private static readonly PipelineName P = new("p");
    private static readonly JobId Missing = new("12345678-1234-4234-8234-123456789012");
    private readonly Gate gate = new();
    private readonly EmptyRuns runs = new();

    public JobManagerTests() => runs.During = (_, token) => gate.PassAsync(token);

    [Fact]
    public async Task Who_waits_for_a_job_gets_it_when_it_has_ended()
    {
        await using TestCluster cluster = await OpenAsync();
        Job job = await RunningAsync(cluster);
        Assert.Equal(JobState.Running, (await cluster.Jobs.InspectAsync(job.Id, block: false, Token)).Job.State);
        Task<JobRecord> waiting = cluster.Jobs.InspectAsync(job.Id, block: true, Token);
        await cluster.CommitAsync("a");
        Assert.False(waiting.IsCompleted);
        gate.Open();
        Assert.Equal(JobState.Success, (await waiting).Job.State);
        Assert.Equal(JobState.Success, (await cluster.Jobs.InspectAsync(job.Id, block: true, Token)).Job.State);
    }

    [Fact]
    public async Task A_stopped_job_is_killed_and_makes_way_for_the_next_and_is_not_run_again()
    {
        await using TestCluster cluster = await OpenAsync();
        Job job = await RunningAsync(cluster);
        await cluster.CommitAsync("a");
        await cluster.Jobs.StopAsync(job.Id, Token);
        gate.Open();
        IReadOnlyList<Job> jobs = await cluster.EndedJobsAsync("p", 2);
        Assert.Equal(
            [(JobState.Killed, "job was stopped"), (JobState.Success, "")],
            jobs.Select(static job => (job.State, job.Reason)));
        Assert.Null(jobs[0].Finished);
        Assert.Single(await cluster.BranchAsync("p"));
        await cluster.RestartAsync();
        await cluster.CommitAsync("a");
        Assert.Equal(
            [JobState.Killed, JobState.Success, JobState.Success],
            (await cluster.EndedJobsAsync("p", 3)).Select(static job => job.State));
        await cluster.Jobs.StopAsync(jobs[1].Id, Token);
        Assert.Equal(JobState.Success, (await cluster.EndAsync(jobs[1].Id)).State);
    }

    [Fact]
    public async Task A_job_that_waits_for_its_turn_can_be_stopped_too()
    {
        await using TestCluster cluster = await OpenAsync();
        await RunningAsync(cluster);
        await cluster.CommitAsync("a");
        JobId second = await NextAsync(cluster, static job => job.State == JobState.Starting);
        await cluster.Jobs.StopAsync(second, Token);
        gate.Open();
        Assert.Equal(
            [JobState.Success, JobState.Killed],
            (await cluster.EndedJobsAsync("p", 2)).Select(static job => job.State));
    }

    [Fact]
    public async Task Who_waits_for_a_job_that_is_deleted_is_told()
    {
        await using TestCluster cluster = await OpenAsync();
        Job job = await RunningAsync(cluster);
        Task<JobRecord> waiting = cluster.Jobs.InspectAsync(job.Id, block: true, Token);
        await cluster.Jobs.DeleteAsync(job.Id, Token);
        PpsException told = await Assert.ThrowsAsync<PpsException>(() => waiting);
        Assert.Equal((PpsErrorKind.NotFound, $"job {job.Id} was deleted"), (told.Kind, told.Message));
        gate.Open();
        await cluster.CommitAsync("a");
        await cluster.EndedJobsAsync("p", 1);
        Assert.Single(await cluster.BranchAsync("p"));
        await cluster.Jobs.DeleteAllAsync(Token);
        Assert.Empty(await cluster.Jobs.ListAsync(null, Token).ToListAsync(Token));
    }

    [Fact]
    public async Task Jobs_are_listed_last_written_first_of_all_pipelines_or_of_one()
    {
        await using TestCluster cluster = await OpenAsync();
        await cluster.CreateCopyAsync("q", "a");
        gate.Open();
        CommitName last = default;
        for (int i = 0; i < 3; i++)
        {
            last = await cluster.CommitAsync("a");
            await cluster.FlushAsync(last, "p", "q");
        }
        await cluster.EndedJobsAsync("p", 3);
        await cluster.EndedJobsAsync("q", 3);
        List<JobRecord> all = await cluster.Jobs.ListAsync(null, Token).ToListAsync(Token);
        Assert.Equal(6, all.Count);
        Assert.Equal(all.OrderByDescending(static record => record.Revision), all);
        List<JobRecord> ofP = await cluster.Jobs.ListAsync(P, Token).ToListAsync(Token);
        Assert.Equal(all.Where(static record => record.Job.Pipeline == P), ofP);
        Assert.Equal(last.Id.Value, ofP[0].Job.NewCommit!.Value.Id);
        Assert.Empty(await cluster.Jobs.ListAsync(new PipelineName("x"), Token).ToListAsync(Token));
    }

    [Fact]
    public async Task A_watch_shows_the_jobs_there_are_and_then_their_changes()
    {
        await using TestCluster cluster = await OpenAsync();
        Job first = await RunningAsync(cluster);
        await using IAsyncEnumerator<JobRecord> watch = cluster.Jobs.WatchAsync(P, Token).GetAsyncEnumerator(Token);
        Assert.True(await watch.MoveNextAsync());
        Assert.Equal((first.Id, JobState.Running), (watch.Current.Job.Id, watch.Current.Job.State));
        gate.Open();
        while (await watch.MoveNextAsync() && !watch.Current.Job.State.IsTerminal())
        {
            Assert.Equal(first.Id, watch.Current.Job.Id);
        }
        await cluster.CommitAsync("a");
        while (await watch.MoveNextAsync() && (watch.Current.Job.Id == first.Id || !watch.Current.Job.State.IsTerminal()))
        {
            // Until the second has ended.
        }
        Assert.NotEqual(first.Id, watch.Current.Job.Id);
    }

    [Fact]
    public async Task A_person_can_ask_for_a_job_of_the_pipeline_as_it_is()
    {
        await using TestCluster cluster = await OpenAsync();
        gate.Open();
        CommitName commit = await cluster.CommitAsync("a");
        await cluster.EndedJobsAsync("p", 1);
        Pipeline pipeline = (await cluster.Pipelines.InspectAsync(P, Token)).Pipeline;
        JobRequest request = new(P, pipeline.Version, pipeline.Salt, Input(commit));
        JobId id = await cluster.Jobs.CreateAsync(request, Token);
        Job job = await cluster.EndAsync(id);
        Assert.Equal((JobState.Success, null, null), (job.State, job.NewCommit, job.Parent));
        Assert.Equal(2, (await cluster.BranchAsync("p")).Count);

        CommitName open = await cluster.StartCommitAsync("a");
        await cluster.CreateRepoAsync("b");
        CommitName other = await cluster.CommitAsync("b");
        (JobRequest Request, PpsErrorKind Kind, string Message)[] refused =
        [
            (request with { Input = null }, PpsErrorKind.InvalidArgument, "no input set"),
            (request with { Pipeline = new PipelineName("x") }, PpsErrorKind.NotFound, "pipeline x not found"),
            (request with { PipelineVersion = 2 }, PpsErrorKind.FailedPrecondition, "job is made from an outdated version of the pipeline"),
            (request with { Salt = new Salt("s") }, PpsErrorKind.FailedPrecondition, "job is made from an outdated version of the pipeline"),
            (request with { Input = Atom("a", name: "in") }, PpsErrorKind.InvalidArgument, "input must specify a commit"),
            (request with { Input = Input(other with { Repo = new RepoName("a") }) }, PpsErrorKind.NotFound, $"commit a/{other.Id} not found"),
            (request with { Input = Input(other) }, PpsErrorKind.InvalidArgument, "pipeline p does not read repo b"),
            (request with { Input = Input(open) }, PpsErrorKind.FailedPrecondition, $"commit {open} has not been finished"),
        ];
        foreach ((JobRequest bad, PpsErrorKind kind, string message) in refused)
        {
            PpsException refusal = await Assert.ThrowsAsync<PpsException>(() => cluster.Jobs.CreateAsync(bad, Token));
            Assert.Equal((kind, message), (refusal.Kind, refusal.Message));
        }
    }

    [Fact]
    public async Task A_job_that_is_missing_is_said_to_be_and_so_is_a_datum_that_nobody_works_on()
    {
        await using TestCluster cluster = await OpenAsync();
        Func<Task>[] calls =
        [
            () => cluster.Jobs.InspectAsync(Missing, block: false, Token),
            () => cluster.Jobs.InspectAsync(Missing, block: true, Token),
            () => cluster.Jobs.StopAsync(Missing, Token),
            () => cluster.Jobs.DeleteAsync(Missing, Token),
            () => cluster.Jobs.RestartDatumAsync(Missing, [], Token),
        ];
        foreach (Func<Task> call in calls)
        {
            PpsException refusal = await Assert.ThrowsAsync<PpsException>(call);
            Assert.Equal((PpsErrorKind.NotFound, $"pachyderm_pps/jobs/ {Missing} not found"), (refusal.Kind, refusal.Message));
        }
        Assert.Empty(cluster.Jobs.ListWorkers(Missing));
        Job job = await RunningAsync(cluster);
        gate.Open();
        await cluster.EndAsync(job.Id);
        PpsException none = await Assert.ThrowsAsync<PpsException>(() => cluster.Jobs.RestartDatumAsync(job.Id, ["/x", "y"], Token));
        Assert.Equal($"datum matching filter [/x y] could not be found for jobID {job.Id}", none.Message);
    }

    private static InputSpec Input(CommitName commit) =>
        new() { Atom = new AtomInput("in", commit.Repo.Value, "master", commit.Id.Value, "/*") };

    private async Task<TestCluster> OpenAsync()
    {
        TestCluster cluster = await runs.OpenAsync();
        await cluster.CreateRepoAsync("a");
        await cluster.CreateCopyAsync("p", "a");
        return cluster;
    }

    private async Task<Job> RunningAsync(TestCluster cluster)
    {
        await cluster.CommitAsync("a");
        await gate.Entered;
        return Assert.Single(await cluster.ListJobsAsync("p"));
    }

    private static async Task<JobId> NextAsync(TestCluster cluster, Func<Job, bool> wanted)
    {
        await foreach (JobRecord record in cluster.Jobs.WatchAsync(P, Token))
        {
            if (wanted(record.Job))
            {
                return record.Job.Id;
            }
        }
        throw new InvalidOperationException("The watch has ended.");
    }
}
