using System.Text;
using System.Text.Json;
using Pachyderm.EndToEnd.Tests.Pfs;
using Pachyderm.EndToEnd.Tests.Support;

namespace Pachyderm.EndToEnd.Tests.Pps;

/// <summary>Pipelines as a person uses them: pachctl, pachd and the programs are real.</summary>
public class PipelineScenarioTests(PfsCluster cluster) : IClassFixture<PfsCluster>
{
    // Programs find their files at /pfs in a sandbox, and by PACH_PFS everywhere.
    private const string Upper = "for f in $PACH_PFS/in/*; do echo on $(basename $f); tr a-z A-Z < $f > $PACH_PFS/out/$(basename $f); done";

    [Fact]
    public async Task Two_pipelines_of_one_file_are_made_run_updated_explained_and_deleted()
    {
        await cluster.RunAsync("create-repo", "lines");
        string spec = await WriteAsync("two.json", Spec("upper", "lines", "/*", Upper) + "\n" + Spec("joined", "upper", "/", "cat $PACH_PFS/in/* > $PACH_PFS/out/all"));
        await cluster.RunAsync("create-pipeline", "-f", spec);
        await PutAsync("lines", "/a", "one\n");
        await PutAsync("lines", "/b", "two\n");

        Assert.Equal("ONE\nTWO\n", await cluster.RunAsync("get-file", "joined", "master", "/all"));
        JsonElement[] jobs = await RawAsync("list-job", "-p", "upper", "--raw");
        string job = IdOf(jobs[0]);
        Assert.Equal(2, jobs.Length);
        Assert.Contains("State: success", await cluster.RunAsync("inspect-job", job, "-b"), StringComparison.Ordinal);
        Assert.Equal("on b\n", await cluster.RunAsync("get-logs", "--job", job));
        Assert.Equal("on b\n", await cluster.RunAsync("get-logs", "--job", job, "--follow", "--inputs", "/b"));
        string why = await cluster.RunAsync("explain-job", job);
        Assert.Contains("skipped: its result was known", why, StringComparison.Ordinal);
        Assert.Contains("ran: in:/b: new", why, StringComparison.Ordinal);
        string lineage = await cluster.RunAsync("lineage", "joined", "master", "/all");
        Assert.StartsWith("joined/master:/all\n└─ ← joined, job ", lineage, StringComparison.Ordinal);
        Assert.Contains($"upper, job {job}", lineage, StringComparison.Ordinal);
        Assert.Contains("joined/", await cluster.RunAsync("lineage", "lines", "master", "/b", "--downstream"), StringComparison.Ordinal);
        Assert.Equal(
            ["lines", "└─ upper  lines:/*  running", "   └─ joined  upper:/  running"],
            (await cluster.RunAsync("inspect-pipeline", "upper", "--graph")).TrimEnd().Split('\n'));
        foreach (string[] command in (string[][])
            [["list-pipeline"], ["inspect-pipeline", "upper"], ["list-job"], ["inspect-job", job], ["list-datum", job], ["get-logs", "--job", job], ["explain-job", job], ["lineage", "joined", "master"]])
        {
            Assert.NotEmpty(await RawAsync([.. command, "--raw"]));
        }

        await cluster.RefusesAsync("pipeline upper already exists", "create-pipeline", "-f", spec);
        string update = await WriteAsync("update.json", Spec("upper", "lines", "/*", Upper.Replace("a-z A-Z", "a-z n-za-m", StringComparison.Ordinal)));
        await cluster.RunAsync("update-pipeline", "-f", update, "--reprocess");
        await cluster.RunAsync("flush-commit", "lines/master");
        Assert.Equal("bar\ngjb\n", await cluster.RunAsync("get-file", "joined", "master", "/all"));

        await cluster.RunAsync("delete-job", job);
        await cluster.RefusesAsync("error from InspectJob: ", "inspect-job", job);
        await cluster.RunAsync("delete-pipeline", "joined", "--delete-jobs", "--delete-repo");
        await cluster.RunAsync("delete-pipeline", "upper");
        Assert.DoesNotContain("upper", await cluster.NamesAsync("list-pipeline"), StringComparison.Ordinal);
        Assert.Contains("upper", await cluster.NamesAsync("list-repo"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_job_that_never_ends_is_followed_stopped_and_its_pipeline_goes_on()
    {
        await cluster.RunAsync("create-repo", "endless");
        await cluster.RunAsync("create-pipeline", "-f", await WriteAsync("endless.json", Spec("waiting", "endless", "/*", "echo it waits; [ ! -e $PACH_PFS/in/stop ] || sleep 1000")));
        await PutAsync("endless", "/stop", "", flush: false);

        // Ended by hand: left alone it would go on until the next line tells it that nobody reads any more.
        PachctlResult seen = await cluster.ShellAsync(
            "d=$(mktemp -d); mkfifo $d/lines; \"$@\" > $d/lines & head -n 1 < $d/lines; kill $!; rm -r $d",
            "get-logs", "--pipeline", "waiting", "--follow");
        Assert.Equal("it waits\n", seen.Output);
        string job = IdOf(Assert.Single(await RawAsync("list-job", "-p", "waiting", "--raw")));
        Assert.Contains("/stop", await cluster.RunAsync("inspect-job", job), StringComparison.Ordinal);
        await cluster.RefusesAsync("could not be found", "restart-datum", job, "/other");
        Task<string> waiting = cluster.RunAsync("inspect-job", job, "-b");
        await cluster.RunAsync("stop-job", job);

        Assert.Contains("State: killed", await waiting, StringComparison.Ordinal);
        await cluster.RunAsync("delete-file", "endless", await StartAsync("endless"), "/stop");
        await cluster.RunAsync("finish-commit", "endless", "master");
        await cluster.RunAsync("flush-commit", "endless/master");
        Assert.Equal(["success", "killed"], (await RawAsync("list-job", "-p", "waiting", "--raw")).Select(State), StringComparer.Ordinal);
        await cluster.RunAsync("stop-pipeline", "waiting");
        Assert.Contains("paused", await cluster.RunAsync("list-pipeline"), StringComparison.Ordinal);
        await cluster.RunAsync("start-pipeline", "waiting");
    }

    [Fact]
    public async Task A_spec_that_is_wrong_makes_nothing()
    {
        string spec = await WriteAsync("wrong.json", Spec("never", "lines", "/*", "true") + "\n{\"pipeline\": {\"nam\": \"x\"}}");

        await cluster.RefusesAsync("malformed pipeline spec: unknown field \"nam\" in pps.Pipeline (line 2, column 15)", "create-pipeline", "-f", spec);
        await cluster.RefusesAsync("pipeline never not found", "inspect-pipeline", "never");
        await cluster.RefusesAsync("no transform set", "create-pipeline", "-f", await WriteAsync("empty.json", "{\"pipeline\": {\"name\": \"e\"}, \"input\": {\"cron\": {\"name\": \"t\", \"spec\": \"@daily\"}}}"));
        await cluster.RefusesAsync("spec", "create-pipeline", "-f", cluster["absent-spec.json"]);
    }

    private static string Spec(string name, string repo, string glob, string script) => JsonSerializer.Serialize(new
    {
        pipeline = new { name },
        transform = new { cmd = (string[])["sh"], stdin = (string[])[script] },
        parallelism_spec = new { constant = 1 },
        input = new { atom = new { name = "in", repo, glob } },
    });

    private static string IdOf(JsonElement job) => job.GetProperty("job").GetProperty("id").GetString()!;

    private static string State(JsonElement job) => job.GetProperty("state").GetString()!["JOB_".Length..].ToLowerInvariant();

    private async Task<string> WriteAsync(string name, string text)
    {
        await File.WriteAllTextAsync(cluster[name], text, TestContext.Current.CancellationToken);
        return cluster[name];
    }

    private async Task PutAsync(string repo, string path, string content, bool flush = true)
    {
        await cluster.RunAsync("put-file", repo, "master", path, "-c", "-f", await WriteAsync("content", content));
        if (flush)
        {
            await cluster.RunAsync("flush-commit", $"{repo}/master");
        }
    }

    private async Task<string> StartAsync(string repo) => (await cluster.RunAsync("start-commit", repo, "master")).Trim();

    // Objects that follow one another.
    private async Task<JsonElement[]> RawAsync(params string[] arguments)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(await cluster.RunAsync(arguments));
        List<JsonElement> objects = [];
        Utf8JsonReader reader = new(bytes, new JsonReaderOptions { AllowMultipleValues = true });
        while (reader.Read())
        {
            objects.Add(JsonElement.ParseValue(ref reader));
        }

        return [.. objects];
    }
}
