using System.Globalization;
using System.Text.Json;
using Pachyderm.Migration.Import.Tests.Support;
using Pachyderm.Pfs;
using Pachyderm.Pps;
using Pachyderm.Pps.Jobs;
using Pachyderm.Pps.Pipelines;
using Pachyderm.Pps.Specs;
using Pachyderm.Tests;

namespace Pachyderm.Migration.Import.Tests;

/// <summary>Genuine clusters, imported: every answer is what the real client of the old release was told.</summary>
public sealed class FixtureTests
{
    public static TheoryData<string, string, bool> Sets => new(
        FixtureContent.All.SelectMany(static set => new (string, string, bool)[] { (set.Set, set.Archive, false), (set.Set, set.Archive, true) }));

    [Theory]
    [MemberData(nameof(Sets))]
    public async Task Everything_answers_as_it_did_in_the_old_release(string set, string archive, bool copy)
    {
        using ImportBed bed = new(set, archive);
        bed.Request = bed.Request with { Copy = copy };
        using JsonDocument expected = FixtureContent.Expected(set);
        await bed.RunAsync();
        if (copy)
        {
            // Nothing of the old store is needed any more.
            Directory.Delete(Path.Combine(bed.Content.Root, "object"), recursive: true);
        }

        await using ServedCluster cluster = await ServedCluster.OpenAsync(bed);
        await AssertReposAsync(expected.RootElement.GetProperty("repos_in_list_order"), cluster);
        Assert.Equal(
            expected.RootElement.GetProperty("jobs_in_list_order").EnumerateArray().Select(static job => ShowJob(job.GetProperty("job_info"))).ToArray(),
            (await cluster.ListJobsAsync()).Select(static job => Show(job.Job)).ToArray());
        Assert.Equal(
            expected.RootElement.GetProperty("pipelines_in_list_order").EnumerateArray()
                .Select(static pipeline => ShowPipeline(pipeline.GetProperty("pipeline_info"))).ToArray(),
            (await cluster.ListPipelinesAsync()).Select(static pipeline => Show(pipeline.Pipeline)).ToArray());
    }

    private static async Task AssertReposAsync(JsonElement expected, ServedCluster cluster)
    {
        IReadOnlyList<RepoInfo> repos = await cluster.Files.Repos.ListAsync([], ImportBed.Token);
        Assert.Equal(
            expected.EnumerateArray().Select(static repo => ShowRepo(repo.GetProperty("repo_info"))).ToArray(),
            repos.Select(static repo => $"{repo.Name} {Show(repo.Created)} {repo.SizeBytes} '{repo.Description}' <- {Join(repo.Provenance.Select(static name => name.Value))}").ToArray());
        foreach (JsonElement repo in expected.EnumerateArray())
        {
            RepoName name = new(Text(repo, "name"));
            IReadOnlyList<BranchInfo> branches = await cluster.Files.Branches.ListAsync(name, ImportBed.Token);
            // A name with a slash was listed by its last part.
            Assert.Equal(
                Items(repo, "branches").Select(static branch => $"{Text(branch, "name")} {Text(branch, "head")}").ToArray(),
                branches.Select(static branch => $"{branch.Name.Value.Split('/')[^1]} {branch.Head.Id}").ToArray());
            List<CommitInfo> commits = await cluster.Files.CommitList.ListAsync(name, null, null, 0, ImportBed.Token).ToListAsync(ImportBed.Token);
            Assert.Equal(
                Items(repo, "commits").Select(static commit => ShowCommit(commit.GetProperty("commit_info"))).ToArray(),
                commits.Select(Show).ToArray());
            foreach (JsonElement commit in Items(repo, "commits").Where(static commit => commit.GetProperty("finished").GetBoolean()))
            {
                IReadOnlyList<string> files = await cluster.ReadAsync(new CommitName(name, new CommitId(Text(commit, "id"))));
                Assert.Equal([.. Items(commit, "files").Select(ShowFile).Order(StringComparer.Ordinal)], files);
            }
        }
    }

    private static string ShowRepo(JsonElement repo) =>
        $"{Text(repo.GetProperty("repo"), "name")} {Time(repo, "created")} {Text(repo, "size_bytes", "0")} '{Text(repo, "description")}' "
        + $"<- {Join(Items(repo, "provenance").Select(static source => Text(source, "name")))}";

    private static string Show(CommitInfo commit) =>
        $"{commit.Name} of {commit.Parent} {Show(commit.Started)} to {(commit.Finished is { } finished ? Show(finished) : "")} "
        + $"{commit.SizeBytes} <- {Join(commit.Provenance.Select(static source => source.ToString()))}";

