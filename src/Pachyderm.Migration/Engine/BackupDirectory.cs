using Pachyderm.Migration.Survey;
using Pachyderm.ObjectStores;
using Pachyderm.RecordStores;

namespace Pachyderm.Migration.Engine;

/// <summary>Looks at the directory that a backup will be written to, before anything depends on it.</summary>
internal static class BackupDirectory
{
    /// <summary>What stands in the way of a backup there. Creates and changes nothing.</summary>
    public static FindingList Examine(string directory, RecordStoreStatus status)
    {
        FindingList findings = new();
        string? existing = Path.GetFullPath(directory);
        while (existing is not null && !Directory.Exists(existing))
        {
            if (File.Exists(existing))
            {
                findings.Add(
                    new Finding(
                        "backup-not-writable", FindingSeverity.Blocker, directory, $"{existing} is a file",
                        "name a directory with --backup"));
                return findings;
            }

            existing = Path.GetDirectoryName(existing);
        }

        if (!DurableFiles.IsWritable(existing!))
        {
            findings.Add(new Finding(
                "backup-not-writable", FindingSeverity.Blocker, directory, "there is no permission to write there",
                "name a directory of yours with --backup"));
            return findings;
        }

        // The backup, and the working copy of a live store beside it.
        long needed = status.SizeBytes * 2;
        long available = new DriveInfo(existing!).AvailableFreeSpace;
        if (available < needed)
        {
            findings.Add(new Finding(
                "backup-space", FindingSeverity.Blocker, directory, $"{needed} bytes may be needed and {available} are free",
                "free the disk, or name another directory with --backup"));
        }

        return findings;
    }
}
