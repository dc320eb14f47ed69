using System.IO.Enumeration;

namespace Pachyderm.Workers.Resources;

/// <summary>Bounds what a command that runs writes to disk.</summary>
internal static class DiskUse
{
    private const long BytesPerEntry = 1024;

    private static readonly EnumerationOptions Everything =
        new() { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.None, IgnoreInaccessible = true };

    /// <summary>
    /// Looks at directories again and again until one of the bounds is passed, and says so in one line; null when it is cancelled, which
    /// happens for each datum and is therefore no exception.
    /// </summary>
    internal static async Task<string?> WatchAsync(WorkerOptions options, IReadOnlyList<string> directories, CancellationToken cancellationToken)
    {
        DriveInfo? drive = null;
        TimeSpan pause = options.DiskCheckInterval;
        while (true)
        {
            await Task.Delay(pause, options.Time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (cancellationToken.IsCancellationRequested)
            {
                return null;
            }

            drive ??= new DriveInfo(options.ScratchDirectory);
            if (drive.AvailableFreeSpace < options.FreeSpaceReserve)
            {
                return $"the disk of the scratch directory has less than {options.FreeSpaceReserve} bytes left";
            }

            if (options.MaxScratchBytes is { } most)
            {
                long start = options.Time.GetTimestamp();
                if (directories.Sum(directory => Measure(directory, cancellationToken)) > most)
                {
                    return Exceeded(most);
                }

                // A tenth of a core at most goes into looking.
                TimeSpan taken = options.Time.GetElapsedTime(start) * 10;
                pause = taken > options.DiskCheckInterval ? taken : options.DiskCheckInterval;
            }
        }
    }

    /// <summary>The reason for a datum that wrote more than it may.</summary>
    internal static string Exceeded(long most) =>
        $"it wrote more than {most} bytes to /pfs/out and its temporary directories";

    /// <summary>What the entries of a directory count. User code may change them meanwhile: what cannot be looked at counts nothing.</summary>
    internal static long Measure(string directory, CancellationToken cancellationToken)
    {
        using SizeEnumerator sizes = new(directory);
        long sum = 0;
        while (sizes.MoveNext())
        {
            cancellationToken.ThrowIfCancellationRequested();
            sum += sizes.Current;
        }

        return sum;
    }

    private sealed class SizeEnumerator(string directory) : FileSystemEnumerator<long>(directory, Everything)
    {
        protected override long TransformEntry(ref FileSystemEntry entry) => (entry.IsDirectory ? 0 : entry.Length) + BytesPerEntry;

        protected override bool ShouldRecurseIntoEntry(ref FileSystemEntry entry) =>
            !entry.Attributes.HasFlag(FileAttributes.ReparsePoint);

        protected override bool ContinueOnError(int error) => true;
    }
}
