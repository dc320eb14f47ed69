using System.Buffers;
using System.Security.Cryptography;
using Pachyderm.Backup.Native;
using Pachyderm.ObjectStores;

namespace Pachyderm.Backup;

/// <summary>
/// Restores the data directory of a pachd. It has the marker of an unfinished restore until everything is proved, and no pachd serves it.
/// </summary>
internal sealed partial class BackupRestorer
{
    private async Task<RestoreResult> RestoreDataAsync(
        BackupManifest manifest, string root, IProgress<BackupProgress>? progress, CancellationToken cancellationToken)
    {
        StorePart store = Need(root, manifest.Store, manifest.Name, "data directory of a pachd")!;
        MetadataPart metadata = manifest.Metadata!;
        RefuseUsedDirectory(root);
        try
        {
            DurableFiles.CreateDirectory(root);
            string marker = Path.Combine(root, UnfinishedMarker);
            await File.WriteAllTextAsync(
                marker, $"The restore of backup {manifest.Name} was not finished. Delete this directory.\n", cancellationToken);
            DurableFiles.FlushDirectory(root);
            await RestoreMetadataAsync(manifest, metadata, Path.Combine(root, DataDirectory.MetadataName), cancellationToken);
            progress?.Report(new BackupProgress("metadata", 1, metadata.Bytes));
            DurableFiles.CreateDirectory(Path.Combine(root, DataDirectory.SpoolName));
            LocalObjectStore target = new(root);
            await WalkAsync("content", (record, stop) => WriteAsync(root, target, record, stop));
            string actual = await DigestAsync();
            if (!string.Equals(actual, store.ListSha256, StringComparison.Ordinal))
            {
                throw Unproven(root, actual, store.ListSha256);
            }

            File.Delete(marker);
            DurableFiles.FlushDirectory(root);
        }
        catch (Exception exception) when (StorageErrors.IsStorageFailure(exception))
        {
            throw StorageErrors.Translate(exception, root);
        }

        return new RestoreResult(manifest.Name, store.Files, store.Bytes, store.ListSha256, metadata.Bytes, metadata.Sha256)
        {
            Adopted = store.Adopted,
        };

        async Task WalkAsync(
            string phase, Func<ContentRecord, CancellationToken, Task<ContentRecord>> work, Action<ContentRecord>? done = null)
        {
            long count = 0;
            long bytes = 0;
            await foreach (ContentRecord record in OrderedParallel.SelectAsync(
                BackupVerifier.ReadListAsync(repository, manifest, cancellationToken), work, cancellationToken))
            {
                done?.Invoke(record);
                bytes += record.SizeBytes;
                ProgressGate.Report(progress, phase, ++count, bytes);
            }
        }

        // The list once more, with the digests of what is on the disk now.
        async Task<string> DigestAsync()
        {
            using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            ArrayBufferWriter<byte> bytes = new();
            long count = 0;
            await WalkAsync("proof", (record, stop) => ReadBackAsync(root, record, stop), Append);
            Append(ContentRecord.EndOf(count));
            return Convert.ToHexStringLower(hash.GetHashAndReset());

            void Append(ContentRecord record)
            {
                count++;
                bytes.ResetWrittenCount();
                record.Write(bytes);
                hash.AppendData(bytes.WrittenSpan);
            }
        }
    }

    private static async Task<ContentRecord> ReadBackAsync(string root, ContentRecord record, CancellationToken cancellationToken)
    {
        await using FileStream file = new(Path.Combine(root, record.Path), FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
        if (record.Kind != ContentRecordKind.Inline)
        {
            return record with { SizeBytes = file.Length, Data = await SHA256.HashDataAsync(file, cancellationToken) };
        }

        byte[] content = new byte[Math.Min(file.Length, ContentRecord.MaxDataBytes)];
        await file.ReadExactlyAsync(content, cancellationToken);
        return record with { SizeBytes = file.Length, Data = content };
    }
}
