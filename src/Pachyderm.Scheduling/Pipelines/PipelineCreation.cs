using Pachyderm.Metadata;
using Pachyderm.Pfs;
using Pachyderm.Pps;
using Pachyderm.Pps.Jobs;
using Pachyderm.Pps.Pipelines;
using Pachyderm.Pps.Records;
using Pachyderm.Pps.Specs;

namespace Pachyderm.Scheduling;

/// <summary>Creates and updates pipelines inside one transaction, so that what is refused leaves everything as it was.</summary>
internal sealed class PipelineCreation
{
    private readonly IMetadataWriter writer;
    private readonly PpsWriter records;
    private readonly RepoTransaction repos;
    private readonly DateTimeOffset now;

    /// <summary>Jobs that the new version has killed.</summary>
    public IReadOnlyList<Job> Killed { get; private set; } = [];

    /// <summary>Works in a transaction.</summary>
    /// <param name="writer">The transaction.</param>
    /// <param name="now">The present.</param>
    public PipelineCreation(IMetadataWriter writer, DateTimeOffset now)
    {
        this.writer = writer;
        this.now = now;
        records = new PpsWriter(writer);
        repos = new RepoTransaction(writer, now);
    }

    /// <summary>Creates a pipeline, or the next version of one if the spec says so.</summary>
    /// <param name="spec">As the request gave it.</param>
    /// <param name="egressDirectories">Where <c>file:</c> addresses may be.</param>
    /// <returns>The pipeline as it is stored.</returns>
    public PipelineRecord Create(PipelineSpec spec, IReadOnlyList<string> egressDirectories)
    {
        PipelineName name = new(spec.Name);
        Pipeline? old = spec.Update ? records.FindPipeline(name)?.Pipeline ?? throw PipelineErrors.NotFound(name) : null;
        PipelineSpec complete = SpecDefaults.Complete(spec, now);
        if (old is not null && complete.Input is { } given)
        {
            complete = complete with { Input = KeepStarts(given, old.Input) };
        }
        Input input = SpecValidation.Check(complete, new RepoCatalog(writer));
        CheckHere(complete, input, egressDirectories);
        if (old is null && records.FindPipeline(name) is not null)
        {
            throw new PpsException(PpsErrorKind.AlreadyExists, $"pipeline {name} already exists");
        }
        Pipeline pipeline = old?.Update(complete, input, now) ?? Pipeline.Create(complete, input, now);
        PutRepos(pipeline);
        if (old is not null)
        {
            RetireBranch(old);
        }
        if (old is not null && pipeline.Salt == old.Salt && pipeline.Input == old.Input)
        {
            TakeOverJobs(pipeline);
        }
        else
        {
            EndJobs(name, $"pipeline {name} was {(old is null ? "created again" : $"updated to version {pipeline.Version}")}");
            records.PutPipeline(pipeline);
            records.ForgetTriggers(name);
            new CommitBacklog(writer, records, name).Exclude(records, input);
            PipelineTriggers.ArriveAll(writer, pipeline, now);
        }
        return records.FindPipeline(name)!;
    }

    // A cron whose start is the present, since the request gave none, goes on from where it began.
    private InputSpec KeepStarts(InputSpec input, Input old) => input with
    {
        Cron = input.Cron is { } cron && cron.Start == now
            ? cron with
            {
                Start = old.Leaves().OfType<CronInput>()
                    .FirstOrDefault(known => (known.Name, known.Repo, known.Spec) == (cron.Name, cron.Repo, cron.Spec))?.Start ?? now,
            }
            : input.Cron,
        Cross = input.Cross.Select(child => KeepStarts(child, old)).ToValueList(),
        Union = input.Union.Select(child => KeepStarts(child, old)).ToValueList(),
    };

    // What 1.5.3 does not check, and would find out too late.
    private static void CheckHere(PipelineSpec spec, Input input, IReadOnlyList<string> egressDirectories)
    {
        const string StatsBranch = "stats";
        _ = InputBranches.Of(input);
        if (!new BranchName(spec.OutputBranch).IsValid)
        {
            throw new PpsException(
                PpsErrorKind.InvalidArgument, $"output branch \"{spec.OutputBranch.Replace('\0', ' ')}\" is no valid name of a branch");
        }
        if (spec.EnableStats && spec.OutputBranch == StatsBranch)
        {
            throw new PpsException(PpsErrorKind.InvalidArgument, "output branch cannot be \"stats\", where statistics are committed to");
        }
        if (spec.Egress is { } egress)
        {
            EgressRules.Check(egress.Url, egressDirectories);
        }
    }

