using CsCheck;
using Pachyderm.Pps.Jobs;
using Pachyderm.Pps.Records;
using static Pachyderm.Scheduling.Tests.TestCluster;

namespace Pachyderm.Scheduling.Tests.Pipelines;

/// <summary>
/// Random DAGs of pipelines with real programs: commits arrive while pipelines are created, updated, stopped, started and deleted, and the
/// scheduler is closed and opened. A model, which knows nothing of jobs and datums, predicts every output.
/// </summary>
public sealed class RandomDagTests
{
    // The size of what is tried with PACHYDERM_LONG_TESTS=1, which takes minutes.
    private static readonly bool IsLong = Environment.GetEnvironmentVariable("PACHYDERM_LONG_TESTS") == "1";

    [Fact]
    public Task Every_output_is_what_the_model_predicts_and_the_last_is_of_the_newest_commits() => IsLong
        ? Dags(pipelines: 50, steps: 120).SampleAsync(RunAsync, iter: 5, threads: 1)
        : Dags(pipelines: 7, steps: 25).SampleAsync(RunAsync, iter: 8, threads: 1);

    private static Gen<DagPlan> Dags(int pipelines, int steps) =>
        from roots in Gen.Int[1, 3]
        from shapes in Gen.Select(Gen.Int[0, 1_000].Array[1, 3], Gen.Bool).Array[pipelines]
        from doings in Gen.Select(Gen.Int[0, 99], Gen.Int[0, 1_000_000]).Array[steps]
        select new DagPlan(roots, shapes, doings);

    private static async Task RunAsync(DagPlan plan)
    {
        await using TestCluster cluster = await TestCluster.OpenAsync();
        DagWorld world = new(cluster, plan);
        await world.BeginAsync();
        foreach ((int what, int which) in plan.Steps)
        {
            await world.StepAsync(what, which);
        }
        await world.EndAsync();
        foreach (JobRecord record in await cluster.Jobs.ListAsync(null, Token).ToListAsync(Token))
        {
            Job job = record.Job;
            Assert.True(job.State is JobState.Success or JobState.Killed, $"{job.Pipeline} {job.State}: {job.Reason}");
            if (job.OutputCommit is { } output && await world.FindAsync(output) is { } actual)
            {
                Assert.Equal(await world.PredictAsync(job), actual);
            }
        }
        foreach (DagPipeline pipeline in world.Pipelines)
        {
            Assert.Equal(world.PredictNewest(pipeline), await cluster.ReadHeadAsync(pipeline.Name));
        }
    }
}

/// <summary>What is done.</summary>
/// <param name="Roots">Number of repos that users commit to.</param>
/// <param name="Shapes">For each pipeline what it reads, and whether it reads all files at once.</param>
/// <param name="Steps">What is done, and to which.</param>
internal sealed record DagPlan(int Roots, (int[] Reads, bool Whole)[] Shapes, (int What, int Which)[] Steps);
