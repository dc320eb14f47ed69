using System.Globalization;
using Pachyderm.Errors;
using Pachyderm.ObjectStores;

namespace Pachyderm.Storage.Maintenance;

/// <summary>
/// The lock that decides what becomes of packs: who removes some holds it, and so does who needs that none is removed meanwhile, in
/// whatever
/// process of this machine. It is a lock of the operating system on a file in the spool directory, and so ends with its holder, however
/// that
/// ends.
/// </summary>
public sealed class PackHold : IAsyncDisposable
{
    private const string LockName = "packs.hold";
    private const string HolderName = "packs.holder";
    private const int LongestHolder = 500;

    // errno of Linux and macOS for a lock that another holds, and the code of Windows.
    private const int WouldBlock = 11;
    private const int WouldBlockOnMac = 35;
    private const int WindowsSharingViolation = unchecked((int)0x80070020);

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

    private readonly FileStream _lock;

    private PackHold(FileStream held) => _lock = held;

    /// <summary>Takes the lock, and waits for it while another has it.</summary>
    /// <param name="spoolDirectory">The spool directory of the store; it exists.</param>
    /// <param name="purpose">What it is held for, for those who wait: <c>garbage collection</c>.</param>
    /// <param name="time">Clock of the pauses between attempts.</param>
    /// <param name="onWaiting">Told once, if it has to wait, who has the lock: <c>a backup (process 12 on host, since ...)</c>.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <exception cref="OperatorException"><c>storage-…</c>: the lock file cannot be made or opened.</exception>
    public static async Task<PackHold> AcquireAsync(
        string spoolDirectory, string purpose, TimeProvider time, Action<string>? onWaiting, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(spoolDirectory);
        ArgumentNullException.ThrowIfNull(time);
        bool told = false;
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (TryLock(spoolDirectory) is { } held)
            {
                NameHolder(spoolDirectory, purpose, time);
                return new PackHold(held);
            }

            if (!told)
            {
                onWaiting?.Invoke(ReadHolder(spoolDirectory));
                told = true;
            }

            await Task.Delay(Pause, time, cancellationToken);
        }
    }

    /// <summary>Lets go.</summary>
    public ValueTask DisposeAsync() => _lock.DisposeAsync();

    private static FileStream? TryLock(string directory)
    {
        string path = Path.Combine(directory, LockName);
        try
        {
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException exception) when (exception.HResult is WouldBlock or WouldBlockOnMac or WindowsSharingViolation)
        {
            return null;
        }
        catch (Exception exception) when (StorageErrors.IsStorageFailure(exception))
        {
            throw StorageErrors.Translate(exception, path);
        }
    }

    // In a file of its own, since the locked one cannot be read by others everywhere.
    private static void NameHolder(string directory, string purpose, TimeProvider time)
    {
        try
        {
            File.WriteAllText(Path.Combine(directory, HolderName), string.Create(
                CultureInfo.InvariantCulture,
                $"{purpose} (process {Environment.ProcessId} on {Environment.MachineName}, since "
                    + $"{time.GetUtcNow():yyyy-MM-dd HH:mm:ss}Z)"));
        }
        catch (Exception exception) when (StorageErrors.IsStorageFailure(exception))
        {
            // It is for people only; the lock is what counts.
        }
    }

    private static string ReadHolder(string directory)
    {
        try
        {
            string holder = File.ReadAllText(Path.Combine(directory, HolderName));
            return holder.Length is > 0 and <= LongestHolder && !holder.Any(char.IsControl) ? holder : "another process";
        }
        catch (Exception exception) when (StorageErrors.IsStorageFailure(exception))
        {
            return "another process";
        }
    }
}
