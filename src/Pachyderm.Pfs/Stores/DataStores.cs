using Pachyderm.Errors;
using Pachyderm.Metadata.Sqlite;
using Pachyderm.ObjectStores;
using Pachyderm.Storage.Adoption;
using Pachyderm.Storage.Maintenance;
using Pachyderm.Storage.Packs;

namespace Pachyderm.Pfs;

/// <summary>
/// The stores in a data directory: <c>format.json</c>, <c>metadata.db</c>, <c>spool/</c> with packs that are not sealed, <c>index/</c>,
/// and <c>objects/</c> with sealed packs. What came from an older release has <c>import.json</c> besides, and <c>adopted.json</c> if its
/// objects are used where they are.
/// </summary>
public sealed class DataStores : IAsyncDisposable
{
    /// <summary>
    /// The journal of an import from an older release. Where it is and <c>format.json</c> is not, the import has not ended, and the data is
    /// not to be served.
    /// </summary>
    public const string ImportJournal = "import.json";

    /// <summary>The name by which adopted packs refer to the object store of the cluster that was imported.</summary>
    public const string AdoptedName = "imported";

    // Written by `pachctl backup restore`, and removed when what it wrote is proved.
    private const string UnfinishedRestore = "RESTORE-UNFINISHED";

    private DataStores(SqliteMetadataStore metadata, PackChunkStore chunks, OperatorException? writeRefusal)
    {
        Metadata = metadata;
        Chunks = chunks;
        WriteRefusal = writeRefusal;
    }

    /// <summary>The records.</summary>
    public SqliteMetadataStore Metadata { get; }

    /// <summary>The content.</summary>
    public PackChunkStore Chunks { get; }

    /// <summary>Why writes are refused; null if they are not.</summary>
    public OperatorException? WriteRefusal { get; }

    /// <summary>Opens the stores to serve them, and creates them in a directory that is new or empty.</summary>
    /// <param name="data">The data directory.</param>
    /// <param name="readOnly">Whether nothing may be changed.</param>
    /// <param name="onFinding">Told what a person should know of stored content; null for nobody.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="OperatorException">
    /// One line for the operator: in use, no permission, a full disk, a format that cannot be read, an import that has not ended.
    /// </exception>
    public static async Task<DataStores> OpenAsync(
        string data, bool readOnly, Action<StorageFinding>? onFinding, CancellationToken cancellationToken)
    {
        RefuseUnfinishedRestore(data);
        int? format = FormatFile.Read(data);
        if (format is null && File.Exists(Path.Combine(data, ImportJournal)))
        {
            throw new OperatorException(
                "import-unfinished", data, "an import from an older release into it has not ended",
                "run the same `pachctl migrate` again, which goes on where it stopped, or drop it with `pachctl migrate undo --data DIR`");
        }
        OperatorException? refusal = FindRefusal(data, readOnly, format);
        if (refusal is null)
        {
            Prepare(data);
        }
        // In a new directory everything is missing, which is nothing to tell.
        DataStores stores = await OpenAsync(data, refusal, format is null ? null : onFinding, cancellationToken);
        // Last, so that a directory with a stamp has everything in it.
        if (stores.WriteRefusal is null && format is null)
        {
            try
            {
                FormatFile.Write(data);
            }
            catch
            {
                await stores.DisposeAsync();
                throw;
            }
        }
        return stores;
    }

    /// <summary>
    /// Opens the stores for an import, and creates them if they are missing. They are not stamped: <see cref="Stamp"/> is the last act.
    /// </summary>
    /// <param name="data">The data directory.</param>
    /// <param name="adopted">The storage root whose objects are used where they are; null if they are copied.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="OperatorException">One line for the operator.</exception>
    public static Task<DataStores> OpenForImportAsync(string data, string? adopted, CancellationToken cancellationToken)
    {
        Prepare(data);
        if (adopted is not null)
        {
            AdoptionFile.Set(data, new AdoptionPlace(AdoptedName, adopted));
        }
        return OpenAsync(data, refusal: null, onFinding: null, cancellationToken);
    }

