using Pachyderm.Pps;
using Pachyderm.Pps.Jobs;
using Pachyderm.Pps.Pipelines;
using Pachyderm.Pps.Specs;
using Old = Pachyderm.Formats.V1_5;

namespace Pachyderm.Migration.Steps.Native;

/// <summary>From pipelines and jobs of 1.5 to those of this release.</summary>
internal static class PpsMapping
{
    private const int MaxInputDepth = InputSpec.MaxDepth;

    /// <summary>The pipeline. Its capability is left out, since this release has no authentication.</summary>
    /// <exception cref="UnmappableRecordException">It has something that this release has no place for.</exception>
    public static Pipeline Pipeline(Old.PipelineInfo old) => new(
        new PipelineName(OldText.Of(old.Pipeline.Name)),
        old.Version,
        new Salt(OldText.Of(old.Salt)),
        OldText.Moment(old.CreatedAt) ?? DateTimeOffset.UnixEpoch,
        InputOf(old.Input),
        new Workload(TransformOf(old.Transform), OldText.Of(old.OutputBranch))
        {
            Parallelism = ParallelismOf(old.ParallelismSpec),
            Resources = ResourcesOf(old.ResourceSpec),
            Egress = EgressOf(old.Egress),
            ScaleDownThreshold = OldText.Span(old.ScaleDownThreshold),
            Incremental = old.Incremental,
            CacheSize = OldText.Of(old.CacheSize),
            EnableStats = old.EnableStats,
            Batch = old.Batch,
        })
    {
        Description = OldText.Of(old.Description),
        State = (PipelineState)old.State,
        JobCounts = CountsOf(old),
        RecentError = OldText.Of(old.RecentError),
        LegacyId = OldText.Of(old.Id),
    };

    /// <summary>The job.</summary>
    /// <exception cref="UnmappableRecordException">It has something that this release has no place for.</exception>
    public static Job Job(Old.JobInfo old)
    {
        Workload workload = new(TransformOf(old.Transform), OldText.Of(old.OutputBranch))
        {
            Parallelism = ParallelismOf(old.ParallelismSpec),
            Resources = ResourcesOf(old.ResourceSpec),
            Egress = EgressOf(old.Egress),
            Incremental = old.Incremental,
            EnableStats = old.EnableStats,
            Batch = old.Batch,
        };
        Job job = new(
            new JobId(OldText.Of(old.Job.Id)),
            new PipelineName(old.Pipeline is { } pipeline ? OldText.Of(pipeline.Name) : ""),
            old.PipelineVersion,
            new Salt(OldText.Of(old.Salt)),
            InputOf(old.Input),
            workload,
            OldText.Moment(old.Started) ?? DateTimeOffset.UnixEpoch)
        {
            NewCommit = CommitOf(old.NewBranch?.Head),
            Parent = old.ParentJob is { Id.IsEmpty: false } parent ? new JobId(OldText.Of(parent.Id)) : null,
        };
        return Pps.Jobs.Job.Restore(
            job,
            (JobState)old.State,
            new JobProgress(old.DataTotal, old.DataProcessed, old.DataSkipped, StatsOf(old.Stats)),
            new JobOutcome(
                old.Restart, OldText.Moment(old.Finished), CommitOf(old.OutputCommit), CommitOf(old.StatsCommit), Reason: ""));
    }

    private static Input InputOf(Old.Input? old)
    {
        try
        {
            return old is null
                ? throw new UnmappableRecordException("it has no input")
                : SpecOf(old, 1).ToInput();
        }
        catch (PpsException exception)
        {
            throw new UnmappableRecordException(exception.Message);
        }
    }

    private static InputSpec SpecOf(Old.Input old, int depth) => depth > MaxInputDepth
        ? throw new UnmappableRecordException($"its inputs are nested deeper than {MaxInputDepth} levels")
        : new InputSpec
        {
            Atom = old.Atom is { } atom
                ? new AtomInput(
                    OldText.Of(atom.Name), OldText.Of(atom.Repo), OldText.Of(atom.Branch), OldText.Of(atom.Commit), OldText.Of(atom.Glob),
                    atom.Lazy, OldText.Of(atom.FromCommit))
                : null,
            Cross = old.Cross.Select(child => SpecOf(child, depth + 1)).ToValueList(),
            Union = old.Union.Select(child => SpecOf(child, depth + 1)).ToValueList(),
            Cron = old.Cron is { } cron
                ? new CronInput(
                    OldText.Of(cron.Name), OldText.Of(cron.Repo), OldText.Of(cron.Commit), OldText.Of(cron.Spec),
                    OldText.Moment(cron.Start))
                : null,
        };

    private static Transform TransformOf(Old.Transform? old)
    {
        if (old is null)
        {
            return new Transform();
        }
        // A name that occurs twice has its last value, as in a map.
        SortedDictionary<string, string> env = new(StringComparer.Ordinal);
        foreach (Old.Transform.Types.EnvEntry variable in old.Env)
        {
            env[OldText.Of(variable.Key)] = OldText.Of(variable.Value);
        }
        return new Transform
        {
            Image = OldText.Of(old.Image),
            Cmd = old.Cmd.Select(OldText.Of).ToValueList(),
            Env = Transform.SortEnv(env),
            Secrets = old.Secrets.Select(static secret => new SecretMount(OldText.Of(secret.Name), OldText.Of(secret.MountPath)))
                .ToValueList(),
            Stdin = old.Stdin.Select(OldText.Of).ToValueList(),
            AcceptReturnCode = old.AcceptReturnCode.ToValueList(),
            Debug = old.Debug,
            ImagePullSecrets = old.ImagePullSecrets.Select(OldText.Of).ToValueList(),
        };
    }

    private static ParallelismSpec? ParallelismOf(Old.ParallelismSpec? old) => old is null ? null : new(old.Constant, old.Coefficient);

    private static ResourceSpec? ResourcesOf(Old.ResourceSpec? old) => old is null ? null : new(old.Cpu, OldText.Of(old.Memory), old.Gpu);

    private static Egress? EgressOf(Old.Egress? old) => old is null ? null : new(OldText.Of(old.URL));

    private static CommitRef? CommitOf(Old.Commit? old) =>
        old?.Repo is { } repo ? new CommitRef(OldText.Of(repo.Name), OldText.Of(old.Id)) : null;

    private static ProcessStats StatsOf(Old.ProcessStats? old) => old is null ? default : new(
        OldText.Span(old.DownloadTime) ?? TimeSpan.Zero,
        OldText.Span(old.ProcessTime) ?? TimeSpan.Zero,
        OldText.Span(old.UploadTime) ?? TimeSpan.Zero,
        (long)Math.Min(old.DownloadBytes, long.MaxValue),
        (long)Math.Min(old.UploadBytes, long.MaxValue));

    private static JobCounts CountsOf(Old.PipelineInfo old)
    {
        try
        {
            return JobCounts.From(old.JobCounts.Select(static count => KeyValuePair.Create((JobState)count.Key, count.Value)));
        }
        catch (ArgumentOutOfRangeException)
        {
            throw new UnmappableRecordException("it counts jobs of a state that there is not");
        }
    }
}
