using Microsoft.Win32.SafeHandles;
using Pachyderm.Errors;
using Pachyderm.Metadata;
using Pachyderm.Metadata.Sqlite;
using Pachyderm.ObjectStores;
using Pachyderm.Storage.Adoption;
using Pachyderm.Storage.Maintenance;

namespace Pachyderm.Backup.Native;

/// <summary>
/// Backs up the data directory of a pachd beside that pachd. In this order: the hold, which keeps everybody from removing packs; a copy of
/// the metadata as of one moment; the packs. What a record refers to was durable in some pack before the record was written, and packs
/// are only added or moved from the spool to the object store meanwhile, so the packs that are found afterwards hold all of it.
/// </summary>
internal sealed class StoreCreator(RepositoryStore repository, TimeProvider time)
{
    private const int ListedProblems = 20;

    private readonly ContentBlobs _blobs = new(repository);

    public async Task<(DateTimeOffset Created, MetadataPart Metadata, StorePart Store)> WriteAsync(
        string name, string claim, BackupRequest request, CancellationToken cancellationToken)
    {
        DataDirectory data = request.Data!;
        await using PackHold hold = await PackHold.AcquireAsync(data.SpoolPath, "a backup", time, request.OnWaiting, cancellationToken);
        DateTimeOffset created = time.GetUtcNow();
        (MetadataPart metadata, int format, string storeId) = await WriteMetadataAsync(
            BackupKeys.Metadata(name, claim), data, request.Progress, cancellationToken);
        List<StoreFile> files = [];
        try
        {
            // The spool first: a pack that moves meanwhile is then found twice rather than never.
            files.AddRange(OpenSpool(data));
            await AddSealedAsync(files, data, cancellationToken);
            files.AddRange(new[] { DataDirectory.FormatName, AdoptionFile.FileName }
                .Select(file => new StoreFile(file, Path.Combine(data.RootPath, file))).Where(static file => File.Exists(file.FullPath)));
            files.Sort(static (a, b) => string.CompareOrdinal(a.Path, b.Path));
            return (created, metadata, await WriteFilesAsync(BackupKeys.Files(name, claim), data, files, format, storeId, request, cancellationToken));
        }
        catch (Exception exception) when (StorageErrors.IsStorageFailure(exception))
        {
            throw StorageErrors.Translate(exception, data.RootPath);
        }
        finally
        {
            files.ForEach(static file => file.Handle?.Dispose());
        }
    }

    // A file of the spool is opened at once: whatever it is renamed to, the handle keeps it. One that is gone has moved to the object
    // store.
    private static IEnumerable<StoreFile> OpenSpool(DataDirectory data)
    {
        foreach (string path in Directory.EnumerateFiles(data.SpoolPath, "*" + DataDirectory.SpoolSuffix))
        {
            string name = Path.GetFileNameWithoutExtension(path);
            if (PackInspection.KeyOf(name) is null)
            {
                continue;
            }

            SafeFileHandle? handle;
            try
            {
                handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            }
            catch (FileNotFoundException)
            {
                continue;
            }

            yield return new StoreFile($"{DataDirectory.SpoolName}/{Path.GetFileName(path)}", path) { PackName = name, Handle = handle };
        }
    }

    private static async Task AddSealedAsync(List<StoreFile> files, DataDirectory data, CancellationToken cancellationToken)
    {
        Dictionary<string, StoreFile> spooled = files.ToDictionary(
            static file => PackInspection.KeyOf(file.PackName!)!, StringComparer.Ordinal);
        LocalObjectStore objects = data.Objects;
        await foreach (ObjectProperties item in objects.ListAsync("packs/", cancellationToken))
        {
            if (!PackInspection.IsKey(item.Key))
            {
                continue;
            }

            if (spooled.Remove(item.Key, out StoreFile? copy))
            {
                copy.Handle?.Dispose();
                files.Remove(copy);
            }

            files.Add(new StoreFile($"{DataDirectory.ObjectsName}/{item.Key}", objects.GetPath(item.Key))
            {
                PackName = Path.GetFileName(item.Key),
                SizeBytes = item.SizeBytes,
            });
        }
    }

    private async Task<(MetadataPart Metadata, int Format, string StoreId)> WriteMetadataAsync(
        string key, DataDirectory data, IProgress<BackupProgress>? progress, CancellationToken cancellationToken)
    {
        string path = Path.Combine(data.WorkPath, DataDirectory.MetadataName);
        try
        {
            // What a killed backup left; the hold keeps this one alone here.
            DeleteWork(data);
            Directory.CreateDirectory(data.WorkPath);
            await using (SqliteMetadataStore live = await data.OpenMetadataAsync(cancellationToken))
            {
                await live.BackupToAsync(path, cancellationToken);
            }

            (long revision, int format, string id) = await CheckCopyAsync(path, data, cancellationToken);
            (long bytes, string sha256) = await BackupCreator.PutProducedAsync(
                repository,
                key,
                async (writer, token) =>
                {
                    await using FileStream file = File.OpenRead(path);
                    await using Stream target = writer.AsStream(leaveOpen: true);
                    await file.CopyToAsync(target, token);
                },
                cancellationToken);
            progress?.Report(new BackupProgress("metadata", 1, bytes));
            return (new MetadataPart(data.MetadataPath, revision, Records: null, bytes, sha256), format, id);
        }
        catch (Exception exception) when (StorageErrors.IsStorageFailure(exception))
        {
            throw StorageErrors.Translate(exception, data.WorkPath);
        }
        finally
        {
            DeleteWork(data);
        }
    }

