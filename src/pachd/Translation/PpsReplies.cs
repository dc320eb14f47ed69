using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Pachyderm.Pps;
using Pachyderm.Pps.Datums;
using Pachyderm.Pps.Jobs;
using Pachyderm.Pps.Pipelines;
using Pachyderm.Pps.Specs;
using Pachyderm.Scheduling;
using Pachyderm.Storage.Content;

namespace Pachyderm.Pachd.Translation;

/// <summary>From pipelines and jobs to messages.</summary>
internal static class PpsReplies
{
    /// <summary>The pipeline with its facts.</summary>
    public static Wire.Pps.PipelineInfo ToWire(this Pipeline pipeline)
    {
        Workload workload = pipeline.Workload;
        Wire.Pps.PipelineInfo info = new()
        {
            Pipeline = pipeline.Name.ToWire(),
            Transform = workload.Transform.ToWire(),
            CreatedAt = Timestamp.FromDateTimeOffset(pipeline.Created),
            State = (Wire.Pps.PipelineState)pipeline.State,
            RecentError = pipeline.RecentError,
            ParallelismSpec = workload.Parallelism.ToWire(),
            Version = pipeline.Version,
            Egress = workload.Egress.ToWire(),
            OutputBranch = workload.OutputBranch,
            Id = pipeline.LegacyId,
            ScaleDownThreshold = workload.ScaleDownThreshold is { } threshold ? Duration.FromTimeSpan(threshold) : null,
            ResourceSpec = workload.Resources.ToWire(),
            Input = pipeline.Input.ToWire(),
            Description = pipeline.Description,
            Incremental = workload.Incremental,
            CacheSize = workload.CacheSize,
            EnableStats = workload.EnableStats,
            Salt = pipeline.Salt.Value,
            Batch = workload.Batch,
        };
        foreach ((JobState state, int count) in pipeline.JobCounts.NonZero())
        {
            info.JobCounts.Add((int)state, count);
        }
        return info;
    }

    /// <summary>The job with its facts. Clients of 1.5 break if its measures are missing, so they are there from the beginning.</summary>
    /// <param name="job">The job.</param>
    /// <param name="workers">What workers do that are busy with it.</param>
    public static Wire.Pps.JobInfo ToWire(this Job job, IEnumerable<WorkerActivity>? workers = null)
    {
        Workload workload = job.Workload;
        return new Wire.Pps.JobInfo
        {
            Job = job.Id.ToWire(),
            Transform = workload.Transform.ToWire(),
            Pipeline = job.Pipeline.ToWire(),
            ParentJob = job.Parent?.ToWire(),
            Started = Timestamp.FromDateTimeOffset(job.Started),
            Finished = job.Finished is { } finished ? Timestamp.FromDateTimeOffset(finished) : null,
            OutputCommit = job.OutputCommit?.ToWire(),
            State = (Wire.Pps.JobState)job.State,
            ParallelismSpec = workload.Parallelism.ToWire(),
            PipelineVersion = job.PipelineVersion,
            Egress = workload.Egress.ToWire(),
            OutputBranch = workload.OutputBranch,
            OutputRepo = new Wire.Pfs.Repo { Name = job.Pipeline.Value },
            Restart = job.Restarts,
            DataProcessed = job.DataProcessed,
            DataTotal = job.DataTotal,
            WorkerStatus = { (workers ?? []).Select(ToWire) },
            ResourceSpec = workload.Resources.ToWire(),
            Input = job.Input.ToWire(),
            NewBranch = NewBranch(job),
            Incremental = workload.Incremental,
            StatsCommit = job.StatsCommit?.ToWire(),
            DataSkipped = job.DataSkipped,
            Stats = job.Stats.ToWire(),
            EnableStats = workload.EnableStats,
            Salt = job.Salt.Value,
            Batch = workload.Batch,
        };
    }

    /// <summary>The datum with what became of it.</summary>
    /// <param name="datum">The datum.</param>
    /// <param name="job">Its job.</param>
    /// <param name="statsCommit">The job's stats commit, if it has one.</param>
    public static Wire.Pps.DatumInfo ToWire(this DatumDetails datum, JobId job, CommitRef? statsCommit)
    {
        string id = datum.Id.ToString();
        return new Wire.Pps.DatumInfo
        {
            Datum = new Wire.Pps.Datum { Id = id, Job = job.ToWire() },
            State = (Wire.Pps.DatumState)datum.State,
            Stats = datum.Stats?.ToWire(),
            PfsState = statsCommit is { } commit ? new Wire.Pfs.File { Commit = commit.ToWire(), Path = $"/{id}/pfs" } : null,
            Data = { Files(datum.Datum.Parts) },
        };
    }

    /// <summary>The line of a log.</summary>
    public static Wire.Pps.LogMessage ToWire(this LogMessage line) => new()
    {
        PipelineName = line.Pipeline.Value,
        JobId = line.Job.Value,
        Data = { line.Files.Select(static file => File(file.Path, file.Hash)) },
        Ts = Timestamp.FromDateTimeOffset(line.Time),
        Message = line.Message,
        WorkerId = line.Worker,
        User = line.IsUser,
        InputFileId = line.DatumId,
        Master = line.IsMaster,
    };

