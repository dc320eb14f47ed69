using Pachyderm.Pfs;
using Pachyderm.Pps;
using Pachyderm.Pps.Jobs;
using Pachyderm.Pps.Pipelines;
using Pachyderm.Pps.Records;
using static Pachyderm.Scheduling.Tests.TestCluster;

namespace Pachyderm.Scheduling.Tests.Pipelines;

/// <summary>Which commits make which jobs.</summary>
public sealed class TriggerTests
{
    private readonly EmptyRuns runs = new();

    [Fact]
    public async Task Every_commit_makes_a_job_in_order()
    {
        await using TestCluster cluster = await runs.OpenAsync();
        await cluster.CreateRepoAsync("a");
        await cluster.CreateCopyAsync("p", "a");
        CommitName[] commits = [await cluster.CommitAsync("a"), await cluster.CommitAsync("a"), await cluster.CommitAsync("a")];
        Assert.Equal(Ids(commits), Inputs(await cluster.EndedJobsAsync("p", 3)));
        Assert.Equal(Ids(commits), (await cluster.BranchAsync("p")).Select(static output => Assert.Single(output.Provenance).Id.Value));
        Assert.Equal(PipelineState.Running, (await cluster.Pipelines.InspectAsync(new PipelineName("p"), Token)).Pipeline.State);
    }

    [Fact]
    public async Task A_pipeline_that_is_created_on_commits_processes_all_of_them_in_order()
    {
        await using TestCluster cluster = await runs.OpenAsync();
        await cluster.CreateRepoAsync("a");
        List<CommitName> commits = [];
        for (int i = 0; i < 5; i++)
        {
            commits.Add(await cluster.CommitAsync("a"));
        }
        PipelineRecord created = await cluster.CreateCopyAsync("p", "a");
        Assert.Equal(5, created.Pipeline.JobCounts[JobState.Starting]);
        await cluster.CreateCopyAsync("q", "p");
        IReadOnlyList<CommitInfo> flushed = await cluster.FlushAsync(commits[4], "q");
        Assert.Equal("q", Assert.Single(flushed).Name.Repo.Value);
        IReadOnlyList<Job> jobs = await cluster.EndedJobsAsync("q", 5);
        Assert.Equal((await cluster.BranchAsync("p")).Select(static commit => commit.Name.Id.Value), Inputs(jobs));
        Assert.Equal(jobs.Take(4).Select(static job => (JobId?)job.Id), jobs.Skip(1).Select(static job => job.Parent));
        Assert.Null(jobs[0].Parent);
    }

    [Fact]
    public async Task A_commit_arrives_when_it_is_finished_and_others_of_the_repo_do_not()
    {
        await using TestCluster cluster = await runs.OpenAsync();
        await cluster.CreateRepoAsync("a");
        await cluster.CreateCopyAsync("p", "a");
        CommitName open = await cluster.StartCommitAsync("a");
        CommitName other = await cluster.StartCommitAsync("a", "other");
        await cluster.FinishAsync(other);
        await cluster.FinishAsync(open);
        CommitName last = await cluster.CommitAsync("a");
        Assert.Equal(Ids(open, last), Inputs(await cluster.EndedJobsAsync("p", 2)));
    }

    [Fact]
    public async Task A_branch_that_is_moved_brings_what_was_finished_elsewhere_oldest_first_and_nothing_twice()
    {
        await using TestCluster cluster = await runs.OpenAsync();
        await cluster.CreateRepoAsync("a");
        CommitName first = await cluster.CommitAsync("a");
        await cluster.CreateCopyAsync("p", "a");
        CommitName second = await cluster.StartCommitAsync("a", "other");
        await cluster.FinishAsync(second);
        CommitName third = await cluster.StartCommitAsync("a", "other");
        await cluster.FinishAsync(third);
        await cluster.Files.Branches.SetAsync(new CommitReference(third), new BranchName("master"), Token);
        await cluster.Files.Branches.SetAsync(new CommitReference(first), new BranchName("master"), Token);
        await cluster.Files.Branches.SetAsync(new CommitReference(third), new BranchName("master"), Token);
        CommitName last = await cluster.CommitAsync("a");
        Assert.Equal(Ids(first, second, third, last), Inputs(await cluster.EndedJobsAsync("p", 4)));
    }

