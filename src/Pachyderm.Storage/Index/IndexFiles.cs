using System.Globalization;
using Pachyderm.Errors;
using Pachyderm.ObjectStores;

namespace Pachyderm.Storage.Index;

/// <summary>The files of an index directory.</summary>
/// <param name="directory">The directory.</param>
internal sealed class IndexFiles(string directory)
{
    private const string RunSuffix = ".run";
    private long _lastRun;

    /// <summary>The directory.</summary>
    public string Directory => directory;

    /// <summary>Opens what is there.</summary>
    /// <param name="runs">The runs, newest first.</param>
    /// <param name="reason">Why what is there cannot be used; null if it can, or if there is nothing.</param>
    /// <returns>The manifest, or null if the index has to be built anew.</returns>
    public IndexManifest? TryOpen(List<IndexRun> runs, out string? reason)
    {
        reason = null;
        if (!File.Exists(IndexManifest.PathIn(directory)))
        {
            return null;
        }

        try
        {
            if (IndexManifest.Read(directory) is not { } manifest)
            {
                reason = "its manifest is damaged or of a later release";
                return null;
            }

            foreach (long run in manifest.Runs)
            {
                runs.Add(IndexRun.Open(PathOf(run)));
            }

            return manifest;
        }
        catch (Exception exception) when (exception is CorruptionException or FileNotFoundException)
        {
            reason = exception is CorruptionException corruption ? corruption.Problem : "a run is missing";
            runs.ForEach(static run => run.Dispose());
            runs.Clear();
            return null;
        }
    }

    /// <summary>Removes runs that the manifest does not name: those of a write that did not finish, or of an index given up.</summary>
    public void RemoveStrays(IEnumerable<long> known)
    {
        HashSet<long> keep = [.. known];
        foreach (string path in System.IO.Directory.EnumerateFiles(directory, "*" + RunSuffix))
        {
            if (long.TryParse(Path.GetFileNameWithoutExtension(path), NumberStyles.None, CultureInfo.InvariantCulture, out long number))
            {
                _lastRun = Math.Max(_lastRun, number);
                if (!keep.Contains(number))
                {
                    File.Delete(path);
                }
            }
        }
    }

    /// <summary>A path for a new run.</summary>
    public string NewRun() => PathOf(++_lastRun);

    /// <summary>The number in the manifest of a run's file.</summary>
    public static long NumberOf(string path) => long.Parse(Path.GetFileNameWithoutExtension(path), CultureInfo.InvariantCulture);

    /// <summary>Writes sorted entries as a run and opens it; it is durable, and unknown to the manifest.</summary>
    /// <returns>The run, or null if there was no entry.</returns>
    public IndexRun? WriteRun(IEnumerable<IndexEntry> entries, long capacity, CancellationToken cancellationToken)
    {
        string path = NewRun();
        bool done = false;
        try
        {
            long count = 0;
            using (IndexRunWriter writer = new(path, capacity))
            {
                foreach (IndexEntry entry in entries)
                {
                    if ((++count & 0xFFFF) == 0)
                    {
                        cancellationToken.ThrowIfCancellationRequested();
                    }

                    writer.Add(entry);
                }

                if (count == 0)
                {
                    return null;
                }

                writer.Complete();
            }

            DurableFiles.FlushDirectory(directory);
            IndexRun run = IndexRun.Open(path);
            done = true;
            return run;
        }
        finally
        {
            if (!done)
            {
                File.Delete(path);
            }
        }
    }

    private string PathOf(long run) => Path.Combine(directory, run.ToString("d12", CultureInfo.InvariantCulture) + RunSuffix);
}
