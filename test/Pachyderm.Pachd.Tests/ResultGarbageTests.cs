using Pachyderm.Client;
using Pachyderm.ObjectStores.Tests;
using Pachyderm.Wire.Native;
using Pachyderm.Wire.Pps;
using static Pachyderm.Pachd.Tests.PachdProcess;

namespace Pachyderm.Pachd.Tests;

/// <summary>Garbage collection keeps what lets datums be skipped, as long as there is a pipeline that may skip them.</summary>
public sealed class ResultGarbageTests : IDisposable
{
    private const string Spec =
        """
        {
          "pipeline": { "name": "copy" },
          "transform": { "cmd": ["sh", "-c", "cp -r $PACH_PFS/in/. $PACH_PFS/out"] },
          "input": { "atom": { "name": "in", "repo": "data", "glob": "/*" } }
        }
        """;

    private readonly TemporaryDirectory directory = new();

    public void Dispose() => directory.Dispose();

    [Fact]
    public async Task Results_stay_while_their_pipeline_does_and_go_with_it()
    {
        await using PachdProcess pachd = await StartAsync(directory["data"]);
        await using PachClient client = new(new PachClientOptions { Address = PachAddress.Parse(pachd.GrpcAddress) });
        await client.Repos.CreateAsync("data", cancellationToken: Token);
        await PutAsync(client, "/a", 1);
        await client.Pipelines.CreateAsync(Spec, Token);
        await PutAsync(client, "/b", 2);
        await FlushAsync(client);

        await CollectAsync(pachd);
        await PutAsync(client, "/c", 3);
        await FlushAsync(client);
        JobInfo job = await client.Jobs.ListAsync("copy", Token).FirstAsync(Token);
        Assert.Equal((1, 2), (job.DataProcessed, job.DataSkipped));
        using MemoryStream read = new();
        await client.Files.GetAsync(new CommitRef("copy", "master"), "/a", read, cancellationToken: Token);
        Assert.Equal(Content(1), read.ToArray());

        await client.Pipelines.DeleteAsync("copy", deleteJobs: true, deleteRepo: true, Token);
        await client.Repos.DeleteAsync("data", cancellationToken: Token);
        CollectGarbageSummary summary = await CollectAsync(pachd);
        Assert.Equal(0UL, summary.ChunksKept);
    }

    private static byte[] Content(int seed)
    {
        byte[] content = new byte[300_000];
        new Random(seed).NextBytes(content);
        return content;
    }

    private static async Task PutAsync(PachClient client, string path, int seed)
    {
        CommitRef commit = await client.Commits.StartAsync("data", "master", cancellationToken: Token);
        await client.Files.PutAsync(commit, path, new MemoryStream(Content(seed)), cancellationToken: Token);
        await client.Commits.FinishAsync(commit, Token);
    }

    private static async Task FlushAsync(PachClient client) =>
        Assert.NotEmpty(await client.Commits.FlushAsync([new CommitRef("data", "master")], cancellationToken: Token).ToListAsync(Token));

    private static async Task<CollectGarbageSummary> CollectAsync(PachdProcess pachd)
    {
        using Grpc.Core.AsyncServerStreamingCall<CollectGarbageResponse> call =
            new Maintenance.MaintenanceClient(pachd.Channel).CollectGarbage(new CollectGarbageRequest(), cancellationToken: Token);
        CollectGarbageSummary? summary = null;
        while (await call.ResponseStream.MoveNext(Token))
        {
            summary = call.ResponseStream.Current.Summary ?? summary;
        }
        return summary!;
    }
}
