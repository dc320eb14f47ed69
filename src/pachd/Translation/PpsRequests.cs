using Google.Protobuf.WellKnownTypes;
using Pachyderm.Pps;
using Pachyderm.Pps.Specs;
using Pachyderm.Scheduling;

namespace Pachyderm.Pachd.Translation;

/// <summary>
/// From messages of <c>pps.API</c> to the domain. What a message leaves out stays missing, for the domain to refuse with the words of 1.5;
/// only what has no form in the domain is refused here.
/// </summary>
internal static class PpsRequests
{
    /// <summary>The pipeline.</summary>
    public static PipelineName Pipeline(Wire.Pps.Pipeline? pipeline) => new(pipeline?.Name ?? "");

    /// <summary>A pipeline that may be left out.</summary>
    public static PipelineName? PipelineOrNull(Wire.Pps.Pipeline? pipeline) =>
        string.IsNullOrEmpty(pipeline?.Name) ? null : Pipeline(pipeline);

    /// <summary>The job.</summary>
    public static JobId Job(Wire.Pps.Job? job) => new(job?.Id ?? "");

    /// <summary>A job that may be left out.</summary>
    public static JobId? JobOrNull(Wire.Pps.Job? job) => string.IsNullOrEmpty(job?.Id) ? null : Job(job);

    /// <summary>What the request says about a pipeline.</summary>
    /// <exception cref="PpsException">A duration or a time is out of range.</exception>
    public static PipelineSpec Spec(Wire.Pps.CreatePipelineRequest request) => new()
    {
        Name = request.Pipeline?.Name ?? "",
        Description = request.Description,
        Transform = request.Transform is { } transform ? Transform(transform) : null,
        Parallelism = request.ParallelismSpec is { } parallelism
            ? new ParallelismSpec(parallelism.Constant, parallelism.Coefficient)
            : null,
        Resources = request.ResourceSpec is { } resources ? new ResourceSpec(resources.Cpu, resources.Memory, resources.Gpu) : null,
        Input = request.Input is { } input ? Input(input) : null,
        LegacyInputs = request.Inputs.Select(Legacy).ToValueList(),
        OutputBranch = request.OutputBranch,
        Egress = request.Egress is { URL.Length: > 0 } egress ? new Egress(egress.URL) : null,
        ScaleDownThreshold = request.ScaleDownThreshold is { } threshold ? Time(threshold) : null,
        Incremental = request.Incremental,
        CacheSize = request.CacheSize,
        EnableStats = request.EnableStats,
        Batch = request.Batch,
        Update = request.Update,
        Reprocess = request.Reprocess,
    };

    /// <summary>What the request says about a job.</summary>
    /// <exception cref="PpsException">Both forms of input are set, or a time is out of range.</exception>
    public static JobRequest Job(Wire.Pps.CreateJobRequest request) => new(
        Pipeline(request.Pipeline),
        request.PipelineVersion,
        new Salt(request.Salt),
        SpecDefaults.Translate(
            request.Input is { } input ? Input(input) : null,
            request.Inputs.Select(static old => new LegacyInput(
                old.Name, old.Commit?.Repo?.Name ?? "", Branch: "", old.Glob, old.Lazy, FromCommit: "",
                old.Commit?.Id ?? "")).ToValueList()));

    /// <summary>Which lines of logs are wanted.</summary>
    public static LogQuery Logs(Wire.Pps.GetLogsRequest? request, bool follow) => request is null
        ? new LogQuery(null, null, [], Follow: follow)
        : new LogQuery(
            PipelineOrNull(request.Pipeline), JobOrNull(request.Job), request.DataFilters, request.InputFileId, request.Master, follow);

    // The parser of messages bounds how deep they may be.
    private static InputSpec Input(Wire.Pps.Input input) => new()
    {
        Atom = input.Atom is { } atom
            ? new AtomInput(atom.Name, atom.Repo, atom.Branch, atom.Commit, atom.Glob, atom.Lazy, atom.FromCommit)
            : null,
        Cross = input.Cross.Select(Input).ToValueList(),
        Union = input.Union.Select(Input).ToValueList(),
        Cron = input.Cron is { } cron
            ? new CronInput(cron.Name, cron.Repo, cron.Commit, cron.Spec, cron.Start is { } start ? Moment(start) : null)
            : null,
    };

    private static LegacyInput Legacy(Wire.Pps.PipelineInput input) => new(
        input.Name, input.Repo?.Name ?? "", input.Branch, input.Glob, input.Lazy, input.From?.Id ?? "");

    private static Transform Transform(Wire.Pps.Transform transform) => new()
    {
        Image = transform.Image,
        Cmd = transform.Cmd.ToValueList(),
        Env = Pps.Specs.Transform.SortEnv(transform.Env),
        Secrets = transform.Secrets.Select(static secret => new SecretMount(secret.Name, secret.MountPath)).ToValueList(),
        Stdin = transform.Stdin.ToValueList(),
        AcceptReturnCode = transform.AcceptReturnCode.ToValueList(),
        Debug = transform.Debug,
        ImagePullSecrets = transform.ImagePullSecrets.ToValueList(),
    };

    private static TimeSpan Time(Duration duration)
    {
        try
        {
            return duration.ToTimeSpan();
        }
        catch (InvalidOperationException exception)
        {
            throw new PpsException(PpsErrorKind.InvalidArgument, "scale_down_threshold is no valid duration", exception);
        }
    }

    private static DateTimeOffset Moment(Timestamp time)
    {
        try
        {
            return time.ToDateTimeOffset();
        }
        catch (Exception exception) when (exception is InvalidOperationException or ArgumentOutOfRangeException)
        {
            throw new PpsException(PpsErrorKind.InvalidArgument, "the start of a cron input is no valid time", exception);
        }
    }
}
