using Microsoft.Extensions.Logging;

namespace Pachyderm.Scheduling;

/// <summary>What is logged of pipelines: events 100 to 199.</summary>
internal static partial class PipelineLog
{
    /// <summary>The feed could not be read, or what follows from it not be written.</summary>
    [LoggerMessage(100, LogLevel.Error, "commits do not trigger jobs at present; this is tried again")]
    public static partial void TriggersFailed(this ILogger logger, Exception exception);

    /// <summary>A job begins again.</summary>
    [LoggerMessage(101, LogLevel.Warning, "job {Job} of pipeline {Pipeline} begins again: {Reason}")]
    public static partial void JobRestarts(this ILogger logger, string job, string pipeline, string reason, Exception exception);

    /// <summary>A pipeline gave up.</summary>
    [LoggerMessage(102, LogLevel.Error, "pipeline {Pipeline} fails, since its workers cannot be started: {Reason}")]
    public static partial void PipelineFails(this ILogger logger, string pipeline, string reason);

    /// <summary>A runner could not read or write records.</summary>
    [LoggerMessage(103, LogLevel.Error, "pipeline {Pipeline} cannot go on at present; this is tried again")]
    public static partial void PipelineHindered(this ILogger logger, Exception exception, string pipeline);

    /// <summary>A tick could not be committed.</summary>
    [LoggerMessage(104, LogLevel.Error, "cron {Cron} of pipeline {Pipeline} cannot tick at present; this is tried again")]
    public static partial void TickFailed(this ILogger logger, Exception exception, string cron, string pipeline);
}
