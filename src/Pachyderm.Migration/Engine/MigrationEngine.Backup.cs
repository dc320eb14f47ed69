using Pachyderm.Backup;
using Pachyderm.Errors;
using Pachyderm.Formats.Content;
using Pachyderm.Migration.Journal;
using Pachyderm.Migration.Survey;
using Pachyderm.Migration.Targets;
using Pachyderm.ObjectStores;
using Pachyderm.RecordStores;
using Pachyderm.RecordStores.Snapshot;

namespace Pachyderm.Migration.Engine;

/// <summary>Before-images: the backup, and the copy of a live store's metadata that records are converted from.</summary>
public sealed partial class MigrationEngine
{
    private async Task<MigrationJournal> BackUpAsync(MigrationJournal journal, WorkFolder work, CancellationToken cancellationToken)
    {
        BackupRepository repository = await BackupRepository.OpenOrCreateAsync(
            new LocalObjectStore(journal.BackupRepository, time), request.Passphrase, time, cancellationToken);
        work.Create();
        string name;
        if (request.UseBackup is { } existing)
        {
            name = existing;
            await RestoreMetadataAsync(repository, name, work, cancellationToken);
            using EtcdSnapshotFile named = await EtcdSnapshotFile.OpenAsync(
                work.SourceCopy, SnapshotIntegrity.VerifyHash, cancellationToken);
            using EtcdSnapshotFile present = await target.OpenSourceImageAsync(work.SourceCopy, cancellationToken);
            if (named.Sha256 != present.Sha256)
            {
                throw OtherBackup(name);
            }
        }
        else if (await FindOwnBackupAsync(repository, journal, cancellationToken) is { } made)
        {
            // A killed run had come as far as making it.
            name = made;
            await RestoreWorkCopyAsync(journal with { BackupName = made }, work, cancellationToken);
        }
        else
        {
            name = $"{time.GetUtcNow():yyyyMMdd'T'HHmmss'Z'}-{OwnSuffix(journal)}";
            await repository.PruneIncompleteAsync(cancellationToken);
            if (target.NeedsSourceCopy)
            {
                await SaveSourceAsync(work.SourceCopy, cancellationToken);
            }

            FaultPoints.Reach("backup.before-create");
            await CreateBackupAsync(repository, name, work, cancellationToken);
        }

        FaultPoints.Reach("backup.before-verify");
        BackupVerification verified = await repository.VerifyAsync(
            name, readData: !request.BackupContent, progress: null, cancellationToken);
        if (!verified.IsSound)
        {
            throw new OperatorException(
                "backup-unsound", name, $"the backup does not verify ({string.Join("; ", verified.Problems.Take(5))})",
                "make another one in another directory");
        }

        using EtcdSnapshotFile image = await target.OpenSourceImageAsync(work.SourceCopy, cancellationToken);
        return await WriteAsync(
            journal with { BackupName = name, BackupSha256 = image.Sha256 }, MigrationPhase.BackedUp, cancellationToken);
    }

    private async Task AddNamedBackupFindingAsync(FindingList findings, CancellationToken cancellationToken)
    {
        if (request.UseBackup is not { } name)
        {
            return;
        }

        try
        {
            BackupRepository repository = await BackupRepository.OpenAsync(
                new LocalObjectStore(request.BackupDirectory, time), request.Passphrase, time, cancellationToken);
            await foreach (BackupSummary backup in repository.ListAsync(cancellationToken))
            {
                if (backup.Name == name && backup is { HasMetadata: true, Problem: null })
                {
                    return;
                }
            }
        }
        catch (OperatorException exception)
        {
            findings.Add(new Finding(exception.Id, FindingSeverity.Blocker, exception.Thing, exception.Problem, exception.Remedy));
            return;
        }

        findings.Add(new Finding(
            "backup-not-found", FindingSeverity.Blocker, name, $"no backup of metadata by that name is in {request.BackupDirectory}",
            "see `pachctl backup list`, or leave --use-backup out"));
    }

    private static OperatorException OtherBackup(string name) => new(
        "backup-of-another-state", name, "the backup is not of the store as it is now", "leave --use-backup out, and a new backup is made");

    private static string OwnSuffix(MigrationJournal journal) => $"before-{journal.To}-{journal.Id[..8]}";

