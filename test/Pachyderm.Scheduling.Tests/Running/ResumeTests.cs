using Pachyderm.Pfs;
using Pachyderm.Pps.Jobs;
using Pachyderm.Pps.Pipelines;
using Pachyderm.Pps.Records;
using Pachyderm.Pps.Specs;

namespace Pachyderm.Scheduling.Tests;

/// <summary>Jobs that are stopped, killed, or begun again.</summary>
public sealed class ResumeTests
{
    private const int Files = 24;

    [Fact]
    public async Task A_job_that_is_interrupted_again_and_again_processes_no_datum_with_a_result_twice()
    {
        await using JobBed bed = await JobBed.OpenAsync();
        (Pipeline pipeline, CommitName commit, string ran) = await CountingAsync(bed);
        Job job = await bed.TriggerAsync(pipeline, null, commit);
        HashSet<int> known = [];

        // Never so late that the rest may be done before the interruption is noticed.
        for (int stop = 2; stop < Files / 2; stop += 3)
        {
            using CancellationTokenSource pause = CancellationTokenSource.CreateLinkedTokenSource(JobBed.Token);
            Task run = new JobRunner(bed.Cluster.SchedulerOptions).RunAsync(bed.PoolOf(pipeline), new RunningJob(job.Id), pause.Token);
            await ReachAsync(bed, job, stop);
            await pause.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
            Assert.Equal(JobState.Running, (await bed.FindAsync(job.Id)).State);
            await bed.RestartAsync();
            HashSet<int> now = [.. (await bed.DatumsAsync(job)).Select(static datum => datum.Index)];
            Assert.Superset(known, now);
            known = now;
        }
        Job ended = await bed.RunAsync(pipeline, job);
        Assert.Equal((JobState.Success, 0UL), (ended.State, ended.Restarts));
        Assert.Equal((Files, Files, 0), (ended.DataTotal, ended.DataProcessed, ended.DataSkipped));
        Assert.Equal(Files, (await bed.OutputAsync(ended)).Count);
        Assert.Equal(ended.Stats.UploadBytes, (await bed.DatumsAsync(job)).Sum(static datum => datum.Stats.UploadBytes));

        // A program that was running at an interruption ran again, and no other.
        int[] runs = [.. (await File.ReadAllLinesAsync(ran, JobBed.Token)).GroupBy(static line => line).Select(static group => group.Count())];
        Assert.Equal(Files, runs.Length);
        Assert.InRange(runs.Sum(), Files, Files + (4 * 4));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(Files)]
    public async Task A_job_that_is_killed_writes_nothing_more(int after)
    {
        await using JobBed bed = await JobBed.OpenAsync();
        (Pipeline pipeline, CommitName commit, _) = await CountingAsync(bed);
        Job job = await bed.TriggerAsync(pipeline, null, commit);
        Task run = new JobRunner(bed.Cluster.SchedulerOptions).RunAsync(bed.PoolOf(pipeline), new RunningJob(job.Id), JobBed.Token);
        await ReachAsync(bed, job, after);
        bool wasKilled = await bed.Cluster.Metadata.WriteAsync(
            transaction =>
            {
                PpsWriter records = new(transaction);
                Job now = records.FindJob(job.Id)!.Job;
                records.PutJob(now.Kill("stopped by a test"));
                return !now.State.IsTerminal();
            },
            JobBed.Token);
        Exception? thrown = await Record.ExceptionAsync(() => run);
        Job ended = await bed.FindAsync(job.Id);
        if (wasKilled)
        {
            Assert.IsAssignableFrom<OperationCanceledException>(thrown);
            Assert.Equal(JobState.Killed, ended.State);
            Assert.Empty(await bed.Cluster.BranchAsync("count"));
        }
        else
        {
            Assert.Equal(JobState.Success, ended.State);
        }
    }

    [Fact]
    public async Task A_restarted_job_counts_what_its_earlier_run_processed()
    {
        await using JobBed bed = await JobBed.OpenAsync();
        await bed.Cluster.CreateRepoAsync("in");
        Pipeline copy = await bed.CreateAsync(JobBed.CopySpec());
        CommitName commit = await bed.Cluster.CommitAsync("in", ("/a", "one"), ("/b", "two"));
        Job job = await bed.TriggerAsync(copy, null, commit);

        // The output repo is missing: everything is processed, and nothing can be committed.
        await bed.Cluster.Files.Repos.DeleteAsync(new RepoName("copy"), force: true, JobBed.Token);
        await Assert.ThrowsAsync<PfsException>(() => bed.RunAsync(copy, job));
        await bed.Cluster.Metadata.WriteAsync(
            transaction =>
            {
                PpsWriter records = new(transaction);
                records.PutJob(records.FindJob(job.Id)!.Job.Restart("a test"));
                return true;
            },
            JobBed.Token);
        await bed.Cluster.CreateRepoAsync("copy");
        Job ended = await bed.RunAsync(copy, job);
        Assert.Equal((JobState.Success, 1UL, 2L, 0L), (ended.State, ended.Restarts, ended.DataProcessed, ended.DataSkipped));
        Assert.Equal(6, ended.Stats.UploadBytes);
    }