    [Fact]
    public async Task A_commit_that_was_the_head_of_the_branch_arrives_even_if_the_branch_is_gone_when_it_is_finished()
    {
        await using TestCluster cluster = await runs.OpenAsync();
        await cluster.CreateRepoAsync("a");
        await cluster.CreateCopyAsync("p", "a");
        CommitName open = await cluster.StartCommitAsync("a");
        await cluster.Files.Branches.DeleteAsync(new RepoName("a"), new BranchName("master"), Token);
        await cluster.FinishAsync(open);
        Assert.Equal(Ids(open), Inputs(await cluster.EndedJobsAsync("p", 1)));
    }

    [Fact]
    public async Task A_diamond_runs_once_for_each_commit()
    {
        await using TestCluster cluster = await runs.OpenAsync();
        await cluster.CreateRepoAsync("a");
        await cluster.CreateCopyAsync("b", "a");
        await cluster.CreateCopyAsync("c", "a");
        await cluster.CreateAsync("d", Cross(Atom("b"), Atom("c"), Atom("a")), "true");
        List<CommitName> commits = [];
        for (int i = 0; i < 10; i++)
        {
            commits.Add(await cluster.CommitAsync("a"));
        }
        await cluster.EndedJobsAsync("d", 10);
        IReadOnlyList<CommitInfo> outputs = await cluster.BranchAsync("d");
        Assert.Equal(
            Ids([.. commits]),
            outputs.Select(static output => Assert.Single(output.Provenance, static source => source.Repo.Value == "a").Id.Value));
        Assert.All(outputs, static output => Assert.Equal(3, output.Provenance.Length));
    }

    [Fact]
    public async Task Several_repos_make_a_job_once_each_has_a_commit_and_then_for_each_commit()
    {
        await using TestCluster cluster = await runs.OpenAsync();
        await cluster.CreateRepoAsync("a");
        await cluster.CreateRepoAsync("b");
        await cluster.CreateAsync("p", Union(Atom("a"), Atom("b")), "true");
        await cluster.CommitAsync("a");
        CommitName a2 = await cluster.CommitAsync("a");
        CommitName b1 = await cluster.CommitAsync("b");
        await cluster.EndedJobsAsync("p", 1);
        CommitName b2 = await cluster.CommitAsync("b");
        await cluster.EndedJobsAsync("p", 2);
        CommitName a3 = await cluster.CommitAsync("a");
        IReadOnlyList<Job> jobs = await cluster.EndedJobsAsync("p", 3);
        Assert.Equal(
            [(a2.Id.Value, b1.Id.Value), (a2.Id.Value, b2.Id.Value), (a3.Id.Value, b2.Id.Value)],
            jobs.Select(static job => (job.Input.Sources()[0].Id, job.Input.Sources()[1].Id)));
        Assert.Equal([null, jobs[0].Id, jobs[1].Id], jobs.Select(static job => job.Parent));
    }

    [Fact]
    public async Task From_commit_leaves_out_what_was_there_and_makes_one_job_of_what_comes()
    {
        await using TestCluster cluster = await runs.OpenAsync();
        foreach (string repo in new[] { "a", "b" })
        {
            await cluster.CreateRepoAsync(repo);
            await cluster.CommitAsync(repo);
            await cluster.CommitAsync(repo);
        }
        await cluster.CreateAsync("p", Union(Atom("a", from: "master"), Atom("b", from: "master")), "true");
        CommitName a = await cluster.CommitAsync("a");
        CommitName b = await cluster.CommitAsync("b");
        Job job = Assert.Single(await cluster.EndedJobsAsync("p", 1));
        Assert.Equal(Ids(a, b), job.Input.Sources().Select(static source => source.Id));
        await cluster.RestartAsync();
        CommitName last = await cluster.CommitAsync("a");
        Assert.Equal(Ids(last, b), (await cluster.EndedJobsAsync("p", 2))[1].Input.Sources().Select(static source => source.Id));
        PpsException refusal = await Assert.ThrowsAsync<PpsException>(
            () => cluster.CreateAsync("q", Atom("a", from: "nothing"), "true"));
        Assert.Equal((PpsErrorKind.NotFound, "from_commit nothing of input a not found in repo a"), (refusal.Kind, refusal.Message));
    }

