using Pachyderm.Pfs;
using Pachyderm.Pps;
using Pachyderm.Pps.Identity;
using Pachyderm.Pps.Jobs;
using Pachyderm.Pps.Pipelines;
using Pachyderm.Pps.Records;

namespace Pachyderm.Scheduling.Tests;

public sealed class ResultCleanupTests : IAsyncLifetime
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
    public async Task Results_of_pipelines_stay_and_those_of_deleted_ones_go()
    {
        // More than a page for each, so that those that stay are passed over and those that go take several transactions.
        CommitName commit = await cluster.CommitAsync("data", [.. Enumerable.Range(0, 1_100).Select(i => ($"/f{i}", (string?)$"{i}"))]);
        List<Pipeline> pipelines = [];
        foreach (string name in new[] { "a", "b", "c", "d" })
        {
            pipelines.Add(await jobs.CreatePipelineAsync(name, HandMadeJobs.Atom("data")));
            await PutResultsAsync(pipelines[^1], 1_100);
        }
        foreach (Pipeline gone in new[] { pipelines[0], pipelines[2] })
        {
            await jobs.WriteAsync(writer => writer.DeletePipeline(gone.Name));
        }
        Assert.Equal(2_200, await cluster.Scheduler.ForgetResultsAsync(Token));
        Assert.Equal(
            new[] { Prefix(pipelines[1]), Prefix(pipelines[3]) }.Order(), (await ListTagsAsync()).Select(tag => tag.Prefix!.Value).Distinct().Order());
        Assert.Equal(2_200, (await ListTagsAsync()).Count);
        Assert.Equal(0, await cluster.Scheduler.ForgetResultsAsync(Token));
    }

    [Fact]
    public async Task Results_of_an_old_salt_stay_while_a_job_of_it_is_in_the_queue()
    {
        CommitName commit = await cluster.CommitAsync("data", ("/a", "a"), ("/b", "b"));
        Pipeline pipeline = await jobs.CreatePipelineAsync("copy", HandMadeJobs.Atom("data"));
        Job job = await jobs.BeginAsync(await jobs.CreateAsync(pipeline, [commit]), HandMadeJobs.Copy, count: 1);
        await jobs.PutAsync(pipeline with { Salt = Salt.New() });
        Assert.Equal(0, await cluster.Scheduler.ForgetResultsAsync(Token));
        await jobs.WriteAsync(writer => writer.PutJob(job.Kill("stopped")));
        Assert.Equal(1, await cluster.Scheduler.ForgetResultsAsync(Token));
        Assert.Empty(await ListTagsAsync());
    }

    private static ushort Prefix(Pipeline pipeline) => new DatumIdentity(pipeline.Name, pipeline.Salt).Prefix;

    private Task PutResultsAsync(Pipeline pipeline, int count) => jobs.WriteAsync(writer =>
    {
        for (int i = 0; i < count; i++)
        {
            DatumTag tag = new(Prefix(pipeline), Storage.Content.ChunkId.Of(BitConverter.GetBytes(i)));
            writer.PutResult(tag, new ResultRecord(JobId.New(), Storage.Trees.DirectoryReferenceCodec.Encode(Storage.Trees.TreeReader.EmptyDirectory)));
        }
    });

    private Task<List<DatumTag>> ListTagsAsync() => cluster.Metadata.ReadAsync(
        reader => new PpsReader(reader).ListResults(null, 10_000).Select(row => row.Key).ToList(), Token);
}
