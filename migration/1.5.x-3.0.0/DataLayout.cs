using Pachyderm.Errors;
using Pachyderm.Formats.Content;
using Pachyderm.Migration.Reports;
using Pachyderm.Migration.Survey;
using Pachyderm.ObjectStores;
using Pachyderm.Pfs;

namespace Pachyderm.Migration.Steps.Native;

/// <summary>What is in a data directory, and what may be removed of it.</summary>
internal static class DataLayout
{
    // Nodes and records, as measured: see README.md.
    private const long BytesOfRecord = 4_096;

    private static readonly string[] Directories = ["spool", "index", "objects", "scratch", "extract", "restore"];
    private static readonly string[] Files =
        ["metadata.db", "metadata.db-wal", "metadata.db-shm", "metadata.db.lock", "metadata.db.creating", "adopted.json", "source.snap"];

    /// <summary>What stands in the way of an import into a directory that has none; null if nothing does.</summary>
    public static Finding? FindObstacle(string data)
    {
        if (File.Exists(data))
        {
            return new Finding("data-not-directory", FindingSeverity.Blocker, data, "it is a file", "name a new directory with --data");
        }
        if (!Directory.Exists(data))
        {
            return null;
        }
        if (DataStores.IsStamped(data))
        {
            return new Finding(
                "data-not-empty", FindingSeverity.Blocker, data, "it holds the data of a pachd, and nothing is merged into that",
                "name a new directory with --data");
        }
        string[] others = [.. Directory.EnumerateFileSystemEntries(data)
            .Select(path => Path.GetFileName(path)!)
            .Where(name => !DirectoryFence.Is(name) && !SourceImage.Is(name))
            .Take(1)];
        return others.Length == 0
            ? null
            : new Finding(
                "data-not-empty", FindingSeverity.Blocker, data, $"it is not empty, and not of an import ({others[0]} is in it)",
                "name a new or empty directory with --data");
    }

    /// <summary>How much space an import takes at most, and how much there is.</summary>
    public static async Task<SpaceSummary> ForecastAsync(string data, SourceCluster source, bool copy, CancellationToken cancellationToken)
    {
        long needed = source.Inventory.Bytes + (source.Inventory.RecordCount * BytesOfRecord);
        if (copy)
        {
            await foreach (ContentObject found in source.Content.ListObjectsAsync(cancellationToken))
            {
                needed += found.SizeBytes;
            }
        }
        string existing = data;
        while (!Directory.Exists(existing) && Path.GetDirectoryName(existing) is { } parent)
        {
            existing = parent;
        }
        return new SpaceSummary(needed, new DriveInfo(existing).AvailableFreeSpace, $"the file system of {existing}");
    }

    /// <summary>Removes the stores, and leaves everything else alone.</summary>
    /// <exception cref="OperatorException">The disk refuses.</exception>
    public static void Remove(string data)
    {
        try
        {
            foreach (string file in Files)
            {
                File.Delete(Path.Combine(data, file));
            }
            foreach (string directory in Directories.Select(name => Path.Combine(data, name)).Where(Directory.Exists))
            {
                Directory.Delete(directory, recursive: true);
            }
            DurableFiles.FlushDirectory(data);
        }
        catch (Exception exception) when (StorageErrors.IsStorageFailure(exception))
        {
            throw StorageErrors.Translate(exception, data);
        }
    }
}
