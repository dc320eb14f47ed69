using Pachyderm.Errors;
using Pachyderm.Metadata.Sqlite;
using Pachyderm.ObjectStores;
using Pachyderm.Pachd.Configuration;
using Pachyderm.Pfs;
using Pachyderm.Storage.Packs;

namespace Pachyderm.Pachd.Hosting;

/// <summary>
/// The stores in the data directory: <c>format.json</c>, <c>metadata.db</c>, <c>spool/</c> with packs that are not sealed, <c>index/</c>,
/// and <c>objects/</c> with sealed packs.
/// </summary>
internal sealed class DataStores : IAsyncDisposable
{
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

    /// <summary>Opens the stores, and creates them in a directory that is new or empty.</summary>
    /// <exception cref="OperatorException">
    /// One line for the operator: in use, no permission, a full disk, a format that cannot be read.
    /// </exception>
    public static async Task<DataStores> OpenAsync(PachdOptions options, ILogger logger, CancellationToken cancellationToken)
    {
        string data = options.DataDirectory;
        int? format = FormatFile.Read(data);
        OperatorException? refusal = FindRefusal(options, format);
        if (refusal is null)
        {
            Prepare(data);
        }
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
                    ReadOnly = refusal is not null,
                    // In a new directory everything is missing, which is nothing to tell.
                    OnFinding = format is null ? null : finding =>
                        logger.Finding(finding.Id, finding.Thing, finding.Problem, finding.Remedy),
                },
                cancellationToken);
            // Last, so that a directory with a stamp has everything in it.
            if (refusal is null && format is null)
            {
                FormatFile.Write(data);
            }
            return new DataStores(metadata, chunks, refusal);
        }
        catch
        {
            await metadata.DisposeAsync();
            throw;
        }
    }

    /// <summary>Seals the open pack and closes everything.</summary>
    public async ValueTask DisposeAsync()
    {
        await Chunks.DisposeAsync();
        await Metadata.DisposeAsync();
    }

    private static OperatorException? FindRefusal(PachdOptions options, int? format)
    {
        if (format is { } other && other != FormatFile.Current)
        {
            return FormatFile.Refusal(options.DataDirectory, other, "write");
        }
        return options.ReadOnly
            ? new OperatorException(
                "store-read-only", options.DataDirectory, "this pachd serves it for reading only", "start pachd without --read-only")
            : null;
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
