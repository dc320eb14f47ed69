using System.Buffers;
using System.Security.Cryptography;
using Pachyderm.Errors;

namespace Pachyderm.Backup;

/// <summary>Looks whether everything that a manifest promises is in the repository.</summary>
internal sealed class BackupVerifier(RepositoryStore repository)
{
    private const int ListedProblems = 100;
    private const int BufferBytes = 256 * 1024;

    private readonly ContentBlobs _blobs = new(repository);
    private readonly List<BackupProblem> _problems = [];
    private long _problemCount;

    public async Task<BackupVerification> VerifyAsync(
        BackupManifest manifest, bool readData, IProgress<BackupProgress>? progress, CancellationToken cancellationToken)
    {
        if (manifest.Metadata is { } metadata)
        {
            await VerifyMetadataAsync(BackupKeys.Metadata(manifest.Name, manifest.Claim), metadata, readData, cancellationToken);
            progress?.Report(new BackupProgress("metadata", 1, metadata.Bytes));
        }

        long files = 0;
        long bytes = 0;
        if (manifest.List is { } list)
        {
            try
            {
                await foreach ((ContentRecord record, string? problem) in OrderedParallel.SelectAsync(
                    ReadListAsync(repository, manifest, cancellationToken),
                    async (record, stop) => (record, await FindProblemAsync(record, readData, stop)),
                    cancellationToken))
                {
                    files++;
                    bytes += record.SizeBytes;
                    Note(record.Path, problem);
                    ProgressGate.Report(progress, "content", files, bytes);
                }

                Note(
                    "list of files",
                    files == list.Records && bytes == list.Bytes ? null : "it does not have the files that the manifest counts");
            }
            catch (CorruptionException damage)
            {
                Note("list of files", damage.Problem);
            }
        }

        return new BackupVerification(manifest.Name, readData, files, bytes, _problemCount, _problems);
    }

    /// <summary>Delivers the list of files, whose digest is compared with the manifest's at the end.</summary>
    public static async IAsyncEnumerable<ContentRecord> ReadListAsync(
        RepositoryStore repository,
        BackupManifest manifest,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        string key = BackupKeys.Files(manifest.Name, manifest.Claim);
        string thing = $"{repository.Inner.Location}, {key}";
        await using Stream stored = await repository.OpenAsync(key, 0, cancellationToken)
            ?? throw SealedFormat.Damaged(thing, "it is missing");
        await using HashingStream hashing = new(stored, HashAlgorithmName.SHA256)
        {
            AtEnd = (digest, _) =>
            {
                if (!string.Equals(Convert.ToHexStringLower(digest), manifest.List!.Value.Sha256, StringComparison.Ordinal))
                {
                    throw SealedFormat.Damaged(thing, "its SHA-256 is not the one in the manifest");
                }
            },
        };
        await foreach (ContentRecord record in ContentRecordReader.ReadAsync(hashing, thing, manifest.Store is not null, cancellationToken))
        {
            yield return record;
        }
    }

    private static async Task DrainAsync(Stream content, CancellationToken cancellationToken)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        try
        {
            int read;
            do
            {
                read = await content.ReadAsync(buffer, cancellationToken);
            }
            while (read > 0);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    // Reads on while it hashes, in pieces that are large beside the cost of a read.
    private static async Task<string> HashAsync(Stream content, CancellationToken cancellationToken)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] current = ArrayPool<byte>.Shared.Rent(BufferBytes);
        byte[] next = ArrayPool<byte>.Shared.Rent(BufferBytes);
        try
        {
            int read = await content.ReadAsync(current, cancellationToken);
            while (read > 0)
            {
                Task<int> reading = content.ReadAsync(next, cancellationToken).AsTask();
                hash.AppendData(current, 0, read);
                read = await reading;
                (current, next) = (next, current);
            }

            return Convert.ToHexStringLower(hash.GetHashAndReset());
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(current);
            ArrayPool<byte>.Shared.Return(next);
        }
    }

    private async Task VerifyMetadataAsync(string key, MetadataPart metadata, bool readData, CancellationToken cancellationToken)
    {
        try
        {
            long? size = await repository.GetSizeAsync(key, cancellationToken);
            if (size != metadata.Bytes)
            {
                Note("metadata", size is null ? "they are missing" : "they have the wrong size");
                return;
            }

            if (readData)
            {
                await using Stream? stored = await repository.OpenAsync(key, 0, cancellationToken);
                string? sha256 = stored is null ? null : await HashAsync(stored, cancellationToken);
                Note(
                    "metadata",
                    string.Equals(sha256, metadata.Sha256, StringComparison.Ordinal)
                        ? null
                        : "their SHA-256 is not the one in the manifest");
            }
        }
        catch (CorruptionException damage)
        {
            Note("metadata", damage.Problem);
        }
    }

    private async Task<string?> FindProblemAsync(ContentRecord record, bool readData, CancellationToken cancellationToken)
    {
        try
        {
            string? fault = await _blobs.FindFaultAsync(record, cancellationToken);
            if (fault is not null || !readData || record.Kind == ContentRecordKind.Link)
            {
                return fault;
            }

            await using Stream? content = await _blobs.OpenAsync(record, cancellationToken);
            if (content is null)
            {
                return "its content vanished";
            }

            await DrainAsync(content, cancellationToken);
            return null;
        }
        catch (CorruptionException damage)
        {
            return damage.Problem;
        }
    }

    private void Note(string thing, string? problem)
    {
        if (problem is null)
        {
            return;
        }

        _problemCount++;
        if (_problems.Count < ListedProblems)
        {
            _problems.Add(new BackupProblem(thing, problem));
        }
    }
}
