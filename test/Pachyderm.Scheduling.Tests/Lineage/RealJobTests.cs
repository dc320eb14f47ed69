using Pachyderm.Pfs;
using Pachyderm.Pps.Jobs;
using Pachyderm.Pps.Specs;

namespace Pachyderm.Scheduling.Tests;

/// <summary>What the views show of jobs that real workers ran.</summary>
public sealed class RealJobTests
{
    private const string Copy = "cp -r $PACH_PFS/in/. $PACH_PFS/out/";

    private static CancellationToken Token => TestCluster.Token;

    [Fact]
    public async Task Datums_are_processed_once_and_skipped_then()
    {
        await using TestCluster cluster = await TestCluster.OpenAsync();
        await cluster.CreateRepoAsync("data");
        await cluster.CreateCopyAsync("copy", "data");
        await cluster.FlushAsync(await cluster.CommitAsync("data", ("/a", "a"), ("/b", "b")));
        await cluster.FlushAsync(await cluster.CommitAsync("data", ("/b", "changed"), ("/c", "c")));
        IReadOnlyList<Job> jobs = await cluster.EndedJobsAsync("copy", 2);
        Assert.Equal(["/a Success FirstJob", "/b Success FirstJob"], await ExplainAsync(cluster, jobs[0]));
        Assert.Equal(["/a Skipped Known", "/b Success ContentChanged", "/c Success NewFile"], await ExplainAsync(cluster, jobs[1]));
    }

    [Fact]
    public async Task A_datum_that_failed_tells_why()
    {
        await using TestCluster cluster = await TestCluster.OpenAsync();
        await cluster.CreateRepoAsync("data");
        await cluster.CreateAsync("picky", TestCluster.Atom("data", name: "in"), $"[ ! -e $PACH_PFS/in/b ] || exit 7; {Copy}");
        await cluster.CommitAsync("data", ("/a", "a"), ("/b", "b"));
        Job job = (await cluster.EndedJobsAsync("picky", 1))[0];
        List<DatumDetails> datums = await cluster.Scheduler.Datums.ListAsync(job.Id, Token).ToListAsync(Token);
        Assert.Equal([DatumState.Success, DatumState.Failed], datums.Select(datum => datum.State));
        Assert.Contains("7", datums[1].Reason, StringComparison.Ordinal);
        Assert.Equal(datums[1], await cluster.Scheduler.Datums.InspectAsync(job.Id, datums[1].Id.ToString(), Token));
    }

    [Fact]
    public async Task A_file_is_followed_through_pipelines_both_ways()
    {
        await using TestCluster cluster = await TestCluster.OpenAsync();
        await cluster.CreateRepoAsync("data");
        await cluster.CreateCopyAsync("left", "data");
        await cluster.CreateCopyAsync("right", "data");
        InputSpec both = TestCluster.Cross(TestCluster.Atom("left", name: "l"), TestCluster.Atom("right", name: "r"));
        await cluster.CreateAsync("both", both, "for l in $PACH_PFS/l/*; do for r in $PACH_PFS/r/*; do touch $PACH_PFS/out/${l##*/}${r##*/}; done; done");
        CommitName commit = await cluster.CommitAsync("data", ("/a", "a"), ("/b", "b"));
        await cluster.FlushAsync(commit);
        Assert.Equal(
            ["1 both: left/a right/b > both/ab", "2 left: data/a > left/a", "2 right: data/b > right/b"],
            await WalkAsync(cluster, new CommitReference(new RepoName("both"), "master"), "/ab", LineageDirection.Upstream));
        Assert.Equal(
            [
                "1 left: data/b > left/b", "1 right: data/b > right/b", "2 both: left/a right/b > both/ab", "2 both: left/b right/a > both/ba",
                "2 both: left/b right/b > both/bb",
            ],
            (await WalkAsync(cluster, new CommitReference(commit), "/b", LineageDirection.Downstream)).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Results_of_a_deleted_pipeline_are_forgotten()
    {
        await using TestCluster cluster = await TestCluster.OpenAsync();
        await cluster.CreateRepoAsync("data");
        await cluster.CreateCopyAsync("kept", "data");
        await cluster.CreateCopyAsync("gone", "data");
        await cluster.FlushAsync(await cluster.CommitAsync("data", ("/a", "a"), ("/b", "b"), ("/c", "c")));
        await cluster.EndedJobsAsync("kept", 1);
        await cluster.EndedJobsAsync("gone", 1);
        Assert.Equal(0, await cluster.Scheduler.ForgetResultsAsync(Token));
        await cluster.Pipelines.DeleteAsync(new Pps.PipelineName("gone"), deleteJobs: false, deleteRepo: false, Token);
        Assert.Equal(3, await cluster.Scheduler.ForgetResultsAsync(Token));
    }

    private static async Task<List<string>> ExplainAsync(TestCluster cluster, Job job)
    {
        List<DatumExplanation> found = await cluster.Scheduler.Datums.ExplainAsync(job.Id, Token).ToListAsync(Token);
        return [.. found.Select(datum => $"{datum.Datum.Datum.Parts[0].File.Path} {datum.Datum.State} {datum.Difference.Reason}")];
    }

    private static async Task<List<string>> WalkAsync(TestCluster cluster, CommitReference commit, string path, LineageDirection direction) =>
        await cluster.Scheduler.Lineage.WalkAsync(commit, path, direction, Token)
            .Select(step => $"{step.Depth} {step.Job.Pipeline}: {Text(step.Inputs)} > {Text(step.Outputs)}")
            .ToListAsync(Token);

    private static string Text(Pps.ValueList<LineageFile> files) => string.Join(' ', files.Select(file => file.Commit.Repo + file.Path));
}
