using Microsoft.Extensions.Logging;

namespace Pachyderm.Scheduling;

/// <summary>What an operator should know about jobs that run.</summary>
internal static partial class RunningLog
{
    [LoggerMessage(EventId = 100, Level = LogLevel.Warning, Message = "The log of job {Job} could not be stored: lines are missing")]
    public static partial void LogNotStored(ILogger logger, string job, Exception exception);

    [LoggerMessage(
        EventId = 101, Level = LogLevel.Warning,
        Message = "The result {Tag} of an older release cannot be used; the datum is processed again: {Problem}")]
    public static partial void ResultUnusable(ILogger logger, string tag, string problem);
}
