using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using Pachyderm.Errors;
using Pachyderm.Formats.Content;
using Pachyderm.ObjectStores;

namespace Pachyderm.Backup;

/// <summary>Writes a backup into empty places, then reads what it wrote and compares it with the manifest.</summary>
internal sealed partial class BackupRestorer(RepositoryStore repository)
{
    /// <summary>Is in the target directory until the proof was given.</summary>
    public const string UnfinishedMarker = "RESTORE-UNFINISHED";

    private readonly ContentBlobs _blobs = new(repository);

    public async Task<RestoreResult> RestoreAsync(
        BackupManifest manifest, RestoreTarget target, IProgress<BackupProgress>? progress, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(target);
        if (target is { ContentDirectory: null, MetadataFile: null, DataDirectory: null })
        {
            throw new ArgumentException("There is nothing to restore to.", nameof(target));
        }

        if (target.DataDirectory is { } directory)
        {
            return await RestoreDataAsync(manifest, Path.GetFullPath(directory), progress, cancellationToken);
        }

        ContentPart? content = Need(target.ContentDirectory, manifest.Content, manifest.Name, "content of a cluster of 1.4 or 1.5");
        MetadataPart? metadata = Need(
            target.MetadataFile, manifest.Store is null ? manifest.Metadata : null, manifest.Name, "metadata of a cluster of 1.4 or 1.5");
        RefuseUsedTargets(target);
        try
        {
            if (metadata is not null)
            {
                await RestoreMetadataAsync(manifest, metadata, Path.GetFullPath(target.MetadataFile!), cancellationToken);
                progress?.Report(new BackupProgress("metadata", 1, metadata.Bytes));
            }

            if (content is not null)
            {
                await RestoreContentAsync(manifest, content, Path.GetFullPath(target.ContentDirectory!), progress, cancellationToken);
            }
        }
        catch (Exception exception) when (StorageErrors.IsStorageFailure(exception))
        {
            throw StorageErrors.Translate(exception, target.ContentDirectory ?? target.MetadataFile!);
        }

        return new RestoreResult(
            manifest.Name,
            content is null ? 0 : content.Files + content.Links,
            content?.Bytes ?? 0,
            content?.ListSha256,
            metadata?.Bytes ?? 0,
            metadata?.Sha256);
    }

    private static T? Need<T>(string? target, T? part, string name, string what)
        where T : class =>
        target is null ? null : part ?? throw new OperatorException(
            "backup-lacks-part", $"backup {name}", $"it holds no {what}",
            $"choose another backup, or name other targets: the list of backups tells what each holds");

    private static void RefuseUsedTargets(RestoreTarget target)
    {
        if (target.MetadataFile is { } file && (Path.Exists(file) || new FileInfo(file).LinkTarget is not null))
        {
            throw Used(file, "it exists already");
        }

        if (target.ContentDirectory is { } directory)
        {
            RefuseUsedDirectory(directory);
        }
    }

    private static void RefuseUsedDirectory(string directory)
    {
        if (File.Exists(Path.Combine(directory, UnfinishedMarker)))
        {
            throw Used(directory, "it holds a restore that was not finished; delete the directory");
        }

        if (File.Exists(directory) || (Directory.Exists(directory) && Directory.EnumerateFileSystemEntries(directory).Any()))
        {
            throw Used(directory, "it is not empty");
        }
    }

    private static OperatorException Used(string path, string problem) => new(
        "restore-target-exists", path, problem, "a backup is restored only into a new or empty place");

    private static OperatorException Unproven(string path, string actual, string expected) => new(
        "restore-unproven", path, $"what was written has the digest {actual} and should have {expected}",
        "check the disk and do not use what was written");

    private static void WriteLink(string root, ContentRecord record)
    {
        // A link that is in the way of this path must not decide where it is written.
        for (int slash = record.Path.IndexOf('/', StringComparison.Ordinal); slash > 0; slash = record.Path.IndexOf('/', slash + 1))
        {
            DirectoryInfo parent = new(Path.Combine(root, record.Path[..slash]));
            if (parent.LinkTarget is not null)
            {
                throw SealedFormat.Damaged(record.Path, "its path leads through a symbolic link");
            }

            parent.Create();
        }

        File.CreateSymbolicLink(Path.Combine(root, record.Path), Encoding.UTF8.GetString(record.Data.Span));
    }

