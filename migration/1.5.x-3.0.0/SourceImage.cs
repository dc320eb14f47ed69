using Pachyderm.Errors;
using Pachyderm.Formats;
using Pachyderm.Migration.Survey;
using Pachyderm.Migration.Targets;
using Pachyderm.ObjectStores;
using Pachyderm.RecordStores.Snapshot;

namespace Pachyderm.Migration.Steps.Native;

/// <summary>
/// The records of the source as of one revision: the operator's snapshot, or one that is saved of a live etcd beside the data directory,
/// and
/// moved into it when the import begins.
/// </summary>
internal sealed class SourceImage : IDisposable
{
    private const string SavedName = "source.snap";

    private readonly string path;
    private bool isTemporary;

    private SourceImage(EtcdSnapshotFile file, string path, string location, bool isTemporary)
    {
        File = file;
        this.path = path;
        Location = location;
        this.isTemporary = isTemporary;
    }

    /// <summary>The records.</summary>
    public EtcdSnapshotFile File { get; }

    /// <summary>Whether a name in a data directory is that of a saved snapshot.</summary>
    public static bool Is(string name) => name == SavedName;

    /// <summary>Where they are from, for people.</summary>
    public string Location { get; }

    /// <summary>What runs around the store and could write to it.</summary>
    public IReadOnlyList<Finding> Findings { get; private init; } = [];

    /// <summary>Opens the records.</summary>
    /// <param name="address">Where they are; null for those of an import that goes on.</param>
    /// <param name="data">The data directory.</param>
    /// <param name="journal">The import that goes on, or null.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="OperatorException">They cannot be read.</exception>
    public static async Task<SourceImage> OpenAsync(
        StoreAddress? address, string data, ImportJournal? journal, TimeProvider time, CancellationToken cancellationToken)
    {
        if ((address?.Snapshot ?? journal?.Snapshot) is { } snapshot)
        {
            string full = Path.GetFullPath(snapshot);
            return new SourceImage(await OpenFileAsync(full, cancellationToken), full, $"snapshot {full}", isTemporary: false);
        }
        if (address is null)
        {
            throw new OperatorException("no-import", data, "no import was begun there", "name the source with --snapshot FILE");
        }
        await using IMigrationTarget target = await address.OpenTargetAsync(ClusterKeys.DefaultPfsPrefix, time, cancellationToken);
        string saved = data.TrimEnd(Path.DirectorySeparatorChar) + "." + SavedName;
        try
        {
            await using (FileStream file = new(saved, FileMode.Create, FileAccess.Write))
            {
                await target.SaveSourceAsync(file, cancellationToken);
                file.Flush(flushToDisk: true);
            }
            return new SourceImage(await OpenFileAsync(saved, cancellationToken), saved, target.Location, isTemporary: true)
            {
                Findings = await target.ExamineAsync(cancellationToken),
            };
        }
        catch (Exception exception) when (StorageErrors.IsStorageFailure(exception))
        {
            throw StorageErrors.Translate(exception, saved);
        }
    }

    /// <summary>Moves a saved snapshot into the data directory.</summary>
    /// <returns>Where it is now.</returns>
    public string Keep(string data)
    {
        if (!isTemporary)
        {
            return path;
        }
        string kept = Path.Combine(data, SavedName);
        System.IO.File.Move(path, kept, overwrite: true);
        DurableFiles.FlushDirectory(data);
        isTemporary = false;
        return kept;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        File.Dispose();
        if (isTemporary)
        {
            System.IO.File.Delete(path);
        }
    }

    private static Task<EtcdSnapshotFile> OpenFileAsync(string path, CancellationToken cancellationToken) =>
        EtcdSnapshotFile.OpenAsync(path, SnapshotIntegrity.VerifyHash, cancellationToken);
}
