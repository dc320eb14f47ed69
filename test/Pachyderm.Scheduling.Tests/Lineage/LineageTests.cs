using Pachyderm.Pfs;
using Pachyderm.Pps;
using Pachyderm.Pps.Jobs;
using Pachyderm.Pps.Pipelines;
using Pachyderm.Pps.Records;

namespace Pachyderm.Scheduling.Tests;

public sealed class LineageTests : IAsyncLifetime
{
    private TestCluster cluster = null!;
    private HandMadeJobs jobs = null!;

    private static CancellationToken Token => TestCluster.Token;

    public async ValueTask InitializeAsync()
    {
        cluster = await TestCluster.OpenAsync(new TestClusterOptions { Start = false });
        jobs = new HandMadeJobs(cluster);
        await cluster.CreateRepoAsync("data");
    }

    public ValueTask DisposeAsync() => cluster.DisposeAsync();

    [Fact]
    public async Task A_file_comes_from_the_datums_that_wrote_it()
    {
        (_, Job first, Job second) = await ChainAsync();
        Assert.Equal(
            ["1 second#1: first:/b > second:/b", "2 first#1: data:/b > first:/b"],
            await WalkAsync(Output(second), "/b", LineageDirection.Upstream));
        Assert.Equal(["1 first#0: data:/a > first:/a"], await WalkAsync(Output(first), "/a", LineageDirection.Upstream));
    }

    [Fact]
    public async Task From_a_file_come_the_outputs_of_the_datums_that_read_it()
    {
        (CommitName data, Job first, _) = await ChainAsync();
        Assert.Equal(
            ["1 first#1: data:/b > first:/b", "2 second#1: first:/b > second:/b"],
            await WalkAsync(data, "/b", LineageDirection.Downstream));
        Assert.Equal(["1 second#0: first:/a > second:/a"], await WalkAsync(Output(first), "/a", LineageDirection.Downstream));
    }

    [Fact]
    public async Task Whole_commits_are_walked_by_jobs()
    {
        (CommitName data, _, Job second) = await ChainAsync();
        string[] upstream = ["1 second: first:/ > second:/", "2 first: data:/ > first:/"];
        Assert.Equal(upstream, await WalkAsync(Output(second), null, LineageDirection.Upstream));
        Assert.Equal(upstream, await WalkAsync(Output(second), "/", LineageDirection.Upstream));
        Assert.Equal(
            ["1 first: data:/ > first:/", "2 second: first:/ > second:/"], await WalkAsync(data, null, LineageDirection.Downstream));
        Assert.Empty(await WalkAsync(data, null, LineageDirection.Upstream));
        Assert.Empty(await WalkAsync(Output(second), null, LineageDirection.Downstream));
    }

    [Fact]
    public async Task Only_the_jobs_of_that_very_commit_are_walked()
    {
        (_, Job first, Job second) = await ChainAsync();
        Pipeline pipeline = await PipelineAsync("first");
        CommitName changed = await cluster.CommitAsync("data", ("/b", "new"));
        Job third = await jobs.RunAsync(pipeline, HandMadeJobs.Copy, changed);
        List<LineageStep> steps = await StepsAsync(changed, "/a", LineageDirection.Downstream);
        Assert.Equal([third.Id], steps.Select(step => step.Job.Id));
        steps = await StepsAsync(Output(second), "/a", LineageDirection.Upstream);
        Assert.Equal([second.Id, first.Id], steps.Select(step => step.Job.Id));
    }

    [Fact]
    public async Task A_diamond_comes_once_with_its_shortest_distance()
    {
        CommitName data = await cluster.CommitAsync("data", ("/a", "a"));
        Job left = await RunAsync("left", HandMadeJobs.Atom("data"), data);
        Job right = await RunAsync("right", HandMadeJobs.Atom("data"), data);
        Job tail = await RunAsync("right2", HandMadeJobs.Atom("right"), Output(right));
        Job join = await RunAsync(
            "join",
            HandMadeJobs.Cross(
                HandMadeJobs.Atom("left", name: "l"), HandMadeJobs.Atom("right2", name: "r"), HandMadeJobs.Atom("data", name: "d")),
            Output(left),
            Output(tail),
            data);
        Assert.Equal(
            [
                "1 join#0: left:/a right2:/a data:/a > join:/a+a+a",
                "2 left#0: data:/a > left:/a",
                "2 right2#0: right:/a > right2:/a",
                "3 right#0: data:/a > right:/a",
            ],
            await WalkAsync(Output(join), "/a+a+a", LineageDirection.Upstream));
        Assert.Equal(
            [
                "1 join#0: left:/a right2:/a data:/a > join:/a+a+a",
                "1 left#0: data:/a > left:/a",
                "1 right#0: data:/a > right:/a",
                "2 right2#0: right:/a > right2:/a",
            ],
            await WalkAsync(data, "/a", LineageDirection.Downstream));
        Assert.Equal(
            [
                "1 join: left:/ right2:/ data:/ > join:/", "1 left: data:/ > left:/", "1 right: data:/ > right:/",
                "2 right2: right:/ > right2:/",
            ],
            await WalkAsync(data, null, LineageDirection.Downstream));
    }

