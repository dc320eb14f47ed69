using Pachyderm.Client;
using Pachyderm.ObjectStores.Tests;
using static Pachyderm.Pachd.Tests.PachdProcess;

namespace Pachyderm.Pachd.Tests;

/// <summary>What <c>/metrics</c> says of pipelines.</summary>
public sealed class SchedulingMetricsTests
{
    // Prometheus is answered from a cache for a moment, and a job is counted a moment after it has ended.
    private const int Attempts = 500;

    [Fact]
    public async Task Jobs_datums_and_workers_are_counted_by_what_became_of_them()
    {
        using TemporaryDirectory directory = new();
        await using PachdProcess pachd = await StartAsync(directory["data"]);
        await using PachClient client = new(pachd.GrpcAddress);
        await client.Repos.CreateAsync("in", cancellationToken: Token);
        await CommitAsync(client, "a", "b");
        await CreateAsync(client, "good", "true");
        await CreateAsync(client, "bad", "[ ! -e $PACH_PFS/in/b ]");
        await CreateAsync(client, "endless", "sleep 1000");
        await CommitAsync(client, "c");
        await ExpectAsync(pachd, """jobs_ended_total\{.*state="success".*\} 2""");
        await ExpectAsync(pachd, """jobs_ended_total\{.*state="failure".*\} 2""");
        await ExpectAsync(pachd, """job_duration_seconds_count\S* 4""");
        await ExpectAsync(pachd, """datums_total\{.*result="processed".*\} 5""");
        await ExpectAsync(pachd, """datums_total\{.*result="skipped".*\} 3""");
        await ExpectAsync(pachd, """datums_total\{.*result="failed".*\} 2""");
        await ExpectAsync(pachd, """workers\S* [1-9]""");

        await client.Pipelines.DeleteAllAsync(cancellationToken: Token);

        await ExpectAsync(pachd, """jobs_ended_total\{.*state="killed".*\} 2""");
        await ExpectAsync(pachd, """workers\S* 0""");
    }

    private static async Task CommitAsync(PachClient client, params string[] files)
    {
        CommitRef commit = await client.Commits.StartAsync("in", "master", cancellationToken: Token);
        foreach (string file in files)
        {
            await client.Files.PutAsync(commit, "/" + file, new MemoryStream([1]), cancellationToken: Token);
        }
        await client.Commits.FinishAsync(commit, Token);
    }

    private static Task CreateAsync(PachClient client, string name, string script) => client.Pipelines.CreateAsync(
        new Wire.Pps.CreatePipelineRequest
        {
            Pipeline = new Wire.Pps.Pipeline { Name = name },
            Transform = new Wire.Pps.Transform { Cmd = { "sh" }, Stdin = { script } },
            ParallelismSpec = new Wire.Pps.ParallelismSpec { Constant = 1 },
            Input = new Wire.Pps.Input { Atom = new Wire.Pps.AtomInput { Repo = "in", Glob = "/*" } },
        },
        Token);

    private static async Task ExpectAsync(PachdProcess pachd, string line)
    {
        using HttpClient http = new() { BaseAddress = pachd.Http };
        using PeriodicTimer timer = new(TimeSpan.FromMilliseconds(20));
        string pattern = $"(?m)^pachyderm_scheduling_{line}( |$)", metrics = "";
        for (int attempt = 0; attempt < Attempts; attempt++)
        {
            metrics = await http.GetStringAsync(new Uri("/metrics", UriKind.Relative), Token);
            if (System.Text.RegularExpressions.Regex.IsMatch(metrics, pattern, System.Text.RegularExpressions.RegexOptions.None, TimeSpan.FromSeconds(10)))
            {
                return;
            }
            await timer.WaitForNextTickAsync(Token);
        }
        Assert.Matches(pattern, metrics);
    }
}