    [Fact]
    public async Task A_missing_input_fails_the_job()
    {
        await using JobBed bed = await JobBed.OpenAsync();
        await bed.Cluster.CreateRepoAsync("in");
        Pipeline copy = await bed.CreateAsync(JobBed.CopySpec());
        CommitName commit = await bed.Cluster.CommitAsync("in", ("/a", "one"));
        Job job = await bed.TriggerAsync(copy, null, commit);
        await bed.Cluster.Files.Repos.DeleteAsync(new RepoName("in"), force: true, JobBed.Token);
        Job ended = await bed.RunAsync(copy, job);
        Assert.Equal(JobState.Failure, ended.State);
        Assert.Contains("not found", ended.Reason);
    }

    [Fact]
    public async Task A_datum_that_is_restarted_failed_once_and_runs_again()
    {
        await using JobBed bed = await JobBed.OpenAsync();
        await bed.Cluster.CreateRepoAsync("in");
        string mark = Path.Combine(bed.Cluster.Directory, "mark");
        Pipeline stuck = await bed.CreateAsync(TestCluster.Spec(
            "stuck", TestCluster.Atom("in"),
            $"if [ -e $PACH_PFS/in/b ] && [ ! -e {mark} ]; then touch {mark}; echo stuck; sleep 1000; fi; cp $PACH_PFS/in/* $PACH_PFS/out"));
        Job job = await bed.TriggerAsync(stuck, null, await bed.Cluster.CommitAsync("in", ("/a", "1"), ("/b", "2")));
        RunningJob running = new(job.Id);
        Assert.False(running.RestartDatums([]));
        Task run = new JobRunner(bed.Cluster.SchedulerOptions).RunAsync(bed.PoolOf(stuck), running, JobBed.Token);
        await foreach (LogMessage line in new JobLogs(bed.Cluster.SchedulerOptions)
            .ReadAsync(new LogQuery(null, job.Id, ["/b"], Follow: true), JobBed.Token))
        {
            Assert.Equal("stuck\n", line.Message);
            break;
        }
        WorkerActivity activity = running.ListWorkers().Single();
        Assert.Equal(("pipeline-stuck-v1-0", job.Id, "/b", 0), (activity.Worker, activity.Job, activity.Datum[0].File.Path.ToString(), activity.Queued));
        Assert.False(running.RestartDatums(["/a"]));
        Assert.True(running.RestartDatums(["/b", activity.Datum[0].File.Hash.ToString()]));
        await run;
        Assert.Equal(JobState.Success, (await bed.FindAsync(job.Id)).State);
        Assert.Equal([0, 1], (await bed.DatumsAsync(job)).Select(static datum => datum.Failures));
        Assert.Empty(running.ListWorkers());
    }

    /// <summary>A pipeline of two workers that notes which datums ran.</summary>
    private static async Task<(Pipeline Pipeline, CommitName Commit, string Ran)> CountingAsync(JobBed bed)
    {
        await bed.Cluster.CreateRepoAsync("in");
        string ran = Path.Combine(bed.Cluster.Directory, "ran");
        PipelineSpec spec = TestCluster.Spec(
            "count", TestCluster.Atom("in"), $"ls $PACH_PFS/in >> {ran}; cp $PACH_PFS/in/* $PACH_PFS/out; sleep 0.02");
        Pipeline pipeline = await bed.CreateAsync(spec with { Parallelism = new ParallelismSpec(2) });
        CommitName commit = await bed.Cluster.CommitAsync(
            "in", [.. Enumerable.Range(0, Files).Select(static i => ($"/f{i:D2}", (string?)$"content {i}"))]);
        return (pipeline, commit, ran);
    }

    /// <summary>Waits until a job has processed so many datums, or has ended.</summary>
    private static async Task ReachAsync(JobBed bed, Job job, int datums)
    {
        while (true)
        {
            long change = await bed.Cluster.Metadata.ReadAsync(static reader => reader.LastChange, JobBed.Token);
            Job now = await bed.FindAsync(job.Id);
            if (now.State.IsTerminal() || (await bed.DatumsAsync(job)).Count >= datums)
            {
                return;
            }
            await bed.Cluster.Metadata.WaitForChangeAsync(change, JobBed.Token);
        }
    }
}
