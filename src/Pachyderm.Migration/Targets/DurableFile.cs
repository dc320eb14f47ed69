using Pachyderm.ObjectStores;

namespace Pachyderm.Migration.Targets;

/// <summary>Small files that must survive a power loss once written.</summary>
internal static class DurableFile
{
    /// <summary>Replaces a file, all of it or nothing, and returns when it is on disk.</summary>
    public static async Task WriteAsync(string path, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        string temporary = path + ".new";
        await using (FileStream file = new(temporary, FileMode.Create, FileAccess.Write, FileShare.None))
        {
            await file.WriteAsync(content, cancellationToken);
            file.Flush(flushToDisk: true);
        }

        File.Move(temporary, path, overwrite: true);
        SyncDirectoryOf(path);
    }

    /// <summary>Makes the names of a file's directory durable.</summary>
    public static void SyncDirectoryOf(string path) => DurableFiles.FlushDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
}
