using Pachyderm.Wire.Pps;
using Spectre.Console;

namespace Pachyderm.Pachctl.Pps;

/// <summary>States as tables show them: a word, and on a terminal its colour.</summary>
internal static class States
{
    private const string Green = "\x1b[32m";
    private const string Red = "\x1b[31m";
    private const string Yellow = "\x1b[33m";
    private const string Plain = "\x1b[0m";

    /// <summary>The state of a pipeline.</summary>
    public static string Of(PipelineState state) => state switch
    {
        PipelineState.PipelineStarting => "starting",
        PipelineState.PipelineRunning => "running",
        PipelineState.PipelineRestarting => "restarting",
        PipelineState.PipelineFailure => "failure",
        PipelineState.PipelinePaused => "paused",
        _ => "-",
    };

    /// <summary>The state of a job.</summary>
    public static string Of(JobState state) => state switch
    {
        JobState.JobStarting => "starting",
        JobState.JobRunning => "running",
        JobState.JobFailure => "failure",
        JobState.JobSuccess => "success",
        JobState.JobKilled => "killed",
        _ => "-",
    };

    /// <summary>The state of a datum; of one that was not processed yet a dash.</summary>
    public static string Of(DatumState state) => state switch
    {
        DatumState.Failed => "failed",
        DatumState.Success => "success",
        DatumState.Skipped => "skipped",
        _ => "-",
    };

    /// <summary>Whether a job has ended.</summary>
    public static bool IsTerminal(JobState state) => state is JobState.JobFailure or JobState.JobSuccess or JobState.JobKilled;

    /// <summary>Whether colours are wanted: a terminal that has them, and nobody who asked for none (no-color.org).</summary>
    public static bool HasColours { get; } =
        !Console.IsOutputRedirected
            && AnsiConsole.Profile.Capabilities.Ansi
            && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"));

    /// <summary>Colours the state of a pipeline, for which running is well.</summary>
    public static string PaintPipeline(string state) => state == "running" ? Green + state + Plain : Paint(state);

    /// <summary>Colours the state of a job or datum.</summary>
    public static string Paint(string state) => state switch
    {
        "success" => Green + state + Plain,
        "failure" or "failed" => Red + state + Plain,
        "starting" or "running" or "restarting" or "paused" or "killed" or "skipped" => Yellow + state + Plain,
        _ => state,
    };
}
