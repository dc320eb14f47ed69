using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Pachyderm.Errors;
using Pachyderm.Metadata;
using Pachyderm.Migration.Engine;
using Pachyderm.ObjectStores;
using Pachyderm.Pfs;
using Pachyderm.Portable;

namespace Pachyderm.Migration.Steps.Native;

/// <summary>
/// Writes everything of a data directory as a portable stream before an undo drops it. The file gets its name when it is whole, on the disk
/// and
/// has been read back; until then nothing is dropped. An undo that was killed writes it anew, and knows the file of its own by the identity
/// in it.
/// </summary>
/// <param name="data">The data directory.</param>
/// <param name="target">The file.</param>
/// <param name="time">The clock.</param>
internal sealed class UndoExtract(string data, string target, TimeProvider time)
{
    private readonly string path = Path.GetFullPath(target);

    /// <summary>Writes the file.</summary>
    /// <param name="stores">The stores of the data directory.</param>
    /// <param name="journal">The import that is undone.</param>
    /// <param name="observer">Is told what was written.</param>
    /// <param name="cancellationToken">Ends it; nothing was dropped then.</param>
    /// <exception cref="OperatorException"><c>extract-file-inside</c>, <c>extract-file-exists</c>, or a disk fails.</exception>
    public async Task WriteAsync(DataStores stores, ImportJournal journal, IMigrationObserver observer, CancellationToken cancellationToken)
    {
        if (path.StartsWith(data + Path.DirectorySeparatorChar, StringComparison.Ordinal))
        {
            throw new OperatorException(
                "extract-file-inside", path, "it would be in the data directory that is dropped", "name a file elsewhere");
        }
        string partial = path + ".partial";
        try
        {
            Guid identity = await stores.Metadata.ReadAsync(reader => IdentityOf(journal, reader), cancellationToken);
            await RequireFreeAsync(identity, cancellationToken);
            await using (FileStream file = new(partial, FileMode.Create, FileAccess.ReadWrite, FileShare.None, 1 << 20))
            {
                await new ClusterExtract(stores.Metadata, stores.Chunks, Path.Combine(data, "extract"), time)
                    .WriteAsync(file, identity, cancellationToken);
                await file.FlushAsync(cancellationToken);
                file.Flush(flushToDisk: true);
                FaultPoints.Reach("import.undo-extract-written");
                file.Position = 0;
                long bytes = await StreamProof.CheckAsync(file, cancellationToken);
                observer.Say(string.Create(
                    CultureInfo.InvariantCulture,
                    $"everything that was in it is in {path} ({bytes:N0} bytes, read back): `pachctl restore -f` gives it to an empty "
                        + $"pachd"));
            }
            File.Move(partial, path, overwrite: true);
            DurableFiles.FlushDirectory(Path.GetDirectoryName(path)!);
            FaultPoints.Reach("import.undo-extracted");
        }
        catch (Exception exception) when (StorageErrors.IsStorageFailure(exception) && !cancellationToken.IsCancellationRequested)
        {
            throw StorageErrors.Translate(exception, path);
        }
        finally
        {
            if (File.Exists(partial))
            {
                File.Delete(partial);
            }
        }
    }

    // The same for each attempt at one undo, and another one as soon as something more is written.
    private static Guid IdentityOf(ImportJournal journal, IMetadataReader reader) => new(
        SHA256.HashData(Encoding.UTF8.GetBytes(string.Create(
            CultureInfo.InvariantCulture, $"undo of {journal.Id} at {reader.LastChange} {reader.LastPendingWrite}"))).AsSpan(0, 16));

    private async Task RequireFreeAsync(Guid identity, CancellationToken cancellationToken)
    {
        if (!Path.Exists(path))
        {
            return;
        }
        if (File.Exists(path))
        {
            await using FileStream file = File.OpenRead(path);
            if (await StreamProof.IdentifyAsync(file, cancellationToken) == identity)
            {
                return;
            }
        }
        throw new OperatorException("extract-file-exists", path, "there is something already", "name another file");
    }
}