    private static string ShowCommit(JsonElement commit) =>
        $"{Commit(commit, "commit")} of {(commit.TryGetProperty("parent_commit", out JsonElement parent) ? Text(parent, "id") : "")} {Time(commit, "started")} "
        + $"to {Time(commit, "finished")} {Text(commit, "size_bytes", "0")} "
        + $"<- {Join(Items(commit, "provenance").Select(static source => $"{Text(source.GetProperty("repo"), "name")}/{Text(source, "id")}"))}";

    private static string ShowFile(JsonElement file)
    {
        string type = Text(file, "type");
        string content = type == "DIR" ? "" : Text(file, "sha256");
        return $"/{Text(file, "path").TrimStart('/')} {(type == "DIR" ? "DIR" : "FILE")} {file.GetProperty("size").GetInt64()} {Text(file, "hash_hex")} {content}";
    }

    private static string Show(Job job) => string.Create(
        CultureInfo.InvariantCulture,
        $"{job.Id} of {job.Pipeline} v{job.PipelineVersion} {job.State} {Show(job.Started)} to {(job.Finished is { } finished ? Show(finished) : "")} "
        + $"{job.DataProcessed}+{job.DataSkipped}/{job.DataTotal} out {Show(job.OutputCommit)} stats {Show(job.StatsCommit)} new {Show(job.NewCommit)} "
        + $"parent {job.Parent} restarts {job.Restarts} in {Show(job.Input)} cmd {Join(job.Workload.Transform.Cmd)} stdin {Join(job.Workload.Transform.Stdin)} "
        + $"env {Join(job.Workload.Transform.Env.Select(static entry => $"{entry.Key}={entry.Value}"))} {job.Stats.DownloadBytes}/{job.Stats.UploadBytes}");

    private static string ShowJob(JsonElement job) =>
        $"{Text(job.GetProperty("job"), "id")} of {Text(job.GetProperty("pipeline"), "name")} v{Text(job, "pipeline_version", "0")} {ShowState(Text(job, "state"))} "
        + $"{Time(job, "started")} to {Time(job, "finished")} {Text(job, "data_processed", "0")}+{Text(job, "data_skipped", "0")}/{Text(job, "data_total", "0")} "
        + $"out {Commit(job, "output_commit")} stats {Commit(job, "stats_commit")} new {(job.TryGetProperty("new_branch", out JsonElement branch) ? Commit(branch, "head") : "")} "
        + $"parent {(job.TryGetProperty("parent_job", out JsonElement parent) ? Text(parent, "id") : "")} restarts {Text(job, "restart", "0")} in {ShowInput(job)} "
        + ShowTransform(job.GetProperty("transform"))
        + (job.TryGetProperty("stats", out JsonElement stats) ? $" {Text(stats, "download_bytes", "0")}/{Text(stats, "upload_bytes", "0")}" : " 0/0");

    private static string Show(Pipeline pipeline) => string.Create(
        CultureInfo.InvariantCulture,
        $"{pipeline.Name} v{pipeline.Version} {pipeline.State} {Show(pipeline.Created)} '{pipeline.Description}' branch {pipeline.Workload.OutputBranch} "
        + $"in {Show(pipeline.Input)} cmd {Join(pipeline.Workload.Transform.Cmd)} stdin {Join(pipeline.Workload.Transform.Stdin)} "
        + $"env {Join(pipeline.Workload.Transform.Env.Select(static entry => $"{entry.Key}={entry.Value}"))} "
        + $"jobs {pipeline.JobCounts[JobState.Success]}, {pipeline.JobCounts[JobState.Failure]}, {pipeline.JobCounts[JobState.Killed]}");

    private static string ShowPipeline(JsonElement pipeline)
    {
        JsonElement counts = pipeline.TryGetProperty("job_counts", out JsonElement found) ? found : default;
        string state = Text(pipeline, "state", "PIPELINE_STARTING");
        return $"{Text(pipeline.GetProperty("pipeline"), "name")} v{Text(pipeline, "version", "0")} {ShowState(state)} {Time(pipeline, "created_at")} "
            + $"'{Text(pipeline, "description")}' branch {Text(pipeline, "output_branch", Text(pipeline, "outputBranch"))} in {ShowInput(pipeline)} "
            + ShowTransform(pipeline.GetProperty("transform"))
            + $" jobs {Count(counts, "3")}, {Count(counts, "2")}, {Count(counts, "4")}";
    }