    [Fact]
    public async Task A_branch_other_than_master_is_read_and_written()
    {
        await using TestCluster cluster = await runs.OpenAsync();
        await cluster.CreateRepoAsync("a");
        await cluster.Pipelines.CreateAsync(Spec("p", Atom("a", branch: "in"), "true") with { OutputBranch = "out" }, Token);
        CommitName commit = await cluster.StartCommitAsync("a", "in");
        await cluster.CommitAsync("a");
        await cluster.FinishAsync(commit);
        Assert.Equal(Ids(commit), Inputs(await cluster.EndedJobsAsync("p", 1)));
        Assert.Single(await cluster.BranchAsync("p", "out"));
        Assert.Empty(await cluster.BranchAsync("p"));
    }

    [Fact]
    public async Task A_repo_that_is_deleted_and_created_again_goes_on_with_its_new_commits()
    {
        await using TestCluster cluster = await runs.OpenAsync();
        await cluster.CreateRepoAsync("a");
        await cluster.CreateRepoAsync("b");
        await cluster.CreateAsync("p", Cross(Atom("a"), Atom("b")), "true");
        await cluster.CommitAsync("a");
        CommitName b = await cluster.CommitAsync("b");
        await cluster.EndedJobsAsync("p", 1);
        await cluster.Files.Repos.DeleteAsync(new RepoName("a"), force: true, Token);
        CommitName b2 = await cluster.CommitAsync("b");
        await cluster.CreateRepoAsync("a");
        CommitName again = await cluster.CommitAsync("a");
        IReadOnlyList<Job> jobs = await cluster.EndedJobsAsync("p", 2);
        Assert.Equal(Ids(again, b2), jobs[1].Input.Sources().Select(static source => source.Id));
        Assert.NotEqual(b, b2);
    }

    [Fact]
    public async Task The_output_of_a_pipeline_that_read_something_else_before_is_not_mixed_with_what_it_reads_now()
    {
        await using TestCluster cluster = await runs.OpenAsync();
        await cluster.CreateRepoAsync("a");
        await cluster.CreateRepoAsync("b");
        await cluster.CreateCopyAsync("q", "a");
        await cluster.CommitAsync("a");
        await cluster.EndedJobsAsync("q", 1);
        await cluster.Pipelines.DeleteAsync(new PipelineName("q"), deleteJobs: true, deleteRepo: false, Token);
        await cluster.CreateCopyAsync("q", "b");
        await cluster.CreateAsync("p", Cross(Atom("b"), Atom("q")), "true");
        CommitName[] commits = [await cluster.CommitAsync("b"), await cluster.CommitAsync("b")];
        await cluster.RestartAsync();
        commits = [.. commits, await cluster.CommitAsync("b")];
        IReadOnlyList<Job> jobs = await cluster.EndedJobsAsync("p", 3);
        string[] between = [.. (await cluster.EndedJobsAsync("q", 3)).Select(static job => job.OutputCommit!.Value.Id)];
        Assert.Equal(
            commits.Zip(between, static (commit, output) => (commit.Id.Value, output)),
            jobs.Select(static job => (job.Input.Sources()[0].Id, job.Input.Sources()[1].Id)));
    }

    [Fact]
    public async Task A_feed_that_was_trimmed_is_no_loss()
    {
        await using TestCluster cluster = await runs.OpenAsync(new TestClusterOptions { RetainedChanges = 50 });
        await cluster.CreateRepoAsync("a");
        await cluster.CreateRepoAsync("other");
        await cluster.CreateCopyAsync("p", "a");
        CommitName[] before = [await cluster.CommitAsync("a"), await cluster.CommitAsync("a")];
        await cluster.EndedJobsAsync("p", 2);
        await cluster.RestartAsync(start: false);
        List<CommitName> meanwhile = [];
        for (int i = 0; i < 40; i++)
        {
            meanwhile.Add(await cluster.CommitAsync("a"));
            for (int k = 0; k < 5; k++)
            {
                await cluster.CommitAsync("other");
            }
        }
        await cluster.Scheduler.StartAsync(Token);
        Assert.Equal(Ids([.. before, .. meanwhile]), Inputs(await cluster.EndedJobsAsync("p", 42)));
    }

    private static IEnumerable<string> Ids(params CommitName[] commits) => commits.Select(static commit => commit.Id.Value);

    private static IEnumerable<string> Inputs(IReadOnlyList<Job> jobs) => jobs.Select(static job => Assert.Single(job.Input.Sources()).Id);
}
