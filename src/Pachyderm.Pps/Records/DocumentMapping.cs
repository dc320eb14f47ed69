using Pachyderm.Pps.Jobs;
using Pachyderm.Pps.Specs;

namespace Pachyderm.Pps.Records;

/// <summary>Between the domain and what is stored of it.</summary>
internal static class DocumentMapping
{
    public static InputDocument ToDocument(this Input input) => input switch
    {
        AtomInput atom => new()
        {
            Atom = new()
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
        CronInput cron => new()
        {
            Cron = new() { Name = cron.Name, Repo = cron.Repo, Commit = cron.Commit, Spec = cron.Spec, Start = cron.Start?.UtcTicks },
        },
        CrossInput cross => new() { Cross = [.. cross.Inputs.Select(ToDocument)] },
        UnionInput union => new() { Union = [.. union.Inputs.Select(ToDocument)] },
        _ => throw new ArgumentOutOfRangeException(nameof(input)),
    };

    /// <exception cref="FormatException">Not exactly one kind is set.</exception>
    public static Input ToInput(this InputDocument document) => document switch
    {
        { Atom: { } atom } => new AtomInput(atom.Name, atom.Repo, atom.Branch, atom.Commit, atom.Glob, atom.Lazy, atom.FromCommit),
        { Cron: { } cron } => new CronInput(cron.Name, cron.Repo, cron.Commit, cron.Spec, cron.Start is { } start ? Time(start) : null),
        { Cross: { Length: > 0 } cross } => new CrossInput(cross.Select(ToInput).ToValueList()),
        { Union: { Length: > 0 } union } => new UnionInput(union.Select(ToInput).ToValueList()),
        _ => throw new FormatException("an input is of no kind"),
    };

    public static WorkloadDocument ToDocument(this Workload workload)
    {
        Transform transform = workload.Transform;
        return new()
        {
            Image = transform.Image,
            Cmd = [.. transform.Cmd],
            Env = [.. transform.Env.Select(static variable => new[] { variable.Key, variable.Value })],
            Secrets = [.. transform.Secrets.Select(static secret => new[] { secret.Name, secret.MountPath })],
            Stdin = [.. transform.Stdin],
            AcceptReturnCode = [.. transform.AcceptReturnCode],
            Debug = transform.Debug,
            ImagePullSecrets = [.. transform.ImagePullSecrets],
            OutputBranch = workload.OutputBranch,
            Parallelism = workload.Parallelism is { } parallelism ? new(parallelism.Constant, parallelism.Coefficient) : null,
            Resources = workload.Resources is { } resources ? new(resources.Cpu, resources.Memory, resources.Gpu) : null,
            Egress = workload.Egress?.Url,
            ScaleDownThreshold = workload.ScaleDownThreshold?.Ticks,
            Incremental = workload.Incremental,
            CacheSize = workload.CacheSize,
            EnableStats = workload.EnableStats,
            Batch = workload.Batch,
        };
    }

    public static Workload ToWorkload(this WorkloadDocument document) => new(
        new Transform
        {
            Image = document.Image,
            Cmd = document.Cmd.ToValueList(),
            Env = document.Env.Select(static pair => KeyValuePair.Create(Pair(pair)[0], Pair(pair)[1])).ToValueList(),
            Secrets = document.Secrets.Select(static pair => new SecretMount(Pair(pair)[0], Pair(pair)[1])).ToValueList(),
            Stdin = document.Stdin.ToValueList(),
            AcceptReturnCode = document.AcceptReturnCode.ToValueList(),
            Debug = document.Debug,
            ImagePullSecrets = document.ImagePullSecrets.ToValueList(),
        },
        document.OutputBranch)
    {
        Parallelism = document.Parallelism is { } parallelism ? new(parallelism.Constant, parallelism.Coefficient) : null,
        Resources = document.Resources is { } resources ? new(resources.Cpu, resources.Memory, resources.Gpu) : null,
        Egress = document.Egress is { } url ? new(url) : null,
        ScaleDownThreshold = document.ScaleDownThreshold is { } ticks ? TimeSpan.FromTicks(ticks) : null,
        Incremental = document.Incremental,
        CacheSize = document.CacheSize,
        EnableStats = document.EnableStats,
        Batch = document.Batch,
    };

    public static CommitDocument? ToDocument(this CommitRef? commit) => commit is { } present ? new(present.Repo, present.Id) : null;

    public static CommitRef? ToCommit(this CommitDocument? document) => document is null ? null : new(document.Repo, document.Id);

    public static StatsDocument? ToDocument(this ProcessStats stats) => stats == default ? null : new()
    {
        Download = stats.DownloadTime.Ticks,
        Process = stats.ProcessTime.Ticks,
        Upload = stats.UploadTime.Ticks,
        DownloadBytes = stats.DownloadBytes,
        UploadBytes = stats.UploadBytes,
    };

    public static ProcessStats ToStats(this StatsDocument? document) => document is null ? default : new(
        TimeSpan.FromTicks(document.Download),
        TimeSpan.FromTicks(document.Process),
        TimeSpan.FromTicks(document.Upload),
        document.DownloadBytes,
        document.UploadBytes);

    /// <exception cref="FormatException">There is no such time.</exception>
    public static DateTimeOffset Time(long ticks) => ticks >= 0 && ticks <= DateTime.MaxValue.Ticks
        ? new DateTimeOffset(ticks, TimeSpan.Zero)
        : throw new FormatException($"there is no time {ticks}");

    private static string[] Pair(string[]? pair) => pair is { Length: 2 } ? pair : throw new FormatException("a pair has not two parts");
}
