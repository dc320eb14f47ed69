using System.Text;

namespace Pachyderm.Bench.Generation;

/// <summary>
/// Keys and values as Pachyderm 1.4.8 writes them, composed by hand and not with the product's own formatter, so that what is measured
/// does not make its own input. The shapes are those of the genuine cluster in test/Fixtures/pachyderm-1.4.8-small.
/// </summary>
internal static class ClusterText
{
    public static string Reference(CommitReference commit) => $"repo:<name:\"{commit.Repo}\" > id:\"{commit.Id}\" ";

    public static string RepoKey(string repo) => $"pachyderm_pfs/repos/{repo}";

    public static string Repo(RepoState repo)
    {
        StringBuilder text = new($"repo:<name:\"{repo.Name}\" > created:{repo.Created} ");
        if (repo.Bytes > 0)
        {
            text.Append($"size_bytes:{repo.Bytes} ");
        }

        foreach (RepoState source in repo.Provenance)
        {
            text.Append($"provenance:<name:\"{source.Name}\" > ");
        }

        return text.ToString();
    }

    public static string RefCountKey(string repo) => $"pachyderm_pfs/repoRefCounts/{repo}";

    public static string RepoIndexKey(string source, string repo) =>
        $"pachyderm_pfs/repos__index_{{Provenance %!s(bool=true)}}/name:\"{source}\" /{repo}";

    public static string BranchKey(string repo, string branch) => $"pachyderm_pfs/branches/{repo}/{branch}";

    public static string CommitKey(string repo, string id) => $"pachyderm_pfs/commits/{repo}/{id}";

    public static string Commit(
        CommitReference commit, CommitReference? parent, Moment started, Moment finished, long bytes, IReadOnlyList<CommitReference> provenance, string tree)
    {
        StringBuilder text = new($"commit:<{Reference(commit)}> ", 1024);
        if (parent is { } before)
        {
            text.Append($"parent_commit:<{Reference(before)}> ");
        }

        text.Append($"started:{started} finished:{finished} size_bytes:{bytes} ");
        foreach (CommitReference source in provenance)
        {
            text.Append($"provenance:<{Reference(source)}> ");
        }

        return text.Append($"tree:<hash:\"{tree}\" > ").ToString();
    }

    public static string CommitIndexKey(CommitReference source, CommitReference commit) =>
        $"pachyderm_pfs/commits/{commit.Repo}__index_{{Provenance %!s(bool=true)}}/{Reference(source)}/{commit.Id}";

    public static string PipelineKey(string name) => $"pachyderm_pps/pipelines/{name}";

    public static string Pipeline(PipelineState pipeline) =>
        $"id:\"{pipeline.Id}\" pipeline:<name:\"{pipeline.Name}\" > version:1 transform:<{Transform(pipeline)}> parallelism_spec:<constant:{pipeline.Workers} > "
        + $"created_at:{pipeline.Created} state:PIPELINE_RUNNING job_counts:<key:0 value:0 > job_counts:<key:1 value:0 > "
        + $"job_counts:<key:3 value:{pipeline.Jobs} > outputBranch:\"master\" input:<{Input(pipeline, commits: null)}> ";

    public static string PipelineStoppedKey(string name) => $"pachyderm_pps/pipelines__index_{{Stopped %!s(bool=false)}}/%!s(bool=false)/{name}";

    public static string JobKey(string id) => $"pachyderm_pps/jobs/{id}";

    public static string Job(JobState job)
    {
        string pipeline = job.Pipeline.Name;
        StringBuilder text = new(
            $"job:<id:\"{job.Id}\" > transform:<{Transform(job.Pipeline)}> pipeline_id:\"{job.Pipeline.Id}\" pipeline:<name:\"{pipeline}\" > pipeline_version:1 parallelism_spec:<constant:{job.Pipeline.Workers} > ",
            2048);
        if (job.Parent is { } parent)
        {
            text.Append($"parent_job:<id:\"{parent}\" > ");
        }

        text.Append($"started:{job.Started} finished:{job.Finished} output_commit:<{Reference(job.Output)}> state:JOB_SUCCESS stopped:true ");
        text.Append($"outputRepo:<name:\"{pipeline}\" > outputBranch:\"master\" data_processed:{job.Datums} data_total:{job.Datums} ");
        return text.Append($"input:<{job.Input}> new_branch:<name:\"master\" head:<{Reference(job.Trigger)}> > ").ToString();
    }

    public static string JobPipelineKey(string pipeline, string id) => $"pachyderm_pps/jobs__index_{{Pipeline %!s(bool=false)}}/name:\"{pipeline}\" /{id}";

    public static string JobInputKey(string input, string id) => $"pachyderm_pps/jobs__index_{{Input %!s(bool=false)}}/{input}/{id}";

    public static string JobStoppedKey(string id) => $"pachyderm_pps/jobs__index_{{Stopped %!s(bool=false)}}/%!s(bool=true)/{id}";

    /// <summary>The input of a pipeline, or with commits that of one of its jobs.</summary>
    public static string Input(PipelineState pipeline, IReadOnlyList<CommitReference>? commits)
    {
        string[] atoms = [.. pipeline.Inputs.Select((repo, index) => Atom(repo.Name, commits?[index].Id))];
        return atoms.Length == 1 ? atoms[0] : string.Concat(atoms.Select(atom => $"cross:<{atom}> "));
    }

    private static string Atom(string repo, string? commit) =>
        $"atom:<name:\"{repo}\" repo:\"{repo}\" branch:\"master\" {(commit is null ? "" : $"commit:\"{commit}\" ")}glob:\"/*\" > ";

    private static string Transform(PipelineState pipeline) =>
        $"image:\"registry.example.com/analytics/{pipeline.Name}:1.0\" cmd:\"python3\" cmd:\"/app/main.py\" env:<key:\"MODE\" value:\"batch\" > stdin:\"sort /pfs/*/* > /pfs/out/{pipeline.Name}\" ";
}

/// <summary>A point in time in the text of a Timestamp.</summary>
internal readonly record struct Moment(long Seconds, int Nanos)
{
    public override string ToString() => $"<seconds:{Seconds} nanos:{Nanos} >";
}

/// <summary>A commit by its name.</summary>
internal readonly record struct CommitReference(string Repo, string Id);