    private static int Count(JsonElement counts, string state) =>
        counts.ValueKind == JsonValueKind.Object && counts.TryGetProperty(state, out JsonElement count) ? count.GetInt32() : 0;

    // 1.4 called a stopped pipeline, and a killed job, stopped.
    private static string ShowState(string state)
    {
        string name = state[(state.IndexOf('_', StringComparison.Ordinal) + 1)..];
        name = name is "STOPPED" ? state.StartsWith("JOB", StringComparison.Ordinal) ? "KILLED" : "PAUSED" : name;
        return name.Length == 0 ? nameof(JobState.Starting) : name[..1] + name[1..].ToLowerInvariant();
    }

    private static string ShowTransform(JsonElement transform) =>
        $"cmd {Join(Items(transform, "cmd").Select(static item => item.GetString()!))} stdin {Join(Items(transform, "stdin").Select(static item => item.GetString()!))} "
        + $"env {Join(transform.TryGetProperty("env", out JsonElement env) ? env.EnumerateObject().OrderBy(static entry => entry.Name, StringComparer.Ordinal).Select(static entry => $"{entry.Name}={entry.Value.GetString()}") : [])}";

    private static string Show(Input input) => input switch
    {
        AtomInput atom => $"{atom.Name}:{atom.Repo}@{atom.Branch}={atom.Commit}:{atom.Glob}{(atom.Lazy ? " lazy" : "")}",
        CronInput cron => $"{cron.Name}:{cron.Repo}={cron.Spec}",
        CrossInput cross => $"cross({Join(cross.Inputs.Select(Show))})",
        UnionInput union => $"union({Join(union.Inputs.Select(Show))})",
        _ => throw new NotSupportedException(),
    };

    private static string ShowInput(JsonElement owner)
    {
        if (owner.TryGetProperty("input", out JsonElement input))
        {
            return ShowSpec(input);
        }
        IEnumerable<string> atoms = Items(owner, "inputs").OrderBy(static old => Text(old, "name"), StringComparer.Ordinal).Select(ShowOld);
        return $"cross({Join(atoms)})";
    }

    private static string ShowOld(JsonElement old)
    {
        (string repo, string commit) = old.TryGetProperty("commit", out JsonElement at) ? (Text(at.GetProperty("repo"), "name"), Text(at, "id")) : (Text(old.GetProperty("repo"), "name"), "");
        return $"{Text(old, "name", repo)}:{repo}@{Text(old, "branch", "master")}={commit}:{Text(old, "glob")}";
    }

    private static string ShowSpec(JsonElement input) =>
        input.TryGetProperty("atom", out JsonElement atom)
            ? $"{Text(atom, "name")}:{Text(atom, "repo")}@{Text(atom, "branch")}={Text(atom, "commit")}:{Text(atom, "glob")}{(atom.TryGetProperty("lazy", out _) ? " lazy" : "")}"
        : input.TryGetProperty("cross", out JsonElement cross) ? $"cross({Join(cross.EnumerateArray().Select(ShowSpec))})"
        : $"union({Join(input.GetProperty("union").EnumerateArray().Select(ShowSpec))})";

    private static string Show(CommitRef? commit) => commit is { } there ? $"{there.Repo}/{there.Id}" : "";

    private static string Commit(JsonElement owner, string name) =>
        owner.TryGetProperty(name, out JsonElement commit) ? $"{Text(commit.GetProperty("repo"), "name")}/{Text(commit, "id")}" : "";

    private static string Text(JsonElement owner, string name, string missing = "") =>
        owner.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value.ToString() : missing;

    private static JsonElement[] Items(JsonElement owner, string name) =>
        owner.TryGetProperty(name, out JsonElement items) && items.ValueKind == JsonValueKind.Array ? [.. items.EnumerateArray()] : [];

    private static string Join(IEnumerable<string> items) => string.Join(", ", items);

    // This release keeps times to 100 ns.
    private static string Time(JsonElement owner, string name) => owner.TryGetProperty(name, out JsonElement value)
        ? Show(DateTimeOffset.Parse(Cut(value.GetString()!), CultureInfo.InvariantCulture).ToUniversalTime())
        : "";

    private static string Cut(string time)
    {
        int point = time.IndexOf('.', StringComparison.Ordinal);
        return point < 0 ? time : time[..Math.Min(point + 8, time.Length - 1)] + "Z";
    }

    private static string Show(DateTimeOffset time) => time.ToString("O", CultureInfo.InvariantCulture);
}
