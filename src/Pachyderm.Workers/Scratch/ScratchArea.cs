using System.Globalization;
using Pachyderm.Errors;

namespace Pachyderm.Workers.Scratch;

/// <summary>
/// The scratch directory of one worker: <c>SCRATCH/NAME-RANDOM/</c> with a lock that its process holds while it lives, so that whoever
/// starts next knows what is left over.
/// </summary>
internal sealed class ScratchArea : IAsyncDisposable
{
    private const string LockName = "lock";
    private readonly FileStream _lock;

    private ScratchArea(string directory, string id, FileStream @lock)
    {
        Directory = directory;
        Id = id;
        _lock = @lock;
    }

    /// <summary>Absolute path.</summary>
    internal string Directory { get; }

    /// <summary>Identifies the worker on this machine; its processes carry it in <c>PACH_WORKER</c>.</summary>
    internal string Id { get; }

    /// <summary>Makes the scratch directory of a worker.</summary>
    internal static ScratchArea Create(string scratchDirectory, string name)
    {
        string kept = new([.. name.Where(char.IsAsciiLetterOrDigit).Take(40)]);
        string id = string.Create(CultureInfo.InvariantCulture, $"{kept}-{Guid.NewGuid():n}");
        string directory = Path.Combine(Path.GetFullPath(scratchDirectory), id);
        CreateDirectory(directory);
        FileStream held = new(Path.Combine(directory, LockName), FileMode.CreateNew, FileAccess.Write, FileShare.None);
        return new ScratchArea(directory, id, held);
    }

    /// <summary>Removes what workers of processes that are gone have left.</summary>
    /// <param name="scratchDirectory">Holds the scratch directories of workers.</param>
    /// <param name="endProcesses">Ends the processes of a worker, before its files are removed.</param>
    /// <param name="cancellationToken">Ends it early.</param>
    internal static async Task RemoveLeftOversAsync(
        string scratchDirectory, Func<string, Task> endProcesses, CancellationToken cancellationToken)
    {
        CreateDirectory(scratchDirectory);
        foreach (string directory in System.IO.Directory.GetDirectories(scratchDirectory))
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                await using FileStream held = new(Path.Combine(directory, LockName), FileMode.Open, FileAccess.Write, FileShare.None);
                await endProcesses(Path.GetFileName(directory)).ConfigureAwait(false);
                ScratchRemoval.Remove(directory);
            }
            catch (FileNotFoundException)
            {
                throw new OperatorException("scratch-foreign", directory, "the scratch directory holds a directory that is no worker's",
                    "give the workers a scratch directory of their own");
            }
            catch (IOException) when (System.IO.Directory.Exists(directory))
            {
                // The lock is held: its worker lives.
                continue;
            }
        }
    }

    /// <summary>Makes a directory that only its owner can enter.</summary>
    internal static void CreateDirectory(string path) => System.IO.Directory.CreateDirectory(
        path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        try
        {
            ScratchRemoval.Remove(Directory);
        }
        finally
        {
            await _lock.DisposeAsync().ConfigureAwait(false);
        }
    }
}
