using CsCheck;
using Pachyderm.Pps.Jobs;
using Pachyderm.Pps.Pipelines;
using Pachyderm.Pps.Specs;
using static Pachyderm.Pps.Tests.Given;

namespace Pachyderm.Pps.Tests.Jobs;

public sealed class JobTests
{
    private static readonly ProcessStats Second =
        new(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(3), 4, 5);

    [Fact]
    public void A_job_runs_counts_and_succeeds()
    {
        Job job = NewJob().Run(10).Advance(1, 2, Second).Advance(3, 4, Second)
            .Commit(new CommitRef("p", "o"), isDisjoint: true, null).Succeed(Now);

        Assert.Equal((JobState.Success, 10L, 4L, 6L), (job.State, job.DataTotal, job.DataProcessed, job.DataSkipped));
        Assert.Equal(Second + Second, job.Stats);
        Assert.Equal((new CommitRef("p", "o"), Now), (job.OutputCommit, job.Finished));
        Assert.Equal(TimeSpan.FromSeconds(12), job.Stats.Total);
    }

    [Fact]
    public void A_job_that_failed_has_a_reason_and_no_output()
    {
        Job job = NewJob().Run(1).Fail("datum x failed", new CommitRef("p", "stats"), Now);

        Assert.Equal((JobState.Failure, "datum x failed"), (job.State, job.Reason));
        Assert.Null(job.OutputCommit);
        Assert.Equal((new CommitRef("p", "stats"), Now), (job.StatsCommit, job.Finished));
    }

    [Fact]
    public void A_job_that_begins_again_counts_from_zero()
    {
        Job job = NewJob().Run(10).Advance(1, 2, Second).Restart("worker was lost");

        Assert.Equal((JobState.Starting, 1ul, "worker was lost"), (job.State, job.Restarts, job.Reason));
        Assert.Equal((0L, 0L, 0L, default), (job.DataTotal, job.DataProcessed, job.DataSkipped, job.Stats));
        Assert.Equal(2ul, job.Run(10).Restart("again").Restarts);
    }

    [Fact]
    public void A_job_goes_on_with_the_counters_that_are_recorded()
    {
        Job job = NewJob().Run(10).Advance(9, 0, default).Resume(new JobProgress(10, 3, 4, Second)).Advance(1, 2, Second);

        Assert.Equal((JobState.Running, 0ul, 10L, 4L, 6L), (job.State, job.Restarts, job.DataTotal, job.DataProcessed, job.DataSkipped));
        Assert.Equal(Second + Second, job.Stats);
    }

    [Fact]
    public void A_job_that_was_killed_has_no_time_and_stays_so()
    {
        Job job = NewJob().Run(10).Kill("stop-job");

        Assert.Equal((JobState.Killed, null), (job.State, job.Finished));
        Assert.Throws<InvalidOperationException>(() => job.Commit(new CommitRef("p", "o"), isDisjoint: true, null));
    }

    [Fact]
    public void A_job_that_has_ended_cannot_be_killed()
    {
        Job done = NewJob().Run(0).Commit(new CommitRef("p", "o"), isDisjoint: true, null).Succeed(Now);

        Assert.Same(done, done.Kill("stop-job"));
    }

    [Fact]
    public void A_job_does_nothing_out_of_turn()
    {
        Job job = NewJob();

        Assert.Throws<InvalidOperationException>(() => job.Advance(1, 0, default));
        Assert.Throws<InvalidOperationException>(() => job.Fail("", null, Now));
        Assert.Throws<InvalidOperationException>(() => job.Restart(""));
        Assert.Throws<InvalidOperationException>(() => job.Run(1).Run(1));
        Assert.Throws<InvalidOperationException>(() => job.Run(1).Succeed(Now));
    }

    [Fact]
    public void A_recorded_job_is_restored_as_it_was()
    {
        Job job = NewJob().Run(10).Restart("x").Run(10).Advance(1, 2, Second)
            .Commit(new CommitRef("p", "o"), isDisjoint: true, new CommitRef("p", "s")).Succeed(Now);

        Job restored = Job.Restore(
            NewJob() with { Id = job.Id },
            job.State,
            new JobProgress(job.DataTotal, job.DataProcessed, job.DataSkipped, job.Stats),
            new JobOutcome(job.Restarts, job.Finished, job.OutputCommit, job.StatsCommit, job.Reason, job.IsOutputDisjoint));

        Assert.Equal(job, restored);
    }

