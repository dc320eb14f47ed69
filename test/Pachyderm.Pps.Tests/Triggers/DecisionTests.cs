using Pachyderm.Pps.Jobs;
using Pachyderm.Pps.Pipelines;
using Pachyderm.Pps.Specs;
using Pachyderm.Pps.Triggers;

namespace Pachyderm.Pps.Tests.Triggers;

public sealed class DecisionTests
{
    private static readonly Pipeline Pipeline = new(
        new PipelineName("p"), 3, new Salt("s"), Given.Now, new AtomInput("r", "r", "master", "", "/", FromCommit: "0"),
        new Workload(new Transform(), "master"));

    private static readonly CommitSet Set = new([new CommitRef("r", "2")], new CommitRef("r", "2"));

    [Fact]
    public void The_input_of_a_job_has_the_commits_and_not_where_the_pipeline_began()
    {
        TriggerDecision decision = Decide(Pipeline);

        Assert.Equal((TriggerAction.Create, new AtomInput("r", "r", "master", "2", "/")), (decision.Action, decision.Input));
    }

    [Fact]
    public void A_job_that_has_not_ended_goes_on()
    {
        Job job = JobOf(Pipeline);

        Assert.Equal((TriggerAction.Resume, job), (Decide(Pipeline, job).Action, Decide(Pipeline, job).Existing));
        Assert.Equal(TriggerAction.Resume, Decide(Pipeline, job.Run(1)).Action);
    }

    [Fact]
    public void A_job_that_was_stopped_is_not_run_again() =>
        Assert.Equal(TriggerAction.None, Decide(Pipeline, JobOf(Pipeline).Kill("")).Action);

    [Fact]
    public void An_update_without_reprocess_keeps_what_was_done() =>
        Assert.Equal(TriggerAction.None, Decide(Pipeline with { Version = 4 }, JobOf(Pipeline).Kill("")).Action);

    [Fact]
    public void Another_salt_or_another_pipeline_makes_another_job()
    {
        Assert.Equal(TriggerAction.Create, Decide(Pipeline with { Salt = new Salt("t") }, JobOf(Pipeline)).Action);
        Assert.Equal(TriggerAction.Create, Decide(Pipeline with { Name = new PipelineName("q") }, JobOf(Pipeline)).Action);
    }

    [Fact]
    public void Without_salts_the_version_tells_what_belongs_together()
    {
        Pipeline old = Pipeline with { Salt = new Salt("") };

        Assert.Equal(TriggerAction.Resume, Decide(old, JobOf(old)).Action);
        Assert.Equal(TriggerAction.Create, Decide(old with { Version = 4 }, JobOf(old)).Action);
    }

    [Fact]
    public void The_parent_is_the_job_with_the_parent_of_the_new_commit()
    {
        Job parent = JobOf(Pipeline) with { Input = new AtomInput("r", "r", "master", "1", "/") };

        Assert.Equal(parent, TriggerDecision.ParentOf(Pipeline, Decide(Pipeline).Input, Set.Newest, "1", Jobs(parent)));
        Assert.Null(TriggerDecision.ParentOf(Pipeline, Decide(Pipeline).Input, Set.Newest, "0", Jobs(parent)));
        Assert.Null(TriggerDecision.ParentOf(Pipeline, Decide(Pipeline).Input, Set.Newest, null, Jobs(parent)));
    }

    private static Func<Input, IEnumerable<Job>> Jobs(params Job[] jobs) => input => jobs.Where(job => job.Input == input);

    private static TriggerDecision Decide(Pipeline pipeline, params Job[] jobs) => TriggerDecision.Of(pipeline, Set, Jobs(jobs));

    private static Job JobOf(Pipeline pipeline) => Job.Create(pipeline, pipeline.Input.At(Set.ByRepo()), Given.Now);
}