    [Fact]
    public async Task Directories_are_met_from_above_and_from_below()
    {
        CommitName data = await cluster.CommitAsync("data", ("/x/1", "1"), ("/x/2", "2"), ("/xy/3", "3"));
        Job job = await RunAsync("dirs", HandMadeJobs.Atom("data"), data);
        Assert.Equal(["1 dirs#0: data:/x > dirs:/x"], await WalkAsync(data, "/x/1", LineageDirection.Downstream));
        Assert.Equal(["1 dirs#0: data:/x > dirs:/x"], await WalkAsync(data, "/x", LineageDirection.Downstream));
        await RunAsync("files", HandMadeJobs.Atom("data", "/*/*"), data);
        Assert.Equal(
            ["1 dirs#0: data:/x > dirs:/x", "1 files#0: data:/x/1 > files:/x_1", "1 files#1: data:/x/2 > files:/x_2"],
            await WalkAsync(data, "/x", LineageDirection.Downstream));
        Job nested = await jobs.RunAsync(
            await jobs.CreatePipelineAsync("nested", HandMadeJobs.Atom("dirs")),
            datum => [($"/out/{datum.Index}", "x"), ("/common", $"{datum.Index}")],
            Output(job));
        Assert.Equal(
            ["1 nested#0: dirs:/x > nested:/out", "1 nested#1: dirs:/xy > nested:/out", "2 dirs#0: data:/x > dirs:/x", "2 dirs#1: data:/xy > dirs:/xy"],
            await WalkAsync(Output(nested), "/out", LineageDirection.Upstream));
        Assert.Equal(
            ["1 nested#1: dirs:/xy > nested:/out/1", "2 dirs#1: data:/xy > dirs:/xy"],
            await WalkAsync(Output(nested), "/out/1", LineageDirection.Upstream));
        Assert.Equal(4, (await WalkAsync(Output(nested), "/common", LineageDirection.Upstream)).Count);
    }

    [Fact]
    public async Task A_datum_of_a_whole_commit_is_followed_by_commits_from_there()
    {
        (_, _, Job second) = await ChainAsync();
        Job all = await RunAsync("all", HandMadeJobs.Atom("second", "/"), Output(second));
        Assert.Equal(
            ["1 all#0: second:/ > all:/all", "2 second: first:/ > second:/", "3 first: data:/ > first:/"],
            await WalkAsync(Output(all), "/all", LineageDirection.Upstream));
        Assert.Equal(["1 all#0: second:/ > all:/all"], await WalkAsync(Output(second), "/a", LineageDirection.Downstream));
    }

    [Fact]
    public async Task Behind_a_job_that_was_deleted_the_walk_goes_on_by_commits()
    {
        (CommitName data, Job first, Job second) = await ChainAsync();
        Job third = await RunAsync("third", HandMadeJobs.Atom("second"), Output(second));
        await jobs.WriteAsync(writer => writer.DeleteJob(second.Id));
        Assert.Equal(
            ["1 third#0: second:/a > third:/a", "3 first: data:/ > first:/"],
            await WalkAsync(Output(third), "/a", LineageDirection.Upstream));
        Assert.Equal(
            ["1 first#0: data:/a > first:/a", "3 third: second:/ > third:/"], await WalkAsync(data, "/a", LineageDirection.Downstream));
        Assert.Equal(["2 third: second:/ > third:/"], await WalkAsync(Output(first), null, LineageDirection.Downstream));
    }

