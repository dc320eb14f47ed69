using Pachyderm.Pfs;
using Pachyderm.Pps;
using Pachyderm.Pps.Jobs;
using Pachyderm.Pps.Pipelines;
using Pachyderm.Pps.Records;
using static Pachyderm.Scheduling.Tests.TestCluster;

namespace Pachyderm.Scheduling.Tests.Pipelines;

/// <summary>Pipelines that are updated, stopped, started and deleted.</summary>
public sealed class LifeTests
{
    private static readonly PipelineName P = new("p");
    private readonly EmptyRuns runs = new();

    [Fact]
    public async Task An_update_keeps_the_old_output_on_a_branch_of_its_own_and_begins_without_a_parent()
    {
        await using TestCluster cluster = await WithCommitAsync(2);
        CommitName oldHead = (await cluster.BranchAsync("p"))[^1].Name;
        Salt salt = (await cluster.Pipelines.InspectAsync(P, Token)).Pipeline.Salt;
        PipelineRecord updated = await cluster.Pipelines.CreateAsync(Spec("p", Atom("a", name: "in"), "other") with { Update = true }, Token);
        Assert.Equal((2UL, salt), (updated.Pipeline.Version, updated.Pipeline.Salt));
        Assert.Empty(updated.Pipeline.JobCounts.NonZero());
        Assert.Equal("other", updated.Pipeline.Workload.Transform.Stdin[1]);
        BranchInfo branch = Assert.Single(await cluster.Files.Branches.ListAsync(new RepoName("p"), Token));
        Assert.Equal(("master-v1", oldHead), (branch.Name.Value, branch.Head));
        await cluster.CommitAsync("a");
        Job job = (await cluster.EndedJobsAsync("p", 3))[2];
        Assert.Equal((2UL, JobState.Success), (job.PipelineVersion, job.State));
        Assert.Null(Assert.Single(await cluster.BranchAsync("p")).Parent);
        await cluster.Pipelines.CreateAsync(Spec("p", Atom("a", name: "in"), "third") with { Update = true }, Token);
        Assert.Equal(
            ["master-v1", "master-v2"],
            (await cluster.Files.Branches.ListAsync(new RepoName("p"), Token)).Select(static info => info.Name.Value).Order());
    }

    [Fact]
    public async Task An_update_that_reprocesses_makes_all_jobs_again_in_order()
    {
        await using TestCluster cluster = await WithCommitAsync(3);
        IReadOnlyList<Job> before = await cluster.EndedJobsAsync("p", 3);
        PipelineRecord updated = await cluster.Pipelines.CreateAsync(
            Spec("p", Atom("a", name: "in"), "true") with { Update = true, Reprocess = true }, Token);
        IReadOnlyList<Job> jobs = await cluster.EndedJobsAsync("p", 6);
        Assert.Equal(before.Select(static job => job.Input), jobs.Skip(3).Select(static job => job.Input));
        Assert.All(jobs.Skip(3), job => Assert.Equal((updated.Pipeline.Salt, 2UL), (job.Salt, job.PipelineVersion)));
        Assert.Equal(3, (await cluster.BranchAsync("p")).Count);
        Assert.Equal(3, (await cluster.BranchAsync("p", "master-v1")).Count);
    }

    [Fact]
    public async Task An_update_with_another_input_makes_jobs_of_all_commits_and_changes_what_is_behind()
    {
        await using TestCluster cluster = await WithCommitAsync(2);
        await cluster.CreateRepoAsync("b");
        await cluster.CreateAsync("q", Cross(Atom("p"), Atom("a")), "true");
        await cluster.CreateCopyAsync("r", "q");
        await cluster.EndedJobsAsync("r", 2);
        await cluster.Pipelines.CreateAsync(Spec("p", Atom("b"), "true") with { Update = true }, Token);
        Assert.Equal(["b"], await ProvenanceAsync(cluster, "p"));
        Assert.Equal(["a", "b", "p"], await ProvenanceAsync(cluster, "q"));
        Assert.Equal(["a", "b", "p", "q"], await ProvenanceAsync(cluster, "r"));
        CommitName b = await cluster.CommitAsync("b");
        await cluster.FlushAsync(b, "p", "q", "r");
        CommitInfo q = (await cluster.BranchAsync("q"))[^1];
        Assert.Equal(["a", "b", "p"], q.Provenance.Select(static source => source.Repo.Value).Order());
        await cluster.Pipelines.CreateAsync(Spec("p", Atom("b", "/"), "true") with { Update = true }, Token);
        Assert.Equal("/", ((Pps.Specs.AtomInput)(await cluster.EndedJobsAsync("p", 4))[3].Input).Glob);
    }

