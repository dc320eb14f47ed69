using System.Diagnostics;
using Pachyderm.Errors;

namespace Pachyderm.Backup;

/// <summary>
/// Who is writing a backup: <c>backups/&lt;name&gt;/claim</c>, put before everything else and only if it does not exist, and deleted after
/// the manifest is there. It is the lock of the name, and tells an unfinished backup of a live process from one that was killed.
/// </summary>
internal sealed record BackupClaim(string Id, string Host, int ProcessId, DateTimeOffset ProcessStarted, DateTimeOffset Time)
{
    // What another host does cannot be seen from here, so its claims are left alone for this long.
    public static readonly TimeSpan ForeignLifetime = TimeSpan.FromHours(48);

    public static BackupClaim OfThisProcess(TimeProvider time)
    {
        using Process process = Process.GetCurrentProcess();
        return new BackupClaim(
            Guid.NewGuid().ToString("N"), Environment.MachineName, Environment.ProcessId, StartOf(process), time.GetUtcNow());
    }

    /// <summary>Whether the writer may still be at work.</summary>
    public bool IsLive(TimeProvider time)
    {
        if (!string.Equals(Host, Environment.MachineName, StringComparison.Ordinal))
        {
            return time.GetUtcNow() - Time < ForeignLifetime;
        }

        try
        {
            using Process process = Process.GetProcessById(ProcessId);
            return (StartOf(process) - ProcessStarted).Duration() < TimeSpan.FromSeconds(2);
        }
        catch (Exception exception) when (exception is ArgumentException or InvalidOperationException)
        {
            return false;
        }
    }

    public OperatorException Refusal(string name) => new(
        "backup-in-progress",
        $"backup {name}",
        $"process {ProcessId} on {Host} has been writing it since {Time:yyyy-MM-dd HH:mm:ss}Z",
        "wait for it, or choose another name");

    private static DateTimeOffset StartOf(Process process) => new(process.StartTime.ToUniversalTime(), TimeSpan.Zero);
}