    /// <summary>The pipeline's name.</summary>
    public static Wire.Pps.Pipeline ToWire(this PipelineName pipeline) => new() { Name = pipeline.Value };

    /// <summary>The job's identifier.</summary>
    public static Wire.Pps.Job ToWire(this JobId job) => new() { Id = job.Value };

    private static Wire.Pfs.Commit ToWire(this CommitRef commit) => new()
    {
        Repo = new Wire.Pfs.Repo { Name = commit.Repo },
        Id = commit.Id,
    };

    /// <summary>The measures.</summary>
    public static Wire.Pps.ProcessStats ToWire(this ProcessStats stats) => new()
    {
        DownloadTime = Duration.FromTimeSpan(stats.DownloadTime),
        ProcessTime = Duration.FromTimeSpan(stats.ProcessTime),
        UploadTime = Duration.FromTimeSpan(stats.UploadTime),
        DownloadBytes = (ulong)Math.Max(0, stats.DownloadBytes),
        UploadBytes = (ulong)Math.Max(0, stats.UploadBytes),
    };

    private static Wire.Pps.WorkerStatus ToWire(WorkerActivity worker) => new()
    {
        WorkerId = worker.Worker,
        JobId = worker.Job.Value,
        Data = { Files(worker.Datum) },
        Started = Timestamp.FromDateTimeOffset(worker.Started),
        QueueSize = worker.Queued,
    };

    // Clients take the branch apart from the input: which one the new commit was made on.
    private static Wire.Pfs.BranchInfo? NewBranch(Job job)
    {
        if (job.NewCommit is not { } commit)
        {
            return null;
        }
        Input? source = job.Input.Leaves().FirstOrDefault(leaf => leaf.Source() == commit);
        return new Wire.Pfs.BranchInfo
        {
            Name = source is AtomInput atom ? atom.Branch : CronInput.TickBranch,
            Head = commit.ToWire(),
        };
    }

    private static IEnumerable<Wire.Pps.InputFile> Files(ValueList<DatumPart> parts) =>
        parts.Select(static part => File(part.File.Path.IsRoot ? "" : part.File.Path.ToString(), part.File.Hash));

    private static Wire.Pps.InputFile File(string path, ChunkId hash) =>
        new() { Path = path, Hash = UnsafeByteOperations.UnsafeWrap(hash.ToArray()) };

    private static Wire.Pps.Transform ToWire(this Transform transform)
    {
        Wire.Pps.Transform message = new()
        {
            Image = transform.Image,
            Cmd = { transform.Cmd.Items },
            Secrets = { transform.Secrets.Select(
                static secret => new Wire.Pps.Secret { Name = secret.Name, MountPath = secret.MountPath }) },
            Stdin = { transform.Stdin.Items },
            AcceptReturnCode = { transform.AcceptReturnCode.Items },
            Debug = transform.Debug,
            ImagePullSecrets = { transform.ImagePullSecrets.Items },
        };
        foreach ((string name, string value) in transform.Env)
        {
            message.Env.Add(name, value);
        }
        return message;
    }

    private static Wire.Pps.Input ToWire(this Input input) => input switch
    {
        AtomInput atom => new Wire.Pps.Input
        {
            Atom = new Wire.Pps.AtomInput
            {
                Name = atom.Name,
                Repo = atom.Repo,
                Branch = atom.Branch,
                Commit = atom.Commit,
                Glob = atom.Glob,
                Lazy = atom.Lazy,
                FromCommit = atom.FromCommit,
            },
        },
        CronInput cron => new Wire.Pps.Input
        {
            Cron = new Wire.Pps.CronInput
            {
                Name = cron.Name,
                Repo = cron.Repo,
                Commit = cron.Commit,
                Spec = cron.Spec,
                Start = cron.Start is { } start ? Timestamp.FromDateTimeOffset(start) : null,
            },
        },
        CrossInput cross => new Wire.Pps.Input { Cross = { cross.Inputs.Select(ToWire) } },
        UnionInput union => new Wire.Pps.Input { Union = { union.Inputs.Select(ToWire) } },
        _ => throw new ArgumentOutOfRangeException(nameof(input)),
    };

    private static Wire.Pps.ParallelismSpec? ToWire(this ParallelismSpec? parallelism) =>
        parallelism is null ? null : new() { Constant = parallelism.Constant, Coefficient = parallelism.Coefficient };

    private static Wire.Pps.ResourceSpec? ToWire(this ResourceSpec? resources) =>
        resources is null ? null : new() { Cpu = resources.Cpu, Memory = resources.Memory, Gpu = resources.Gpu };

    private static Wire.Pps.Egress? ToWire(this Egress? egress) => egress is null ? null : new() { URL = egress.Url };
}