    [Fact]
    public async Task Jobs_that_have_not_ended_go_on_as_those_of_the_new_version()
    {
        Gate gate = new();
        await using TestCluster cluster = await WithCommitAsync(0);
        runs.During = (job, token) => job.PipelineVersion == 1 ? gate.PassAsync(token) : Task.CompletedTask;
        await cluster.CommitAsync("a");
        await cluster.CommitAsync("a");
        await gate.Entered;
        await WaitForJobsAsync(cluster, 2);
        IReadOnlyList<Job> before = await cluster.ListJobsAsync("p");
        PipelineRecord updated = await cluster.Pipelines.CreateAsync(Spec("p", Atom("a", name: "in"), "other") with { Update = true }, Token);
        Assert.Equal(2, updated.Pipeline.JobCounts[JobState.Starting]);
        IReadOnlyList<Job> jobs = await cluster.EndedJobsAsync("p", 2);
        Assert.Equal(before.Select(static job => job.Id), jobs.Select(static job => job.Id));
        Assert.All(jobs, static job => Assert.Equal((2UL, "other"), (job.PipelineVersion, job.Workload.Transform.Stdin[1])));
        JobCounts counts = (await cluster.Pipelines.InspectAsync(P, Token)).Pipeline.JobCounts;
        Assert.Equal([KeyValuePair.Create(JobState.Success, 2)], counts.NonZero());
    }

    [Fact]
    public async Task Jobs_that_have_not_ended_are_killed_and_made_again_if_everything_is_processed_again()
    {
        Gate gate = new();
        await using TestCluster cluster = await WithCommitAsync(0);
        runs.During = (job, token) => job.PipelineVersion == 1 ? gate.PassAsync(token) : Task.CompletedTask;
        await cluster.CommitAsync("a");
        await cluster.CommitAsync("a");
        await gate.Entered;
        await WaitForJobsAsync(cluster, 2);
        await cluster.Pipelines.CreateAsync(Spec("p", Atom("a", name: "in"), "true") with { Update = true, Reprocess = true }, Token);
        IReadOnlyList<Job> jobs = await cluster.EndedJobsAsync("p", 4);
        Assert.Equal(
            [JobState.Killed, JobState.Killed, JobState.Success, JobState.Success],
            jobs.Select(static job => job.State));
        Assert.Equal("pipeline p was updated to version 2", jobs[0].Reason);
        JobCounts counts = (await cluster.Pipelines.InspectAsync(P, Token)).Pipeline.JobCounts;
        Assert.Equal([KeyValuePair.Create(JobState.Success, 2)], counts.NonZero());
    }

    [Fact]
    public async Task A_rejected_update_leaves_the_old_version_running()
    {
        await using TestCluster cluster = await WithCommitAsync(1);
        Pipeline before = (await cluster.Pipelines.InspectAsync(P, Token)).Pipeline;
        await Assert.ThrowsAsync<PpsException>(() => cluster.Pipelines.CreateAsync(
            Spec("p", Atom("missing"), "true") with { Update = true, Reprocess = true }, Token));
        Assert.Equal(before, (await cluster.Pipelines.InspectAsync(P, Token)).Pipeline);
        await cluster.CommitAsync("a");
        Assert.All(await cluster.EndedJobsAsync("p", 2), static job => Assert.Equal(1UL, job.PipelineVersion));
        Assert.Equal(2, (await cluster.BranchAsync("p")).Count);
    }

    [Fact]
    public async Task A_paused_pipeline_makes_no_jobs_and_processes_them_when_it_is_started_also_after_a_restart()
    {
        await using TestCluster cluster = await WithCommitAsync(1);
        await cluster.Pipelines.StopAsync(P, Token);
        await cluster.CommitAsync("a");
        await cluster.RestartAsync();
        Assert.Equal(PipelineState.Paused, (await cluster.Pipelines.InspectAsync(P, Token)).Pipeline.State);
        CommitName last = await cluster.CommitAsync("a");
        await cluster.CreateCopyAsync("other", "a");
        await cluster.FlushAsync(last, "other");
        Assert.Single(await cluster.ListJobsAsync("p"));
        await cluster.Pipelines.StartAsync(P, Token);
        Assert.Equal(3, (await cluster.EndedJobsAsync("p", 3)).Count);
        Assert.Equal(PipelineState.Running, (await cluster.Pipelines.InspectAsync(P, Token)).Pipeline.State);
        await cluster.Pipelines.StartAsync(P, Token);
    }

    [Fact]
    public async Task A_job_that_runs_when_its_pipeline_is_stopped_stays_running_and_goes_on_when_that_is_started()
    {
        Gate gate = new();
        await using TestCluster cluster = await WithCommitAsync(0);
        bool ended = false;
        runs.During = async (_, token) =>
        {
            try
            {
                await gate.PassAsync(token);
            }
            finally
            {
                ended = true;
            }
        };
        await cluster.CommitAsync("a");
        await gate.Entered;
        await cluster.Pipelines.StopAsync(P, Token);
        Assert.True(ended);
        Assert.Equal(JobState.Running, Assert.Single(await cluster.ListJobsAsync("p")).State);
        gate.Open();
        await cluster.Pipelines.StartAsync(P, Token);
        Job job = Assert.Single(await cluster.EndedJobsAsync("p", 1));
        Assert.Equal((JobState.Success, 0UL), (job.State, job.Restarts));
        Assert.Equal(2, runs.Begun.Count);
    }