    private static async Task<string?> FindOwnBackupAsync(
        BackupRepository repository, MigrationJournal journal, CancellationToken cancellationToken)
    {
        await foreach (BackupSummary backup in repository.ListAsync(cancellationToken))
        {
            if (backup.Problem is null && backup.Name.EndsWith(OwnSuffix(journal), StringComparison.Ordinal))
            {
                return backup.Name;
            }
        }

        return null;
    }

    private async Task CreateBackupAsync(BackupRepository repository, string name, WorkFolder work, CancellationToken cancellationToken)
    {
        using EtcdSnapshotFile image = await target.OpenSourceImageAsync(work.SourceCopy, cancellationToken);
        LegacyContentStore? content = request.Storage is { } storage
            ? await LegacyContentStore.OpenAsync(storage, cancellationToken)
            : null;
        await repository.CreateAsync(
            new BackupRequest
            {
                Name = name,
                Source = content is null ? target.Location : $"{target.Location} and {content.Location}",
                Metadata = new MetadataSource(
                    target.Location, image.Revision, image.LiveRecordCount, (stream, cancel) => CopyAsync(image.Path, stream, cancel)),
                Content = request.BackupContent ? content : null,
                References = request.BackupContent && content is not null
                    ? cancel =>
                        TreeReferences.WalkAsync(
                            content, ContentReferences.ReadAsync(range => image.ReadByRevisionAsync(range, cancel), _keys, cancel), cancel)
                    : null,
            },
            cancellationToken);
    }

    private async Task RestoreWorkCopyAsync(MigrationJournal journal, WorkFolder work, CancellationToken cancellationToken)
    {
        if (!target.NeedsSourceCopy || File.Exists(work.SourceCopy))
        {
            return;
        }

        work.Create();
        BackupRepository repository = await BackupRepository.OpenAsync(
            new LocalObjectStore(journal.BackupRepository, time), request.Passphrase, time, cancellationToken);
        await RestoreMetadataAsync(repository, journal.BackupName!, work, cancellationToken);
    }

    private static async Task RestoreMetadataAsync(
        BackupRepository repository, string name, WorkFolder work, CancellationToken cancellationToken)
    {
        File.Delete(work.SourceCopy);
        await repository.RestoreAsync(
            name, new RestoreTarget(ContentDirectory: null, MetadataFile: work.SourceCopy), progress: null, cancellationToken);
    }

    private async Task SaveSourceAsync(string path, CancellationToken cancellationToken)
    {
        string partial = path + ".partial";
        await using (FileStream file = new(partial, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 20))
        {
            await target.SaveSourceAsync(file, cancellationToken);
            file.Flush(flushToDisk: true);
        }

        File.Move(partial, path, overwrite: true);
        DurableFile.SyncDirectoryOf(path);
    }

    private static async Task CopyAsync(string path, Stream destination, CancellationToken cancellationToken)
    {
        await using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 20, FileOptions.SequentialScan);
        await file.CopyToAsync(destination, 1 << 20, cancellationToken);
    }

    /// <summary>Finds objects that commits and open writes refer to and that the storage root does not have.</summary>
    private async Task AddContentFindingsAsync(FindingList findings, CancellationToken cancellationToken)
    {
        if (request.Storage is not { } storage)
        {
            findings.Add(new Finding(
                "content-unchecked", FindingSeverity.Note, "--storage",
                "no storage root was named, so objects are not checked and old results keep their tags", "name it with --storage"));
            return;
        }

        LegacyContentStore content = await LegacyContentStore.OpenAsync(storage, cancellationToken);
        Func<KeyRange, IAsyncEnumerable<IReadOnlyList<StoredRecord>>> read = CurrentReader(cancellationToken);
        IAsyncEnumerable<ObjectReference> trees = ContentReferences.ReadAsync(read, _keys, cancellationToken);
        UInt64Set seen = new();
        await AddMissingAsync(ContentReferences.WalkSoundAsync(content, trees, findings, cancellationToken));
        await AddMissingAsync(ContentReferences.ReadOpenWritesAsync(read, _keys, cancellationToken));

        async Task AddMissingAsync(IAsyncEnumerable<ObjectReference> references)
        {
            await foreach (ObjectReference reference in references)
            {
                if (seen.Add(ContentReferences.Hash(reference.ObjectHash))
                    && !await content.ObjectExistsAsync(reference.ObjectHash, cancellationToken))
                {
                    findings.Add(new Finding(
                        "object-missing", FindingSeverity.Blocker, reference.ObjectHash,
                        $"{reference.ReferencedBy} refers to this object and it does not exist in {content.Location}",
                        "restore it from a backup of the object store"));
                }
            }
        }
    }
}
