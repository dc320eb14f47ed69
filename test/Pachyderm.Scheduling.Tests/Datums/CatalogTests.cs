using Pachyderm.Pfs;
using Pachyderm.Pps;
using Pachyderm.Pps.Identity;
using Pachyderm.Pps.Jobs;
using Pachyderm.Pps.Pipelines;

namespace Pachyderm.Scheduling.Tests;

public sealed class CatalogTests : IAsyncLifetime
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
    public async Task Datums_of_a_job_that_waits_show_what_it_will_skip()
    {
        (Pipeline pipeline, CommitName first) = await PipelineAsync("a");
        await jobs.RunAsync(pipeline, HandMadeJobs.Copy, first);
        Job job = await jobs.CreateAsync(pipeline, [await cluster.CommitAsync("data", ("/b", "b"))]);
        Assert.Equal(["/a Skipped", "/b Starting"], await StatesAsync(job));
    }

    [Fact]
    public async Task Datums_of_a_job_that_runs_show_how_far_it_is()
    {
        (Pipeline pipeline, CommitName first) = await PipelineAsync("a");
        await jobs.RunAsync(pipeline, HandMadeJobs.Copy, first);
        CommitName second = await cluster.CommitAsync("data", ("/b", "b"), ("/c", "c"), ("/d", "d"));
        Job job = await jobs.BeginAsync(
            await jobs.CreateAsync(pipeline, [second]), datum => datum.Index == 1 ? null : HandMadeJobs.Copy(datum), count: 2);
        Assert.Equal(["/a Skipped", "/b Failed", "/c Success", "/d Starting"], await StatesAsync(job));
        List<DatumDetails> datums = await cluster.Scheduler.Datums.ListAsync(job.Id, Token).ToListAsync(Token);
        Assert.Equal([null, "exit status 1", null, null], datums.Select(datum => datum.Reason.Length > 0 ? datum.Reason : null));
        Assert.Equal([false, true, true, false], datums.Select(datum => datum.Stats?.DownloadBytes == 10));
        Assert.All(datums, static datum => Assert.Equal(DatumIdentity.IdOf(datum.Datum.Parts.Items.AsSpan()), datum.Id));
    }

    [Fact]
    public async Task What_a_job_that_ended_has_no_record_of_was_skipped()
    {
        (Pipeline pipeline, CommitName first) = await PipelineAsync("a", "b");
        await jobs.RunAsync(pipeline, HandMadeJobs.Copy, first);
        CommitName second = await cluster.CommitAsync("data", ("/b", "new"));
        Job job = await jobs.RunAsync(pipeline, HandMadeJobs.Copy, second);
        Assert.Equal(["/a Skipped", "/b Success"], await StatesAsync(job));
    }

    [Fact]
    public async Task A_job_that_was_stopped_did_not_skip_what_a_later_one_processed()
    {
        (Pipeline pipeline, CommitName commit) = await PipelineAsync("a", "b", "c");
        Job stopped = await jobs.BeginAsync(await jobs.CreateAsync(pipeline, [commit]), HandMadeJobs.Copy, count: 1);
        await jobs.WriteAsync(writer => writer.PutJob(stopped.Kill("stopped")));
        Job later = await jobs.RunAsync(pipeline, HandMadeJobs.Copy, commit);
        Assert.Equal(["/a Success", "/b Starting", "/c Starting"], await StatesAsync(stopped));
        Assert.Equal(["/a Skipped", "/b Success", "/c Success"], await StatesAsync(later));
    }

    [Fact]
    public async Task A_cross_shows_more_datums_than_fit_a_page()
    {
        await cluster.CreateRepoAsync("other");
        CommitName left = await cluster.CommitAsync("data", Numbered(40));
        CommitName right = await cluster.CommitAsync("other", Numbered(60));
        Pipeline pipeline = await jobs.CreatePipelineAsync(
            "cross", HandMadeJobs.Cross(HandMadeJobs.Atom("data", name: "l"), HandMadeJobs.Atom("other", name: "r")));
        Job job = await jobs.BeginAsync(await jobs.CreateAsync(pipeline, [left, right]), HandMadeJobs.Copy, count: 3);
        List<DatumDetails> datums = await cluster.Scheduler.Datums.ListAsync(job.Id, Token).ToListAsync(Token);
        Assert.Equal(Enumerable.Range(0, 2_400), datums.Select(datum => datum.Datum.Index));
        Assert.Equal(2_400, datums.Select(datum => datum.Tag).Distinct().Count());
        Assert.Equal(3, datums.Count(datum => datum.State == DatumState.Success));
    }

    [Fact]
    public async Task A_datum_is_found_by_its_identifier_its_tag_and_the_first_digits_of_them()
    {
        (Pipeline pipeline, CommitName commit) = await PipelineAsync("a", "b");
        Job job = await jobs.RunAsync(pipeline, HandMadeJobs.Copy, commit);
        List<DatumDetails> datums = await cluster.Scheduler.Datums.ListAsync(job.Id, Token).ToListAsync(Token);
        foreach (DatumDetails datum in datums)
        {
            string tag = datum.Tag.ToString();
            foreach (string name in new[] { datum.Id.ToString(), tag, tag.ToUpperInvariant(), tag[..20], $"{datum.Id}"[..20] })
            {
                Assert.Equal(datum, await cluster.Scheduler.Datums.InspectAsync(job.Id, name, Token));
            }
        }
        PpsException ambiguous = await Assert.ThrowsAsync<PpsException>(
            () => cluster.Scheduler.Datums.InspectAsync(job.Id, datums[0].Tag.ToString()[..4], Token));
        Assert.Equal(PpsErrorKind.InvalidArgument, ambiguous.Kind);
    }

    [Theory]
    [InlineData("")]
    [InlineData("no digits")]
    [InlineData("00000000000000000000")]
    public async Task A_datum_that_is_missing_is_refused(string name)
    {
        (Pipeline pipeline, CommitName commit) = await PipelineAsync("a");
        Job job = await jobs.RunAsync(pipeline, HandMadeJobs.Copy, commit);
        PpsException refusal = await Assert.ThrowsAsync<PpsException>(() => cluster.Scheduler.Datums.InspectAsync(job.Id, name, Token));
        Assert.Equal(PpsErrorKind.NotFound, refusal.Kind);
    }

    [Fact]
    public async Task A_job_that_is_missing_is_refused()
    {
        JobId job = JobId.New();
        foreach (Func<Task> call in new Func<Task>[]
        {
            async () => await cluster.Scheduler.Datums.ListAsync(job, Token).CountAsync(Token),
            async () => await cluster.Scheduler.Datums.ExplainAsync(job, Token).CountAsync(Token),
            () => cluster.Scheduler.Datums.InspectAsync(job, "00", Token),
        })
        {
            PpsException refusal = await Assert.ThrowsAsync<PpsException>(call);
            Assert.Equal((PpsErrorKind.NotFound, $"job {job} not found"), (refusal.Kind, refusal.Message));
        }
    }

    [Fact]
    public async Task Globs_over_several_levels_give_datums_in_the_order_of_whole_paths()
    {
        CommitName commit = await cluster.CommitAsync(
            "data", ("/a/1", "x"), ("/a-b/1", "x"), ("/a-/1", "x"), ("/a0/1", "x"), ("/a!b/1", "x"), ("/a-b!/1", "x"));
        Pipeline pipeline = await jobs.CreatePipelineAsync("levels", HandMadeJobs.Atom("data", "/*/*"));
        Job job = await jobs.CreateAsync(pipeline, [commit]);
        Assert.Equal(
            ["/a!b/1", "/a-/1", "/a-b!/1", "/a-b/1", "/a/1", "/a0/1"],
            (await StatesAsync(job)).Select(line => line.Split(' ')[0]));
    }

    [Fact]
    public async Task Explanations_compare_with_the_parent_job()
    {
        (Pipeline pipeline, CommitName first) = await PipelineAsync("a", "b");
        Job parent = await jobs.RunAsync(pipeline, HandMadeJobs.Copy, first);
        CommitName other = await cluster.CommitAsync("data", ("/c", "c"));
        await jobs.RunAsync(pipeline, HandMadeJobs.Copy, other);
        CommitName last = await cluster.CommitAsync("data", ("/b", "changed"), ("/c", "changed"));
        Job job = await jobs.CreateAsync(pipeline, [last], parent.Id);
        Assert.Equal(
            [(0, DatumReason.Known), (1, DatumReason.ContentChanged), (2, DatumReason.NewFile)], await ReasonsAsync(job));
    }

    [Fact]
    public async Task Explanations_without_a_parent_compare_with_the_last_job_that_ended_before()
    {
        (Pipeline pipeline, CommitName first) = await PipelineAsync("a", "b");
        Job firstJob = await jobs.RunAsync(pipeline, HandMadeJobs.Copy, first);
        Job stopped = await jobs.CreateAsync(pipeline, [await cluster.CommitAsync("data", ("/d", "d"))]);
        await jobs.WriteAsync(writer => writer.PutJob(stopped.Kill("stopped")));
        Job job = await jobs.RunAsync(pipeline, HandMadeJobs.Copy, await cluster.CommitAsync("data", ("/b", "changed"), ("/d", "d")));
        await jobs.RunAsync(pipeline, HandMadeJobs.Copy, await cluster.CommitAsync("data", ("/b", "again")));
        Assert.Equal([(0, DatumReason.Known), (1, DatumReason.ContentChanged), (2, DatumReason.NewFile)], await ReasonsAsync(job));
        Assert.Equal([(0, DatumReason.FirstJob), (1, DatumReason.FirstJob)], await ReasonsAsync(firstJob));
    }

    [Fact]
    public async Task An_earlier_job_whose_repo_is_gone_explains_nothing()
    {
        (Pipeline pipeline, CommitName first) = await PipelineAsync("a");
        await jobs.RunAsync(pipeline, HandMadeJobs.Copy, first);
        await cluster.Files.Repos.DeleteAsync(new RepoName("data"), force: true, Token);
        await cluster.CreateRepoAsync("data");
        Job job = await jobs.BeginAsync(await jobs.CreateAsync(pipeline, [await cluster.CommitAsync("data", ("/b", "b"))]), HandMadeJobs.Copy);
        Assert.Equal([(0, DatumReason.FirstJob)], await ReasonsAsync(job));
    }

    [Fact]
    public async Task A_new_salt_is_the_reason_when_all_else_is_the_same()
    {
        (Pipeline pipeline, CommitName commit) = await PipelineAsync("a");
        await jobs.RunAsync(pipeline, HandMadeJobs.Copy, commit);
        Pipeline reprocessed = pipeline with { Salt = Salt.New(), Version = 2 };
        await jobs.PutAsync(reprocessed);
        Job job = await jobs.RunAsync(reprocessed, HandMadeJobs.Copy, commit);
        Assert.Equal([(0, DatumReason.NewSalt)], await ReasonsAsync(job));
    }

    private static (string, string?)[] Numbered(int count) => [.. Enumerable.Range(0, count).Select(i => ($"/f{i}", (string?)$"{i}"))];

    private async Task<(Pipeline Pipeline, CommitName Commit)> PipelineAsync(params string[] files)
    {
        CommitName commit = await cluster.CommitAsync("data", [.. files.Select(file => ("/" + file, (string?)file))]);
        return (await jobs.CreatePipelineAsync("copy", HandMadeJobs.Atom("data")), commit);
    }

    private async Task<List<string>> StatesAsync(Job job) =>
        await cluster.Scheduler.Datums.ListAsync(job.Id, Token).Select(datum => $"{datum.Datum.Parts[0].File.Path} {datum.State}").ToListAsync(Token);

    private async Task<List<(int, DatumReason)>> ReasonsAsync(Job job) =>
        await cluster.Scheduler.Datums.ExplainAsync(job.Id, Token)
            .Select(datum => (datum.Datum.Datum.Index, datum.Difference.Reason)).ToListAsync(Token);
}
