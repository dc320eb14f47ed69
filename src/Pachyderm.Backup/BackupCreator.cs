using System.IO.Pipelines;
using System.Security.Cryptography;
using Pachyderm.Backup.Native;
using Pachyderm.Errors;
using Pachyderm.Formats.Content;
using Pachyderm.ObjectStores;

namespace Pachyderm.Backup;

/// <summary>Writes one backup: metadata, then content, then the manifest.</summary>
internal sealed class BackupCreator(RepositoryStore repository, TimeProvider time)
{
    private const int ListedProblems = 20;

    /// <summary>A list is handed over to the store in pieces of so many bytes.</summary>
    public const int FlushBytes = 64 * 1024;

    private readonly ContentBlobs _blobs = new(repository);

    public async Task<BackupManifest> WriteAsync(string name, string claim, BackupRequest request, CancellationToken cancellationToken)
    {
        if (request.Data is not null)
        {
            (DateTimeOffset asOf, MetadataPart records, StorePart store) =
                await new StoreCreator(repository, time).WriteAsync(name, claim, request, cancellationToken);
            return await PublishAsync(
                new BackupManifest(
                    RepositoryHeader.FormatName, BackupManifest.StoreVersion, BackupManifest.StoreVersion, name, claim, asOf,
                    request.Source,
                    records, Content: null, ReferencesChecked: null, store),
                cancellationToken);
        }

        DateTimeOffset created = time.GetUtcNow();
        MetadataPart? metadata = request.Metadata is null
            ? null
            : await WriteMetadataAsync(BackupKeys.Metadata(name, claim), request.Metadata, request.Progress, cancellationToken);
        string? stamp = request.Content?.GetChangeStamp();
        long? references = await CheckReferencesAsync(request, cancellationToken);
        ContentPart? content = request.Content is null
            ? null
            : await WriteContentAsync(BackupKeys.Files(name, claim), request.Content, request, cancellationToken);
        if (references is not null && !string.Equals(stamp, request.Content?.GetChangeStamp(), StringComparison.Ordinal))
        {
            // Something came or went. What is referenced and is there now was there throughout, and so was copied.
            references = await CheckReferencesAsync(request, cancellationToken);
        }

        return await PublishAsync(
            new BackupManifest(
                RepositoryHeader.FormatName, BackupManifest.ClusterVersion, BackupManifest.ClusterVersion, name, claim, created,
                request.Source,
                metadata, content, references, Store: null),
            cancellationToken);
    }

    private async Task<BackupManifest> PublishAsync(BackupManifest manifest, CancellationToken cancellationToken)
    {
        using MemoryStream bytes = new(manifest.Serialize());
        return await repository.PutAsync(BackupKeys.Manifest(manifest.Name), bytes, overwrite: false, cancellationToken)
            ? manifest
            : throw new OperatorException(
                "backup-exists", $"backup {manifest.Name}", "it was made by somebody else in the meantime", "choose another name");
    }

    private static async Task<long?> CheckReferencesAsync(BackupRequest request, CancellationToken cancellationToken)
    {
        if (request.References is null || request.Content is null)
        {
            return null;
        }

        long count = 0;
        long missing = 0;
        List<string> named = [];
        await foreach (ObjectReference reference in request.References(cancellationToken).WithCancellation(cancellationToken))
        {
            ProgressGate.Report(request.Progress, "references", ++count, 0);
            if (!await request.Content.ObjectExistsAsync(reference.ObjectHash, cancellationToken))
            {
                missing++;
                if (named.Count < ListedProblems)
                {
                    named.Add($"object {reference.ObjectHash} of {reference.ReferencedBy}");
                }
            }
        }

        return missing == 0
            ? count
            : throw new OperatorException(
                "object-missing",
                request.Content.Location,
                $"{missing} referenced objects do not exist: {string.Join(", ", named)}{(missing > named.Count ? ", ..." : "")}",
                "restore them from another copy, or delete the commits that need them");
    }

    private async Task<MetadataPart> WriteMetadataAsync(
        string key, MetadataSource source, IProgress<BackupProgress>? progress, CancellationToken cancellationToken)
    {
        (long bytes, string sha256) = await PutProducedAsync(
            repository,
            key,
            async (writer, token) =>
            {
                await using Stream stream = writer.AsStream(leaveOpen: true);
                await source.WriteAsync(stream, token);
            },
            cancellationToken);
        progress?.Report(new BackupProgress("metadata", 1, bytes));
        return bytes > 0
            ? new MetadataPart(source.Location, source.Revision, source.RecordCount, bytes, sha256)
            : throw new OperatorException("metadata-empty", source.Location, "it gave no bytes", "look whether the store can be read");
    }