    /// <summary>
    /// Creates the repos of crons and the output repo. Those that exist stay, with what is in them; the provenance of the output repo
    /// becomes
    /// that of the pipeline, where 1.5.3 leaves the old one, so that a pipeline behind it would not know what belongs together.
    /// </summary>
    private void PutRepos(Pipeline pipeline)
    {
        RepoName output = new(pipeline.Name.Value);
        foreach (CronInput cron in pipeline.Input.Leaves().OfType<CronInput>())
        {
            if (repos.FindRepo(new RepoName(cron.Repo)) is null)
            {
                repos.CreateRepo(new RepoName(cron.Repo), [], $"Ticks of pipeline {pipeline.Name}.");
            }
        }
        if (repos.FindRepo(output) is null)
        {
            repos.CreateRepo(output, Sources(pipeline), "");
            return;
        }
        string[] before = [.. repos.FindRepo(output)!.Provenance.Select(static repo => repo.Value)];
        repos.SetProvenance(output, Sources(pipeline));
        if (!repos.FindRepo(output)!.Provenance.Select(static repo => repo.Value).ToHashSet(StringComparer.Ordinal).SetEquals(before))
        {
            RenewProvenance(output);
        }
    }

    /// <summary>
    /// Finds the provenance of everything behind a repo anew. What was taken out of it may still be behind these by another way.
    /// </summary>
    private void RenewProvenance(RepoName changed)
    {
        HashSet<string> behind = writer.ListReposWithProvenance(changed.Value).ToHashSet(StringComparer.Ordinal);
        List<Pipeline> open = [.. records.ListPipelines().Select(static record => record.Pipeline)
            .Where(pipeline => behind.Contains(pipeline.Name.Value))];
        while (open.Count > 0)
        {
            // Those first whose sources are done; there are no cycles.
            HashSet<string> undone = open.Select(static pipeline => pipeline.Name.Value).ToHashSet(StringComparer.Ordinal);
            Pipeline next = open.Find(pipeline => !pipeline.Input.Repos().Any(undone.Contains)) ?? open[0];
            open.Remove(next);
            if (repos.FindRepo(new RepoName(next.Name.Value)) is not null)
            {
                repos.SetProvenance(new RepoName(next.Name.Value), [.. Sources(next).Where(source => repos.FindRepo(source) is not null)]);
            }
        }
    }

    private void RetireBranch(Pipeline old)
    {
        RepoName repo = new(old.Name.Value);
        BranchName branch = new(old.Workload.OutputBranch);
        if (repos.FindHead(repo, branch) is { } head)
        {
            repos.MoveBranch(head, new BranchName(old.RetiredBranch));
            repos.DeleteBranch(repo, branch);
        }
    }

    /// <summary>
    /// Lets the jobs that have not ended belong to the new version: as in 1.5.3 they go on with its program, and the record says so. One
    /// whose output is committed has nothing left that a program does.
    /// </summary>
    private void TakeOverJobs(Pipeline pipeline)
    {
        IReadOnlyList<JobRecord> queue = records.ListQueue(pipeline.Name);
        JobCounts counts = queue.Aggregate(pipeline.JobCounts, static (counts, record) => counts.Move(null, record.Job.State));
        records.PutPipeline(pipeline with { JobCounts = counts });
        foreach (Job job in queue.Select(static record => record.Job).Where(static job => job.OutputCommit is null))
        {
            Job fresh = job.State == JobState.Running
                ? job.Restart($"pipeline {pipeline.Name} was updated to version {pipeline.Version}")
                : job;
            records.PutJob(fresh with { PipelineVersion = pipeline.Version, Workload = pipeline.Workload });
        }
    }

    private void EndJobs(PipelineName name, string reason)
    {
        Killed = [.. records.ListQueue(name).Select(record => record.Job.Kill(reason))];
        foreach (Job job in Killed)
        {
            records.PutJob(job);
        }
    }

    private static RepoName[] Sources(Pipeline pipeline) => [.. pipeline.Input.Repos().Select(static repo => new RepoName(repo))];
}