    [Fact]
    public async Task Where_results_were_forgotten_the_walk_goes_on_by_commits()
    {
        (CommitName data, Job first, Job second) = await ChainAsync();
        await jobs.WriteAsync(writer => writer.DeletePipeline(first.Pipeline));
        await cluster.Scheduler.ForgetResultsAsync(Token);
        Assert.Equal(
            ["1 second#0: first:/a > second:/a", "2 first: data:/ > first:/"],
            await WalkAsync(Output(second), "/a", LineageDirection.Upstream));
        Assert.Equal(
            ["1 first#0: data:/a > first:/", "2 second: first:/ > second:/"], await WalkAsync(data, "/a", LineageDirection.Downstream));
    }

    [Fact]
    public async Task Where_a_repo_was_deleted_the_walk_ends()
    {
        (_, _, Job second) = await ChainAsync();
        await cluster.Files.Repos.DeleteAsync(new RepoName("first"), force: true, Token);
        Assert.Equal(["1 second: first:/ > second:/"], await WalkAsync(Output(second), "/a", LineageDirection.Upstream));
        Assert.Equal(["1 second: first:/ > second:/"], await WalkAsync(Output(second), null, LineageDirection.Upstream));
    }

    [Fact]
    public async Task The_job_of_an_old_commit_is_found_among_many()
    {
        Pipeline pipeline = await jobs.CreatePipelineAsync("copy", HandMadeJobs.Atom("data"));
        List<Job> all = [];
        for (int i = 0; i < 250; i++)
        {
            all.Add(await jobs.RunAsync(pipeline, static _ => [], await cluster.CommitAsync("data")));
        }
        foreach (Job job in new[] { all[0], all[1], all[124], all[^1] })
        {
            Assert.Equal([job.Id], (await StepsAsync(Output(job), null, LineageDirection.Upstream)).Select(step => step.Job.Id));
        }

        // One that was written again when all others had ended, as a person does who stops it too late.
        await jobs.WriteAsync(writer => writer.PutJob(all[3].Kill("too late")));
        Assert.Equal([all[3].Id], (await StepsAsync(Output(all[3]), null, LineageDirection.Upstream)).Select(step => step.Job.Id));
    }

    [Fact]
    public async Task A_path_or_commit_that_is_missing_is_refused()
    {
        (CommitName data, _, _) = await ChainAsync();
        foreach (LineageDirection direction in Enum.GetValues<LineageDirection>())
        {
            PfsException refusal = await Assert.ThrowsAsync<PfsException>(() => WalkAsync(data, "/none", direction));
            Assert.Equal(PfsErrorKind.NotFound, refusal.Kind);
            refusal = await Assert.ThrowsAsync<PfsException>(
                () => WalkAsync(new CommitName(new RepoName("data"), CommitId.Create()), null, direction));
            Assert.Equal(PfsErrorKind.NotFound, refusal.Kind);
        }
    }

    private static CommitName Output(Job job) => HandMadeJobs.ToName(job.OutputCommit!.Value);

    private static string Text(LineageStep step) =>
        $"{step.Depth} {step.Job.Pipeline}{(step.Datum is { } datum ? $"#{datum.Index}" : "")}: {Text(step.Inputs)} > {Text(step.Outputs)}";

    private static string Text(ValueList<LineageFile> files) => string.Join(' ', files.Select(file => $"{file.Commit.Repo}:{file.Path}"));

    private async Task<(CommitName Data, Job First, Job Second)> ChainAsync()
    {
        CommitName data = await cluster.CommitAsync("data", ("/a", "a"), ("/b", "b"));
        Job first = await RunAsync("first", HandMadeJobs.Atom("data"), data);
        return (data, first, await RunAsync("second", HandMadeJobs.Atom("first"), Output(first)));
    }

    private async Task<Job> RunAsync(string name, Pps.Specs.Input input, params CommitName[] commits) =>
        await jobs.RunAsync(await jobs.CreatePipelineAsync(name, input), HandMadeJobs.Copy, commits);

    private async Task<Pipeline> PipelineAsync(string name) =>
        (await cluster.Metadata.ReadAsync(reader => new PpsReader(reader).FindPipeline(new PipelineName(name)), Token))!.Pipeline;

    private Task<List<LineageStep>> StepsAsync(CommitName commit, string? path, LineageDirection direction) =>
        cluster.Scheduler.Lineage.WalkAsync(new CommitReference(commit), path, direction, Token).ToListAsync(Token).AsTask();

    private async Task<List<string>> WalkAsync(CommitName commit, string? path, LineageDirection direction) =>
        [.. (await StepsAsync(commit, path, direction)).Select(Text)];
}