    private static void DeleteWork(DataDirectory data)
    {
        if (Directory.Exists(data.WorkPath))
        {
            Directory.Delete(data.WorkPath, recursive: true);
        }
    }

    private static async Task<(long Revision, int Format, string StoreId)> CheckCopyAsync(
        string path, DataDirectory data, CancellationToken cancellationToken)
    {
        await using SqliteMetadataStore copy = await DataDirectory.OpenMetadataAsync(path, cancellationToken);
        foreach (MetadataFinding finding in await copy.IntegrityCheckAsync(fix: false, cancellationToken))
        {
            if (finding.Id is "store-damaged" or "store-schema")
            {
                throw new CorruptionException(finding.Id, data.MetadataPath, finding.Problem, "restore the store from an earlier backup");
            }
        }

        return (await copy.ReadAsync(static reader => reader.LastChange, cancellationToken), copy.Format, copy.StoreId);
    }

    private async Task<StorePart> WriteFilesAsync(
        string key, DataDirectory data, List<StoreFile> files, int format, string storeId, BackupRequest request,
        CancellationToken cancellationToken)
    {
        StoreTotals totals = new();
        (long listBytes, string listSha256) = await BackupCreator.PutProducedAsync(
            repository,
            key,
            async (writer, token) =>
            {
                await foreach (StoredPack? stored in OrderedParallel.SelectAsync(
                    files.ToAsyncEnumerable(), (file, stop) => StoreAsync(file, request.AcceptDamaged, stop), token))
                {
                    if (stored is not { } pack)
                    {
                        continue;
                    }

                    pack.File.Record.Write(writer);
                    totals.Add(pack);
                    ProgressGate.Report(request.Progress, "content", totals.Files, totals.Bytes);
                    if (writer.UnflushedBytes > BackupCreator.FlushBytes)
                    {
                        await writer.FlushAsync(token);
                    }
                }

                ContentRecord.EndOf(totals.Files).Write(writer);
            },
            cancellationToken);
        return totals.Adopted.Count > 0 && !request.WithoutAdopted
            ? throw DataDirectory.AdoptedElsewhere(data.RootPath, totals.AdoptedParts)
            : new StorePart(
                data.RootPath, format, storeId, totals.Files, totals.Unsealed, totals.Bytes, totals.NewBytes, listBytes, listSha256,
                [.. totals.Damaged.Take(ListedProblems)], totals.AdoptedParts);
    }

    private async Task<StoredPack?> StoreAsync(StoreFile file, bool acceptDamaged, CancellationToken cancellationToken)
    {
        if (file.PackName is null)
        {
            return new StoredPack(
                await _blobs.StoreOtherAsync(file.Path, () => File.OpenRead(file.FullPath), cancellationToken) ?? throw Vanished(file),
                null);
        }

        // A sealed pack never changes, so one that is in the repository was looked through when it came there.
        if (file.Handle is null && await _blobs.FindPackAsync(file.Path, file.SizeBytes, cancellationToken) is { } known)
        {
            using SafeFileHandle again = OpenPack(file);
            return new StoredPack(
                known, PackInspection.IsAdopted(file.PackName, again) ? Describe(Inspect(file, again, cancellationToken)) : null);
        }

        using SafeFileHandle? opened = file.Handle is null ? OpenPack(file) : null;
        SafeFileHandle handle = file.Handle ?? opened!;
        PackInspection inspection = Inspect(file, handle, cancellationToken);
        if (file.Handle is not null && inspection.Chunks == 0)
        {
            return null;
        }

        string? problem = inspection.Findings is [var finding, ..] ? finding.Problem
            : file.Handle is null && !inspection.IsSealed ? "its footer is damaged" : null;
        if (problem is not null && !acceptDamaged)
        {
            throw new CorruptionException(
                "pack-damaged", file.FullPath, problem,
                "run `pachctl fsck --fix --read-data` and restore what it names from an earlier backup, or accept damaged packs "
                    + "explicitly");
        }

        // A damaged one goes by its content, so that the repository knows no pack of this name until a sound one comes.
        long length = file.Handle is null ? file.SizeBytes : inspection.SettledBytes;
        StoredFile stored = file.Handle is null && problem is null
            ? await _blobs.StorePackAsync(file.Path, length, () => new HandleStream(handle, length), cancellationToken)
            : await _blobs.StoreOtherAsync(file.Path, () => new HandleStream(handle, length), cancellationToken) ?? throw Vanished(file);
        return new StoredPack(stored with { IsDamaged = problem is not null }, Describe(inspection));
    }

    private static PackInspection Inspect(StoreFile file, SafeFileHandle handle, CancellationToken cancellationToken) =>
        PackInspection.Read(file.PackName!, file.FullPath, handle, cancellationToken);

    private static AdoptedPart? Describe(PackInspection inspection) => inspection.AdoptedBytes > 0
        ? new AdoptedPart(inspection.AdoptedFrom ?? "unknown", inspection.Chunks, inspection.AdoptedBytes)
        : null;

    private static SafeFileHandle OpenPack(StoreFile file)
    {
        try
        {
            return File.OpenHandle(file.FullPath, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        }
        catch (FileNotFoundException)
        {
            throw Vanished(file);
        }
    }

    private static OperatorException Vanished(StoreFile file) => new(
        "content-changed", file.FullPath, "it vanished while it was backed up",
        "stop what deletes from the data directory, and run it again");
}
