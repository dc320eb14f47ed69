namespace Pachyderm.Migration.Journal;

/// <summary>Who holds the fence of a store.</summary>
/// <param name="MigrationId">The migration that it belongs to.</param>
/// <param name="User">User name of the operator.</param>
/// <param name="Host">Name of the operator's machine.</param>
/// <param name="ProcessId">Process on that machine.</param>
/// <param name="ProcessStarted">When that process started, so that a later process of the same number is not mistaken for it.</param>
/// <param name="Epoch">Counts the holders of this fence; a later holder has a higher one.</param>
/// <param name="Since">When the fence was taken.</param>
public sealed record FenceHolder(
    string MigrationId, string User, string Host, int ProcessId, DateTimeOffset ProcessStarted, long Epoch, DateTimeOffset Since)
{
    /// <summary>Describes the running process.</summary>
    public static FenceHolder ThisProcess(string migrationId, long epoch, TimeProvider time)
    {
        using var process = System.Diagnostics.Process.GetCurrentProcess();
        return new FenceHolder(
            migrationId, Environment.UserName, Environment.MachineName, process.Id, StartOf(process), epoch, time.GetUtcNow());
    }

    /// <summary>Whether the holder ran on this machine and is known to have ended: its fence may be taken over at once.</summary>
    public bool HasEndedHere()
    {
        if (Host != Environment.MachineName)
        {
            return false;
        }

        try
        {
            using var process = System.Diagnostics.Process.GetProcessById(ProcessId);

            // Start times are read from the kernel in clock ticks; a second's difference is another process.
            return (StartOf(process) - ProcessStarted).Duration() > TimeSpan.FromSeconds(1);
        }
        catch (ArgumentException)
        {
            return true;
        }
    }

    /// <inheritdoc/>
    public override string ToString() => $"{User}@{Host}, process {ProcessId}, since {Since:u}";

    private static DateTimeOffset StartOf(System.Diagnostics.Process process) => new(process.StartTime.ToUniversalTime(), TimeSpan.Zero);
}
