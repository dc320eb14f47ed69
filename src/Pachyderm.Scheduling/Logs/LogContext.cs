using Pachyderm.Storage.Content;

namespace Pachyderm.Scheduling;

/// <summary>What the lines of one datum on one worker have in common. Compared by reference.</summary>
/// <param name="worker">The worker; empty for lines of the scheduler.</param>
/// <param name="datum">The datum; null for lines that belong to none.</param>
/// <param name="isUser">Whether the program printed them.</param>
/// <param name="files">The files of the datum.</param>
internal sealed class LogContext(string worker, ChunkId? datum, bool isUser, IReadOnlyList<LogFile> files)
{
    /// <summary>Lines of the scheduler about a job.</summary>
    public static LogContext Master { get; } = new("", null, isUser: false, []);

    public string Worker => worker;

    public ChunkId? Datum => datum;

    public bool IsUser => isUser;

    public bool IsMaster => worker.Length == 0;

    public IReadOnlyList<LogFile> Files => files;
}
