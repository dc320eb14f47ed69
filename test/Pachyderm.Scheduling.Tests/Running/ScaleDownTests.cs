using Pachyderm.Pfs;
using Pachyderm.Pps.Jobs;
using Pachyderm.Pps.Pipelines;

namespace Pachyderm.Scheduling.Tests;

public sealed class ScaleDownTests
{
    private static readonly TimeSpan Threshold = TimeSpan.FromMinutes(5);

    [Fact]
    public async Task Workers_end_after_the_threshold_without_work_and_are_started_again_for_the_next_job()
    {
        await using JobBed bed = await JobBed.OpenAsync();
        ManualTime time = new(TimeProvider.System.GetUtcNow());
        SchedulerOptions options = bed.Cluster.SchedulerOptions with { Time = time };
        await bed.Cluster.CreateRepoAsync("in");
        CommitName commit = await bed.Cluster.CommitAsync("in", ("/a", "a"), ("/b", "b"));
        Pipeline copy = await bed.CreateAsync(JobBed.CopySpec() with { ScaleDownThreshold = Threshold });
        await using WorkerPool pool = new(options, copy);
        await RunAsync(bed, pool, options, commit);

        time.Advance(Threshold - TimeSpan.FromSeconds(1));
        Assert.Equal(2, pool.Running);
        time.Advance(TimeSpan.FromSeconds(1));
        // Whoever comes waits until they have gone.
        using (await pool.UseAsync())
        {
            Assert.Equal(0, pool.Running);
            time.Advance(Threshold);
        }

        await RunAsync(bed, pool, options, await bed.Cluster.CommitAsync("in", ("/c", "c"), ("/d", "d")));
        Assert.Equal(2, pool.Running);
    }

    [Fact]
    public async Task Workers_that_are_used_or_whose_pipeline_has_no_threshold_stay()
    {
        await using JobBed bed = await JobBed.OpenAsync();
        ManualTime time = new(TimeProvider.System.GetUtcNow());
        SchedulerOptions options = bed.Cluster.SchedulerOptions with { Time = time };
        await bed.Cluster.CreateRepoAsync("in");
        CommitName commit = await bed.Cluster.CommitAsync("in", ("/a", "a"), ("/b", "b"));
        Pipeline copy = await bed.CreateAsync(JobBed.CopySpec());
        await using WorkerPool kept = new(options, copy);
        await using WorkerPool used = new(options, copy with { Workload = copy.Workload with { ScaleDownThreshold = Threshold } });
        await RunAsync(bed, kept, options, commit);
        await used.GetAsync(0, JobBed.Token);
        using (await used.UseAsync())
        {
            time.Advance(Threshold * 3);
            using (await used.UseAsync())
            {
                Assert.Equal((2, 1), (kept.Running, used.Running));
            }
            time.Advance(Threshold * 3);
            Assert.Equal((2, 1), (kept.Running, used.Running));
        }
    }

    private static async Task RunAsync(JobBed bed, WorkerPool pool, SchedulerOptions options, CommitName commit)
    {
        Job job = await bed.TriggerAsync(pool.Pipeline, null, commit);
        await new JobRunner(options).RunAsync(pool, new RunningJob(job.Id), JobBed.Token);
        Assert.Equal(JobState.Success, (await bed.FindAsync(job.Id)).State);
    }
}