    [Fact]
    public async Task A_deleted_pipeline_leaves_its_jobs_and_its_repo_unless_they_are_to_go_too()
    {
        Gate gate = new();
        await using TestCluster cluster = await WithCommitAsync(1);
        runs.During = (_, token) => gate.PassAsync(token);
        await cluster.CommitAsync("a");
        await gate.Entered;
        await cluster.Pipelines.DeleteAsync(P, deleteJobs: false, deleteRepo: false, Token);
        Assert.Equal(
            [(JobState.Success, ""), (JobState.Killed, "pipeline p was deleted")],
            (await cluster.ListJobsAsync("p")).Select(static job => (job.State, job.Reason)));
        Assert.Single(await cluster.BranchAsync("p"));
        Assert.Empty(await cluster.Pipelines.ListAsync(Token));
        gate.Open();

        await cluster.CreateCopyAsync("p", "a");
        IReadOnlyList<Job> jobs = await cluster.EndedJobsAsync("p", 4);
        Assert.Equal(2, jobs.Select(static job => job.Salt).Distinct().Count());
        Assert.Equal(3, (await cluster.BranchAsync("p")).Count);
        await cluster.Pipelines.DeleteAsync(P, deleteJobs: true, deleteRepo: true, Token);
        Assert.Empty(await cluster.ListJobsAsync("p"));
        Assert.Equal("a", Assert.Single(await cluster.Files.Repos.ListAsync([], Token)).Name.Value);
        await cluster.CommitAsync("a");
        await cluster.CreateCopyAsync("p", "a");
        Assert.Equal(3, (await cluster.EndedJobsAsync("p", 3)).Count);
    }

    [Fact]
    public async Task All_pipelines_are_deleted_at_once()
    {
        await using TestCluster cluster = await WithCommitAsync(1);
        await cluster.CreateCopyAsync("q", "p");
        await cluster.CreateAsync("r", Cross(Atom("q"), Atom("a")), "true");
        await cluster.EndedJobsAsync("r", 1);
        await cluster.Pipelines.DeleteAllAsync(deleteJobs: true, deleteRepo: true, Token);
        Assert.Empty(await cluster.Pipelines.ListAsync(Token));
        Assert.Empty(await cluster.Jobs.ListAsync(null, Token).ToListAsync(Token));
        Assert.Single(await cluster.Files.Repos.ListAsync([], Token));
        await cluster.Pipelines.DeleteAllAsync(deleteJobs: true, deleteRepo: true, Token);
    }

    [Fact]
    public async Task A_pipeline_that_is_missing_is_said_to_be()
    {
        await using TestCluster cluster = await WithCommitAsync(0);
        PipelineName x = new("x");
        (Func<Task> Call, string Message)[] calls =
        [
            (() => cluster.Pipelines.InspectAsync(x, Token), "pipeline x not found"),
            (() => cluster.Pipelines.StartAsync(x, Token), "pipeline x not found"),
            (() => cluster.Pipelines.StopAsync(x, Token), "pipeline x not found"),
            (() => cluster.Pipelines.DeleteAsync(x, false, false, Token), "pipeline x was not found: pachyderm_pps/pipelines/ x not found"),
        ];
        foreach ((Func<Task> call, string message) in calls)
        {
            PpsException refusal = await Assert.ThrowsAsync<PpsException>(call);
            Assert.Equal((PpsErrorKind.NotFound, message), (refusal.Kind, refusal.Message));
        }
    }

    private async Task<TestCluster> WithCommitAsync(int commits)
    {
        TestCluster cluster = await runs.OpenAsync();
        await cluster.CreateRepoAsync("a");
        for (int i = 0; i < commits; i++)
        {
            await cluster.CommitAsync("a");
        }
        await cluster.CreateCopyAsync("p", "a");
        await cluster.RunningAsync("p");
        await cluster.EndedJobsAsync("p", commits);
        return cluster;
    }

    private static async Task WaitForJobsAsync(TestCluster cluster, int count)
    {
        HashSet<JobId> seen = [];
        await foreach (JobRecord record in cluster.Jobs.WatchAsync(P, Token))
        {
            if (seen.Add(record.Job.Id) && seen.Count == count)
            {
                return;
            }
        }
    }

    private static async Task<IEnumerable<string>> ProvenanceAsync(TestCluster cluster, string repo) =>
        (await cluster.Files.Repos.InspectAsync(new RepoName(repo), Token)).Provenance.Select(static source => source.Value)
            .Order(StringComparer.Ordinal);
}
