using System.Net;
using System.Net.Sockets;
using System.Text;
using Pachyderm.Pfs;
using Pachyderm.Pps.Jobs;
using Pachyderm.Pps.Pipelines;
using Pachyderm.Pps.Records;
using Pachyderm.Pps.Specs;

namespace Pachyderm.Scheduling.Tests;

public sealed class EgressTests
{
    [Fact]
    public async Task An_output_is_written_below_a_directory_that_is_allowed()
    {
        string outside = Directory.CreateTempSubdirectory("egress-").FullName;
        try
        {
            await using JobBed bed = await OpenAsync(outside);
            (Job job, _) = await SendAsync(bed, $"file://{outside}/deep/er/");
            Assert.Equal((JobState.Success, ""), (job.State, job.Reason));
            Assert.Equal("one", await File.ReadAllTextAsync($"{outside}/deep/er/a", JobBed.Token));
            Assert.Equal("two", await File.ReadAllTextAsync($"{outside}/deep/er/d/b c", JobBed.Token));
            Assert.Equal(2, Directory.GetFiles(outside, "*", SearchOption.AllDirectories).Length);
        }
        finally
        {
            Directory.Delete(outside, recursive: true);
        }
    }

    [Fact]
    public async Task No_address_leads_out_of_what_is_allowed()
    {
        string outside = Directory.CreateTempSubdirectory("egress-").FullName;
        try
        {
            string allowed = $"{outside}/allowed";
            Directory.CreateDirectory(allowed);
            Directory.CreateDirectory($"{outside}/secret");
            Directory.CreateSymbolicLink($"{allowed}/link", $"{outside}/secret");
            await using JobBed bed = await OpenAsync(allowed);
            await bed.Cluster.CreateRepoAsync("in");
            string[] addresses =
            [
                $"file://{outside}", $"file://{allowed}/../secret", $"file://{allowed}/%2e%2e/secret", $"file://{allowed}secret",
                $"file://{allowed}/link", "file:///", "file://host/x", "s3://bucket/x", "nowhere", "https://user:word@host/",
            ];
            foreach (string address in addresses)
            {
                (Job job, _) = await SendAsync(bed, address);
                Assert.Equal(JobState.Failure, job.State);
                Assert.True(job.Reason.Contains("is not possible") || job.Reason.Contains("symbolic link"), job.Reason);
                Assert.NotNull(job.OutputCommit);
            }
            Assert.Empty(Directory.GetFileSystemEntries($"{outside}/secret"));
        }
        finally
        {
            Directory.Delete(outside, recursive: true);
        }
    }

    [Fact]
    public async Task A_server_gets_each_file_and_a_refusal_leads_to_no_second_commit()
    {
        await using Receiver receiver = new(refusals: 1);
        await using JobBed bed = await OpenAsync();
        await bed.Cluster.CreateRepoAsync("in");
        Pipeline send = await CreateAsync(bed, $"{receiver.Address}into/");
        Job job = await bed.TriggerAsync(send, null, await bed.Cluster.CommitAsync("in", ("/a", "one"), ("/d/b c", "two")));
        HttpRequestException refused = await Assert.ThrowsAsync<HttpRequestException>(() => bed.RunAsync(send, job));
        Assert.Contains("answered 503 to a PUT", refused.Message);
        Job committed = await bed.FindAsync(job.Id);
        Assert.Equal(JobState.Running, committed.State);
        await bed.Cluster.Metadata.WriteAsync(
            transaction =>
            {
                new PpsWriter(transaction).PutJob(committed.Restart(refused.Message));
                return true;
            },
            JobBed.Token);
        Job ended = await bed.RunAsync(send, job);
        Assert.Equal((JobState.Success, committed.OutputCommit, 2L), (ended.State, ended.OutputCommit, ended.DataProcessed));
        Assert.Single(await bed.Cluster.BranchAsync("send"));
        Assert.Equal(new Dictionary<string, string> { ["/into/a"] = "one", ["/into/d/b%20c"] = "two" }, receiver.Files);
    }

    private static Task<JobBed> OpenAsync(params string[] allowed) =>
        JobBed.OpenAsync(new TestClusterOptions { Options = options => options with { EgressDirectories = allowed } });

    private static async Task<Pipeline> CreateAsync(JobBed bed, string address) =>
        await bed.CreateAsync(JobBed.CopySpec() with { Name = "send", Egress = new Egress(address) });

    private static async Task<(Job Job, Pipeline Pipeline)> SendAsync(JobBed bed, string address)
    {
        if ((await bed.Cluster.Files.Repos.ListAsync([], JobBed.Token)).All(static repo => repo.Name.Value != "in"))
        {
            await bed.Cluster.CreateRepoAsync("in");
        }
        if ((await bed.Cluster.Files.Repos.ListAsync([], JobBed.Token)).Any(static repo => repo.Name.Value == "send"))
        {
            await bed.Cluster.Files.Repos.DeleteAsync(new RepoName("send"), force: true, JobBed.Token);
        }
        Pipeline pipeline = await CreateAsync(bed, address);
        CommitName commit = await bed.Cluster.CommitAsync("in", ("/a", "one"), ("/d/b c", "two"));
        return (await bed.RunAsync(pipeline, null, commit), pipeline);
    }

    /// <summary>A web server that takes PUTs, and refuses the first ones.</summary>
    private sealed class Receiver : IAsyncDisposable
    {
        private readonly HttpListener listener = new();
        private readonly Task serving;
        private int refusals;

        public Receiver(int refusals)
        {
            this.refusals = refusals;
            using (TcpListener probe = new(IPAddress.Loopback, 0))
            {
                probe.Start();
                Address = $"http://127.0.0.1:{((IPEndPoint)probe.LocalEndpoint).Port}/";
            }
            listener.Prefixes.Add(Address);
            listener.Start();
            serving = ServeAsync();
        }

        public string Address { get; }

        public SortedDictionary<string, string> Files { get; } = new(StringComparer.Ordinal);

        public async ValueTask DisposeAsync()
        {
            listener.Close();
            await serving;
        }

        private async Task ServeAsync()
        {
            while (true)
            {
                HttpListenerContext context;
                try
                {
                    context = await listener.GetContextAsync();
                }
                catch (Exception closed) when (closed is HttpListenerException or ObjectDisposedException)
                {
                    return;
                }
                using StreamReader reader = new(context.Request.InputStream, Encoding.UTF8);
                string body = await reader.ReadToEndAsync();
                bool isWhole = context.Request.HttpMethod == "PUT" && context.Request.ContentLength64 == body.Length;
                context.Response.StatusCode = !isWhole ? 400 : refusals-- > 0 ? 503 : 201;
                if (context.Response.StatusCode == 201)
                {
                    Files[context.Request.RawUrl!] = body;
                }
                context.Response.Close();
            }
        }
    }
}