    [Fact]
    public void A_request_for_a_job_must_be_made_for_the_pipeline_as_it_is()
    {
        Pipeline pipeline = NewPipeline();

        Job.CheckUpToDate(pipeline, pipeline.Version, pipeline.Salt);
        foreach ((ulong version, Salt salt) in new[] { (2ul, pipeline.Salt), (1ul, new Salt("other")) })
        {
            var error = Assert.Throws<PpsException>(() => Job.CheckUpToDate(pipeline, version, salt));
            Assert.Equal("job is made from an outdated version of the pipeline", error.Message);
        }
    }

    [Fact]
    public void Jobs_are_counted_by_state()
    {
        JobCounts counts = default(JobCounts).Move(null, JobState.Starting).Move(null, JobState.Starting);
        counts = counts.Move(JobState.Starting, JobState.Running).Move(JobState.Running, JobState.Success);

        Assert.Equal([KeyValuePair.Create(JobState.Starting, 1), KeyValuePair.Create(JobState.Success, 1)], counts.NonZero());
        Assert.Equal(counts, JobCounts.From(counts.NonZero()));
    }

    [Fact]
    public void No_count_falls_below_zero() =>
        Assert.Equal([KeyValuePair.Create(JobState.Killed, 1)], default(JobCounts).Move(JobState.Running, JobState.Killed).NonZero());

    [Fact]
    public void A_state_that_does_not_exist_is_refused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => JobCounts.From([KeyValuePair.Create((JobState)5, 1)]));

    [Fact]
    public void An_update_makes_a_new_version_that_begins_anew()
    {
        Pipeline old = NewPipeline() with
        {
            State = PipelineState.Paused,
            JobCounts = default(JobCounts).Move(null, JobState.Success),
            LegacyId = "id",
        };
        PipelineSpec spec = SpecDefaults.Complete(Spec(Atom("r"), "p"), Now);

        Pipeline updated = old.Update(spec, old.Input, Now.AddDays(1));

        Assert.Equal((2ul, old.Salt, PipelineState.Starting, default), (updated.Version, updated.Salt, updated.State, updated.JobCounts));
        Assert.Equal((Now.AddDays(1), ""), (updated.Created, updated.LegacyId));
        Assert.Equal("master-v1", old.RetiredBranch);
        Assert.NotEqual(old.Salt, old.Update(spec with { Reprocess = true }, old.Input, Now).Salt);
        Assert.Equal("pipeline-my-pipe-v1", (old with { Name = new PipelineName("My_Pipe") }).WorkerName);
    }

    [Fact]
    public void Measures_are_aggregated_over_the_whole_population()
    {
        Aggregate aggregate = Aggregate.Of([2, 4, 4, 4, 5, 5, 7, 9]);

        Assert.Equal(new Aggregate(8, 5, 2, 2, 9), aggregate);
        Assert.Equal(default, Aggregate.Of([]));
        Assert.Equal(1e9, AggregateProcessStats.Of([Second]).DownloadTime.Mean);
    }

    [Fact]
    public void A_pause_between_tries_is_half_a_second_more_or_less() => Gen.Double[0, 1].Sample(
        random => DatumRetries.PauseFor(random) is var pause && pause >= TimeSpan.FromSeconds(0.25) && pause <= TimeSpan.FromSeconds(0.75));

    private static Pipeline NewPipeline() =>
        Pipeline.Create(SpecDefaults.Complete(Spec(Atom("r"), "p"), Now), new AtomInput("r", "r", "master", "", "/*"), Now);

    private static Job NewJob() => new(
        new JobId("j"), new PipelineName("p"), 1, new Salt("s"), new AtomInput("r", "r", "master", "c", "/*"), new Workload(new Transform(), "m"),
        Now);
}