    private static async Task<string> DigestAsync(
        string root, LayoutKind layout, IProgress<BackupProgress>? progress, CancellationToken cancellationToken)
    {
        LegacyContentStore store = LegacyContentStore.Open(root, layout);
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        ArrayBufferWriter<byte> bytes = new();
        long count = 0;
        long total = 0;
        await foreach (ContentRecord? record in OrderedParallel.SelectAsync(
            store.ListFilesAsync(cancellationToken), (file, stop) => ContentBlobs.DescribeAsync(store, file, stop), cancellationToken))
        {
            if (record is { } file)
            {
                Append(file);
                total += file.SizeBytes;
                ProgressGate.Report(progress, "proof", ++count, total);
            }
        }

        Append(ContentRecord.EndOf(count));
        return Convert.ToHexStringLower(hash.GetHashAndReset());

        void Append(ContentRecord record)
        {
            bytes.ResetWrittenCount();
            record.Write(bytes);
            hash.AppendData(bytes.WrittenSpan);
        }
    }

    private async Task RestoreMetadataAsync(
        BackupManifest manifest, MetadataPart metadata, string path, CancellationToken cancellationToken)
    {
        string key = BackupKeys.Metadata(manifest.Name, manifest.Claim);
        string thing = $"{repository.Inner.Location}, {key}";
        await using Stream stored = await repository.OpenAsync(key, 0, cancellationToken)
            ?? throw SealedFormat.Damaged(thing, "it is missing");
        await using HashingStream hashing = new(stored, HashAlgorithmName.SHA256)
        {
            AtEnd = (digest, _) =>
            {
                if (!string.Equals(Convert.ToHexStringLower(digest), metadata.Sha256, StringComparison.Ordinal))
                {
                    throw SealedFormat.Damaged(thing, "its SHA-256 is not the one in the manifest");
                }
            },
        };
        LocalObjectStore directory = new(Path.GetDirectoryName(path)!);
        if (!await directory.PutAsync(Path.GetFileName(path), hashing, overwrite: false, cancellationToken))
        {
            throw Used(path, "it exists already");
        }

        await using FileStream written = File.OpenRead(path);
        string actual = Convert.ToHexStringLower(await SHA256.HashDataAsync(written, cancellationToken));
        if (!string.Equals(actual, metadata.Sha256, StringComparison.Ordinal))
        {
            throw Unproven(path, actual, metadata.Sha256);
        }
    }

    private async Task RestoreContentAsync(
        BackupManifest manifest, ContentPart content, string root, IProgress<BackupProgress>? progress, CancellationToken cancellationToken)
    {
        DurableFiles.CreateDirectory(root);
        string marker = Path.Combine(root, UnfinishedMarker);
        await File.WriteAllTextAsync(
            marker, $"The restore of backup {manifest.Name} was not finished. Delete this directory.\n", cancellationToken);
        foreach (string directory in content.Directories.Intersect(LegacyContentStore.DirectoryNames, StringComparer.Ordinal))
        {
            DurableFiles.CreateDirectory(Path.Combine(root, directory));
        }

        LocalObjectStore target = new(root);
        long count = 0;
        long bytes = 0;
        await foreach (ContentRecord record in OrderedParallel.SelectAsync(
            BackupVerifier.ReadListAsync(repository, manifest, cancellationToken),
            async (record, stop) => await WriteAsync(root, target, record, stop),
            cancellationToken))
        {
            bytes += record.SizeBytes;
            ProgressGate.Report(progress, "content", ++count, bytes);
        }

        foreach (string directory in content.Directories.Intersect(LegacyContentStore.DirectoryNames, StringComparer.Ordinal))
        {
            DurableFiles.FlushDirectory(Path.Combine(root, directory));
        }

        string actual = await DigestAsync(root, content.Layout, progress, cancellationToken);
        if (!string.Equals(actual, content.ListSha256, StringComparison.Ordinal))
        {
            throw Unproven(root, actual, content.ListSha256);
        }

        File.Delete(marker);
        DurableFiles.FlushDirectory(root);
    }

    private async Task<ContentRecord> WriteAsync(
        string root, LocalObjectStore target, ContentRecord record, CancellationToken cancellationToken)
    {
        if (record.Kind == ContentRecordKind.Link)
        {
            WriteLink(root, record);
            return record;
        }

        await using Stream content = await _blobs.OpenAsync(record, cancellationToken)
            ?? throw SealedFormat.Damaged($"{repository.Inner.Location}, content of {record.Path}", "it is missing");
        return await target.PutAsync(record.Path, content, overwrite: false, cancellationToken)
            ? record
            : throw Used($"{root}/{record.Path}", "it appeared while the backup was restored");
    }
}
