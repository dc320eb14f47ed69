using System.Diagnostics;
using System.Globalization;

namespace Pachyderm.Migration.Engine;

/// <summary>
/// Named points of a migration at which the crash tests end the process with SIGKILL. The environment variable
/// <c>PACHYDERM_KILL_AT</c> holds <c>NAME</c> for the first time that a point is reached, <c>NAME#K</c> for the K-th, or <c>*#K</c>
/// for the K-th point of any name. Without it a point costs one comparison. <c>PACHYDERM_TRACE_POINTS</c> names a file to which
/// every point's name is appended, so that a test knows them all.
/// </summary>
internal static class FaultPoints
{
    private static readonly string? KillAt = Environment.GetEnvironmentVariable("PACHYDERM_KILL_AT");
    private static readonly string? TraceFile = Environment.GetEnvironmentVariable("PACHYDERM_TRACE_POINTS");
    private static readonly Lock Gate = new();
    private static readonly Dictionary<string, int> Reached = new(StringComparer.Ordinal);
    private static int s_total;

    /// <summary>Says that the migration is at a point.</summary>
    public static void Reach(string name)
    {
        if (KillAt is null && TraceFile is null)
        {
            return;
        }

        lock (Gate)
        {
            int count = Reached[name] = Reached.GetValueOrDefault(name) + 1;
            s_total++;
            if (TraceFile is not null)
            {
                File.AppendAllText(TraceFile, name + "\n");
            }

            if (KillAt is not null && IsHit(KillAt, name, count))
            {
                using var self = Process.GetCurrentProcess();
                self.Kill();
                Thread.Sleep(Timeout.InfiniteTimeSpan);
            }
        }
    }

    private static bool IsHit(string wanted, string name, int count)
    {
        int mark = wanted.LastIndexOf('#');
        string wantedName = mark < 0 ? wanted : wanted[..mark];
        int wantedCount = mark < 0 ? 1 : int.Parse(wanted.AsSpan(mark + 1), CultureInfo.InvariantCulture);
        return wantedName == "*" ? s_total == wantedCount : wantedName == name && count == wantedCount;
    }
}
