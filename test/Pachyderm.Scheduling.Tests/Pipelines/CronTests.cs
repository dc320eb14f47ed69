using Pachyderm.Pfs;
using Pachyderm.Pps;
using Pachyderm.Pps.Jobs;
using Pachyderm.Pps.Pipelines;
using Pachyderm.Pps.Specs;
using static Pachyderm.Scheduling.Tests.TestCluster;

namespace Pachyderm.Scheduling.Tests.Pipelines;

/// <summary>Crons that tick, by a clock that tests set.</summary>
public sealed class CronTests
{
    private static readonly DateTimeOffset Start = new(2017, 8, 17, 23, 11, 20, TimeSpan.Zero);
    private static readonly PipelineName P = new("p");
    private readonly ManualTime time = new(Start);
    private readonly EmptyRuns runs = new();

    [Fact]
    public async Task Each_tick_is_a_commit_with_its_time_and_makes_a_job()
    {
        await using TestCluster cluster = await OpenAsync();
        await cluster.Pipelines.CreateAsync(Spec("p", Cron("@every 20s"), "true"), Token);
        await time.AdvanceToNextAsync(Token);
        await cluster.EndedJobsAsync("p", 1);
        await time.AdvanceToNextAsync(Token);
        await cluster.EndedJobsAsync("p", 2);
        Assert.Equal(["\"2017-08-17T23:11:40Z\"", "\"2017-08-17T23:12:00Z\""], await TicksAsync(cluster));
        Assert.Equal(2, (await cluster.BranchAsync("p")).Count);
    }

    [Fact]
    public async Task Ticks_that_were_missed_are_made_up_for_each_with_its_own_time()
    {
        await using TestCluster cluster = await OpenAsync();
        await cluster.Pipelines.CreateAsync(Spec("p", Cron("@every 10s"), "true"), Token);
        await time.AdvanceToNextAsync(Token);
        await cluster.EndedJobsAsync("p", 1);
        await cluster.RestartAsync(start: false);
        time.Advance(TimeSpan.FromSeconds(35));
        await cluster.Scheduler.StartAsync(Token);
        await cluster.EndedJobsAsync("p", 4);
        await cluster.Pipelines.StopAsync(P, Token);
        time.Advance(TimeSpan.FromSeconds(10));
        await cluster.Pipelines.StartAsync(P, Token);
        await cluster.EndedJobsAsync("p", 5);
        string[] times = ["23:11:30", "23:11:40", "23:11:50", "23:12:00", "23:12:10"];
        Assert.Equal(times.Select(static time => $"\"2017-08-17T{time}Z\""), await TicksAsync(cluster));
    }

    [Fact]
    public async Task The_first_tick_counts_from_the_start_and_an_update_goes_on_from_the_last()
    {
        await using TestCluster cluster = await OpenAsync();
        await cluster.Pipelines.CreateAsync(Spec("p", Cron("@every 1m", Start - TimeSpan.FromMinutes(2)), "true"), Token);
        await cluster.EndedJobsAsync("p", 2);
        Assert.Equal(["\"2017-08-17T23:10:20Z\"", "\"2017-08-17T23:11:20Z\""], await TicksAsync(cluster));
        await cluster.Pipelines.CreateAsync(Spec("p", Cron("@every 30s"), "true") with { Update = true }, Token);
        await cluster.EndedJobsAsync("p", 4);
        await time.AdvanceToNextAsync(Token);
        await cluster.EndedJobsAsync("p", 5);
        Assert.Equal("\"2017-08-17T23:11:50Z\"", (await TicksAsync(cluster))[2]);
    }

    [Fact]
    public async Task An_update_that_names_no_start_does_not_change_the_input()
    {
        await using TestCluster cluster = await OpenAsync();
        Pipeline first = (await cluster.Pipelines.CreateAsync(Spec("p", Cron("@every 1m"), "true"), Token)).Pipeline;
        await time.AdvanceToNextAsync(Token);
        await cluster.EndedJobsAsync("p", 1);
        Pipeline second = (await cluster.Pipelines.CreateAsync(
            Spec("p", Cron("@every 1m"), "other") with { Update = true }, Token)).Pipeline;
        Assert.Equal(first.Input, second.Input);
        Assert.Single(await cluster.ListJobsAsync("p"));
    }

    [Fact]
    public async Task A_cron_crossed_with_a_repo_makes_a_job_for_each_tick_and_each_commit()
    {
        await using TestCluster cluster = await OpenAsync();
        await cluster.CreateRepoAsync("a");
        await cluster.Pipelines.CreateAsync(Spec("p", Cross(Cron("@hourly"), Atom("a")), "true"), Token);
        CommitName a1 = await cluster.CommitAsync("a");
        await time.AdvanceToNextAsync(Token);
        await cluster.EndedJobsAsync("p", 1);
        CommitName a2 = await cluster.CommitAsync("a");
        await cluster.EndedJobsAsync("p", 2);
        await time.AdvanceToNextAsync(Token);
        IReadOnlyList<Job> jobs = await cluster.EndedJobsAsync("p", 3);
        Assert.Equal(["\"2017-08-18T00:00:00Z\"", "\"2017-08-18T01:00:00Z\""], await TicksAsync(cluster));
        Assert.Equal(
            [a1.Id.Value, a2.Id.Value, a2.Id.Value],
            jobs.Select(static job => job.Input.Sources().Single(static source => source.Repo == "a").Id));
    }

    [Fact]
    public async Task A_tick_keeps_the_other_files_and_waits_while_somebody_writes()
    {
        await using TestCluster cluster = await OpenAsync();
        await cluster.CreateRepoAsync("ticks");
        await cluster.CommitAsync("ticks", ("other", "content"), ("time", "no time"));
        CommitName open = await cluster.StartCommitAsync("ticks");
        await cluster.Pipelines.CreateAsync(Spec("p", Cron("@every 20s", repo: "ticks"), "true"), Token);
        await time.AdvanceToNextAsync(Token);
        await cluster.FinishAsync(open);
        Task<IReadOnlyList<Job>> jobs = cluster.EndedJobsAsync("p", 3);
        while (!jobs.IsCompleted)
        {
            await Task.WhenAny(jobs, time.AdvanceToNextAsync(Token));
        }
        Assert.Equal(
            [KeyValuePair.Create("/other", "content"), KeyValuePair.Create("/time", "\"2017-08-17T23:11:40Z\"")],
            await cluster.ReadAllAsync((await cluster.BranchAsync("ticks"))[2].Name));
    }

    private static InputSpec Cron(string spec, DateTimeOffset? start = null, string repo = "") =>
        new() { Cron = new CronInput("time", repo, "", spec, start) };

    private static async Task<IReadOnlyList<string>> TicksAsync(TestCluster cluster)
    {
        List<string> ticks = [];
        foreach (CommitInfo commit in await cluster.BranchAsync("p_time"))
        {
            ticks.Add(Assert.Single(await cluster.ReadAllAsync(commit.Name)).Value);
        }
        return ticks;
    }

    private Task<TestCluster> OpenAsync() => runs.OpenAsync(new TestClusterOptions { Time = time });
}