    /// <summary>
    /// Lets garbage collection forget the objects of the adopted storage root in which nothing is needed any more. Nothing happens if all
    /// of
    /// them are forgotten already.
    /// </summary>
    /// <param name="data">The data directory, which nobody has open.</param>
    /// <exception cref="OperatorException">It cannot be written.</exception>
    public static void ReleaseAdopted(string data)
    {
        // Where the file says that it is, since somebody may have moved it.
        if (AdoptionFile.Read(data).FirstOrDefault(static place => place.Name == AdoptedName) is { } adopted)
        {
            AdoptionFile.Set(data, adopted with { Released = true });
        }
    }

    /// <summary>Whether the directory has data that may be served.</summary>
    /// <exception cref="OperatorException">Its format is too new to be read, or damaged.</exception>
    public static bool IsStamped(string data) => FormatFile.Read(data) is not null;

    /// <summary>Says that the directory has everything that belongs to it, durably.</summary>
    /// <exception cref="OperatorException">It cannot be written.</exception>
    public static void Stamp(string data) => FormatFile.Write(data);

    /// <summary>Takes the stamp away, durably, before what it vouches for is removed.</summary>
    public static void RemoveStamp(string data) => FormatFile.Delete(data);

    /// <summary>Seals the open pack and closes everything.</summary>
    public async ValueTask DisposeAsync()
    {
        await Chunks.DisposeAsync();
        await Metadata.DisposeAsync();
    }

    private static async Task<DataStores> OpenAsync(
        string data, OperatorException? refusal, Action<StorageFinding>? onFinding, CancellationToken cancellationToken)
    {
        SqliteMetadataStore metadata = await SqliteMetadataStore.OpenAsync(
            new SqliteMetadataOptions { Path = Path.Combine(data, "metadata.db"), ReadOnly = refusal is not null }, cancellationToken);
        try
        {
            if (refusal is null && metadata.Format != FormatFile.Current)
            {
                refusal = FormatFile.Refusal(data, metadata.Format, "write");
            }
            PackChunkStore chunks = await PackChunkStore.OpenAsync(
                new PackStoreOptions
                {
                    Objects = new LocalObjectStore(Path.Combine(data, "objects")),
                    SpoolDirectory = Path.Combine(data, "spool"),
                    IndexDirectory = Path.Combine(data, "index"),
                    AdoptedFrom = AdoptionFile.Open(data),
                    ReadOnly = refusal is not null,
                    OnFinding = onFinding,
                },
                cancellationToken);
            return new DataStores(metadata, chunks, refusal);
        }
        catch
        {
            await metadata.DisposeAsync();
            throw;
        }
    }

    private static OperatorException? FindRefusal(string data, bool readOnly, int? format)
    {
        if (format is { } other && other != FormatFile.Current)
        {
            return FormatFile.Refusal(data, other, "write");
        }
        return readOnly
            ? new OperatorException(
                "store-read-only", data, "this pachd serves it for reading only", "start pachd without --read-only")
            : null;
    }

    private static void RefuseUnfinishedRestore(string data)
    {
        if (File.Exists(Path.Combine(data, UnfinishedRestore)))
        {
            throw new OperatorException(
                "store-restore-unfinished", data, $"a backup was being restored into it and is not all there ({UnfinishedRestore})",
                "delete the directory, and restore again into a new one");
        }
    }

    private static void Prepare(string data)
    {
        try
        {
            DurableFiles.CreateDirectory(data);
        }
        catch (Exception exception) when (StorageErrors.IsStorageFailure(exception))
        {
            throw StorageErrors.Translate(exception, data);
        }
        if (!DurableFiles.IsWritable(data))
        {
            throw new OperatorException(
                "storage-permission", data, "permission denied", "run as a user who may write to it, or change its owner or mode");
        }
    }
}
