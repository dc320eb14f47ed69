namespace Pachyderm.Migration.Engine;

/// <summary>
/// What a migration needs beside the stores until it is finalized or undone, below the backup repository: the copy of a live store's
/// metadata that records are converted from, the list of tags that were added, and the writes that an undo discards.
/// </summary>
internal sealed class WorkFolder(string backupRepository, string migrationId)
{
    private readonly string _path = Path.Combine(backupRepository, "work", migrationId);

    /// <summary>Copy of the source's metadata as an etcd snapshot.</summary>
    public string SourceCopy => Path.Combine(_path, "source.snap");

    /// <summary>Tags that the migration adds to the storage root, one a line: tag, space, object.</summary>
    public string TagsAdded => Path.Combine(_path, "tags-added.txt");

    /// <summary>Records that were written after the migration and that its undo discards.</summary>
    public string LaterWrites => Path.Combine(_path, "later-writes.txt");

    /// <summary>Makes the folder, for the owner's eyes only: metadata of an encrypted backup may lie here in the clear.</summary>
    public void Create()
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(_path);
        }
        else
        {
            Directory.CreateDirectory(_path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }

    /// <summary>
    /// Removes the copy of the source: after the stamp it is needed only for another verification or an undo, which restore it from the
    /// backup.
    /// Thus the metadata of an encrypted backup lie in the clear no longer than the migration runs.
    /// </summary>
    public void DropSourceCopy() => File.Delete(SourceCopy);

    /// <summary>Removes what is needed no more after an undo; the discarded writes stay, if there are any.</summary>
    public void DeleteImages()
    {
        if (File.Exists(LaterWrites) && new FileInfo(LaterWrites).Length > 0)
        {
            File.Delete(SourceCopy);
            File.Delete(TagsAdded);
        }
        else
        {
            Delete();
        }
    }

    /// <summary>Removes the folder.</summary>
    public void Delete()
    {
        if (Directory.Exists(_path))
        {
            Directory.Delete(_path, recursive: true);
        }
    }
}