    private async Task<ContentPart> WriteContentAsync(
        string key, LegacyContentStore store, BackupRequest request, CancellationToken cancellationToken)
    {
        long files = 0;
        long links = 0;
        long total = 0;
        long added = 0;
        List<string> damaged = [];
        (long listBytes, string listSha256) = await PutProducedAsync(
            repository,
            key,
            async (writer, token) =>
            {
                await foreach (StoredFile? stored in OrderedParallel.SelectAsync(
                    store.ListFilesAsync(token), (file, stop) => StoreAsync(store, file, request, stop), token))
                {
                    if (stored is not { } file)
                    {
                        continue;
                    }

                    file.Record.Write(writer);
                    links += file.Record.Kind == ContentRecordKind.Link ? 1 : 0;
                    files += file.Record.Kind == ContentRecordKind.Link ? 0 : 1;
                    total += file.Record.SizeBytes;
                    added += file.NewBytes;
                    if (file.IsDamaged && damaged.Count < ListedProblems)
                    {
                        damaged.Add(file.Record.Path);
                    }

                    ProgressGate.Report(request.Progress, "content", files + links, total);
                    if (writer.UnflushedBytes > FlushBytes)
                    {
                        await writer.FlushAsync(token);
                    }
                }

                ContentRecord.EndOf(files + links).Write(writer);
            },
            cancellationToken);
        return new ContentPart(
            store.RootPath,
            store.Layout,
            store.GetDirectories(),
            files,
            links,
            total,
            added,
            listBytes,
            listSha256,
            store.GetForeignEntries(ListedProblems),
            damaged);
    }

    private async Task<StoredFile?> StoreAsync(
        LegacyContentStore store, ContentFile file, BackupRequest request, CancellationToken cancellationToken)
    {
        // What could not be written back is refused now. Bytes of a name that are no UTF-8 arrive as U+FFFD.
        if (!ObjectKey.IsValid(file.Path) || file.LinkTarget?.Contains('\uFFFD', StringComparison.Ordinal) is true)
        {
            throw new OperatorException(
                "content-path-refused",
                $"{store.RootPath}/{string.Concat(file.Path.Where(unit => !char.IsControl(unit)))}",
                "its name or target has control characters, backslashes or bytes that are no UTF-8",
                "no release of Pachyderm makes such a file; move it out of the storage root");
        }

        StoredFile? stored = await _blobs.StoreAsync(store, file, request.AcceptDamaged, cancellationToken);
        bool upload = file.Kind == ContentFileKind.Other && file.Path.StartsWith("object/", StringComparison.Ordinal);
        return stored is not null || upload
            ? stored
            : throw new OperatorException(
                "content-changed", $"{store.RootPath}/{file.Path}", "it vanished while it was backed up",
                "stop what deletes from the content store, and run it again");
    }

    /// <summary>Stores what a producer writes, hashed on its way; a failure of the producer is what the caller gets to see.</summary>
    public static async Task<(long Bytes, string Sha256)> PutProducedAsync(
        RepositoryStore repository, string key, Func<PipeWriter, CancellationToken, Task> produce, CancellationToken cancellationToken)
    {
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        // Large pieces, so that writing, hashing and sealing overlap instead of handing over every few kilobytes.
        Pipe pipe = new(new PipeOptions(
            minimumSegmentSize: 256 << 10, pauseWriterThreshold: 4 << 20, resumeWriterThreshold: 2 << 20,
            useSynchronizationContext: false));
        using HashingPipeWriter writer = new(pipe.Writer, HashAlgorithmName.SHA256);
        Exception? failure = null;
        Task producing = Task.Run(
            async () =>
            {
                try
                {
                    await produce(writer, stop.Token);
                    await writer.CompleteAsync();
                }
                catch (Exception exception)
                {
                    failure = exception;
                    await writer.CompleteAsync(exception);
                }
            },
            CancellationToken.None);
        await using Stream produced = pipe.Reader.AsStream();
        try
        {
            await repository.PutAsync(key, produced, overwrite: false, cancellationToken);
        }
        catch (Exception) when (failure is not null and not OperationCanceledException)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failure);
        }
        finally
        {
            await stop.CancelAsync();
            await pipe.Reader.CompleteAsync();
            await producing;
        }

        return (writer.Count, Convert.ToHexStringLower(writer.GetDigest()));
    }
}

/// <summary>Keeps reports of progress rare enough to cost nothing.</summary>
internal static class ProgressGate
{
    private const int Items = 256;
    private const long LargeBytes = 16 * 1024 * 1024;

    public static void Report(IProgress<BackupProgress>? progress, string phase, long items, long bytes)
    {
        if (progress is not null && (items % Items == 1 || bytes / items > LargeBytes))
        {
            progress.Report(new BackupProgress(phase, items, bytes));
        }
    }
}
