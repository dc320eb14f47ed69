using Pachyderm.Pps.Datums;
using Pachyderm.Pps.Identity;
using Pachyderm.Pps.Jobs;
using Pachyderm.Pps.Legacy;
using Pachyderm.Pps.Pipelines;
using Pachyderm.Pps.Specs;

namespace Pachyderm.Pps.Tests.Identity;

/// <summary>The tags and datums of real clusters, worked out from the records of their jobs and the trees of their input commits.</summary>
public sealed class GenuineDatumTests
{
    private const string Small14 = "pachyderm-1.4.8-small";
    private const string Small15 = "pachyderm-1.5.3-small";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_datum_of_a_job_of_1_5_3_has_the_tag_that_1_5_3_gave_it()
    {
        GenuineCluster cluster = new(Small15);
        HashSet<string> explained = new(StringComparer.Ordinal);
        foreach (Job job in cluster.Jobs)
        {
            DatumSet datums = await DatumSet.OpenAsync(job.Input, cluster, Token);
            DatumIdentity identity = new(job.Pipeline, job.Salt);
            string[] tags = [.. datums.Select(datum => identity.TagOf(datum.Parts.Items.AsSpan()).ToString())];
            explained.UnionWith(tags);
            Assert.True(job.State != JobState.Success || tags.All(cluster.Tags.Contains), $"a datum of {job.Pipeline}");
        }

        Assert.Empty(cluster.Tags.Where(static tag => !tag.EndsWith("_stats", StringComparison.Ordinal)).Except(explained));
        Assert.True(explained.Count >= 48, $"{explained.Count}");
    }

    [Fact]
    public async Task Statistics_are_named_after_the_tag()
    {
        GenuineCluster cluster = new(Small15);
        string[] stats = [.. cluster.Tags.Where(static tag => tag.EndsWith("_stats", StringComparison.Ordinal))];

        Assert.All(stats, name => Assert.True(DatumTag.TryParse(name[..68], out DatumTag tag) && tag.StatsName == name, name));
        await Task.CompletedTask;
    }

    [Fact]
    public async Task Nothing_that_1_4_8_has_processed_runs_again()
    {
        GenuineCluster cluster = new(Small14);
        int carried = 0;
        foreach (Job job in cluster.Jobs.Where(static job => job.State == JobState.Success))
        {
            DatumSet datums = await DatumSet.OpenAsync(job.Input, cluster, Token);
            Pipeline pipeline = cluster.PipelineOf(job);
            JobPlanner planner = new(new DatumIdentity(job.Pipeline, new Salt("new")), LegacyIdentity.Of(pipeline), cluster);

            JobPlan plan = await planner.PlanAsync(datums, Token);

            Assert.True(plan.Run.Count == 0, $"{plan.Run.Count} of {plan.Total} datums of {job.Pipeline} would run");
            Assert.All(plan.Carried, result => Assert.Contains(result.OldTag.ToString(), cluster.Tags));
            carried += plan.Carried.Count;
        }

        Assert.True(carried >= 50, $"{carried}");
    }

    [Fact]
    public async Task Without_the_old_recipes_everything_would_run()
    {
        GenuineCluster cluster = new(Small14);
        Job job = cluster.Jobs.First(static job => job.Pipeline.Value == "p-env" && job.State == JobState.Success);
        DatumSet datums = await DatumSet.OpenAsync(job.Input, cluster, Token);

        JobPlan plan = await new JobPlanner(new DatumIdentity(job.Pipeline, new Salt("new")), null, cluster).PlanAsync(datums, Token);

        Assert.Equal(plan.Total, plan.Run.Count);
    }

    [Fact]
    public void Genuine_inputs_are_sorted_already()
    {
        foreach (Job job in new GenuineCluster(Small15).Jobs)
        {
            Assert.Equal(job.Input, SpecDefaults.Sort(InputSpec.From(job.Input)).ToInput());
        }
    }
}
