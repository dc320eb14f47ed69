using System.Text.Json;
using Pachyderm.Pfs;
using Pachyderm.Pps.Jobs;
using Pachyderm.Pps.Pipelines;

namespace Pachyderm.Scheduling.Tests;

public sealed class StatsTests
{
    [Fact]
    public async Task A_stats_commit_tells_of_each_datum()
    {
        await using JobBed bed = await JobBed.OpenAsync();
        await bed.Cluster.CreateRepoAsync("in");
        Pipeline copy = await bed.CreateAsync(TestCluster.Spec(
            "copy", TestCluster.Atom("in"), "cp -r $PACH_PFS/in/. $PACH_PFS/out/; echo copied") with
        { EnableStats = true });
        Job first = await bed.RunAsync(copy, null, await bed.Cluster.CommitAsync("in", ("/a", "one"), ("/d/b", "two")));
        SortedDictionary<string, string> files = await StatsAsync(bed, first);
        string[] ids = [.. files.Keys.Where(static path => path.Length > 64).Select(static path => path[1..65]).Distinct()];
        Assert.Equal(2, ids.Length);
        string a = ids.Single(id => files.ContainsKey($"/{id}/pfs/in/a"));
        string b = ids.Single(id => id != a);
        Assert.Equal(
            [$"/{a}/logs", $"/{a}/pfs/in/a", $"/{a}/pfs/out/a", $"/{a}/stats"], files.Keys.Where(path => path.StartsWith($"/{a}", StringComparison.Ordinal)));
        Assert.Equal(
            [$"/{b}/logs", $"/{b}/pfs/in/d/b", $"/{b}/pfs/out/d/b", $"/{b}/stats"],
            files.Keys.Where(path => path.StartsWith($"/{b}", StringComparison.Ordinal)));
        JsonElement line = JsonDocument.Parse(files[$"/{a}/logs"]).RootElement;
        Assert.Equal(("copied\n", a), (line.GetProperty("message").GetString(), line.GetProperty("inputFileId").GetString()));
        JsonElement stats = JsonDocument.Parse(files[$"/{a}/stats"]).RootElement;
        Assert.Equal("3", stats.GetProperty("downloadBytes").GetString());
        Assert.Matches(@"^\d+\.(\d{3}|\d{6}|\d{9})s$", stats.GetProperty("processTime").GetString());
        JsonElement all = JsonDocument.Parse(files["/stats"]).RootElement;
        Assert.Equal("2", all.GetProperty("uploadBytes").GetProperty("count").GetString());
        Assert.Equal(3, all.GetProperty("uploadBytes").GetProperty("mean").GetDouble());
        Assert.Empty((await bed.Cluster.InspectAsync(NameOf(first))).Provenance);

        Job second = await bed.RunAsync(copy, first, await bed.Cluster.CommitAsync("in", ("/c", "three")));
        SortedDictionary<string, string> later = await StatsAsync(bed, second);
        Assert.Equal(2, later.Keys.Count(static path => path.EndsWith("/skipped", StringComparison.Ordinal)));
        Assert.Equal(files[$"/{a}/logs"], later[$"/{a}/logs"]);
        Assert.Contains($"/{a}/skipped", later.Keys);
        Assert.Equal("1", JsonDocument.Parse(later["/stats"]).RootElement.GetProperty("uploadBytes").GetProperty("count").GetString());
    }

    [Fact]
    public async Task A_job_that_fails_has_a_stats_commit_with_the_failure()
    {
        await using JobBed bed = await JobBed.OpenAsync();
        await bed.Cluster.CreateRepoAsync("in");
        Pipeline bad = await bed.CreateAsync(TestCluster.Spec("bad", TestCluster.Atom("in"), "echo oh >&2; exit 1") with { EnableStats = true });
        Job job = await bed.RunAsync(bad, null, await bed.Cluster.CommitAsync("in", ("/a", "one")));
        Assert.Equal(JobState.Failure, job.State);
        SortedDictionary<string, string> files = await StatsAsync(bed, job);
        Assert.Equal("sh ended with exit code 1: oh", files.Single(static file => file.Key.EndsWith("/failure", StringComparison.Ordinal)).Value);
        Assert.Equal(1, files[files.Keys.Single(static path => path.EndsWith("/logs", StringComparison.Ordinal))].Count(static c => c == '\n'));
    }

    private static CommitName NameOf(Job job) => new(new RepoName(job.StatsCommit!.Value.Repo), new CommitId(job.StatsCommit.Value.Id));

    private static Task<SortedDictionary<string, string>> StatsAsync(JobBed bed, Job job) => bed.Cluster.ReadAllAsync(NameOf(job));
}
