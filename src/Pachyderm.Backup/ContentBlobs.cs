using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using Pachyderm.Errors;
using Pachyderm.Formats.Content;
using Pachyderm.ObjectStores;

namespace Pachyderm.Backup;

/// <summary>
/// The contents of files in a repository, each stored once across backups: objects by hash and size, blocks by name and size and followed
/// by the SHA-256 of their content, other files by SHA-256 and size. Small other files are in the list of files itself.
/// </summary>
internal sealed class ContentBlobs(RepositoryStore repository)
{
    /// <summary>Files of up to so many bytes, that are neither objects nor blocks, go into the list.</summary>
    public const int MaxInlineBytes = ContentRecord.MaxDataBytes;

    private const string ObjectPrefix = "object/";
    private const string BlockPrefix = "block/";
    private const int MaxBlockName = 200;
    private const int HashBufferBytes = 256 * 1024;

    /// <summary>The part of an object's path that is its hash.</summary>
    public static string ObjectHash(string path) =>
        path.StartsWith(ObjectPrefix, StringComparison.Ordinal) ? path[ObjectPrefix.Length..] : "";

    /// <summary>Brings a file of the store into the repository, if it is not there yet.</summary>
    /// <returns>Its record, and how many bytes were stored for it; null if the file vanished.</returns>
    /// <exception cref="CorruptionException"><c>object-damaged</c>: an object does not have the hash that is its name.</exception>
    public async Task<StoredFile?> StoreAsync(
        LegacyContentStore source, ContentFile file, bool acceptDamaged, CancellationToken cancellationToken)
    {
        if (file.Kind == ContentFileKind.Link)
        {
            return new StoredFile(
                new ContentRecord(ContentRecordKind.Link, file.Path, 0, Encoding.UTF8.GetBytes(file.LinkTarget!)), 0, IsDamaged: false);
        }

        if (file.Kind == ContentFileKind.HashedObject)
        {
            try
            {
                return await StoreObjectAsync(source, file, cancellationToken);
            }
            catch (CorruptionException damage) when (acceptDamaged && damage.Id is "object-damaged")
            {
                StoredFile? stored = await StoreOtherAsync(file.Path, () => source.OpenFile(file), cancellationToken);
                return stored is { } kept ? kept with { IsDamaged = true } : null;
            }
        }

        return file.Kind == ContentFileKind.Block && IsPlainBlock(file.Path)
            ? await StoreBlockAsync(source, file, cancellationToken)
            : await StoreOtherAsync(file.Path, () => source.OpenFile(file), cancellationToken);
    }

    /// <summary>Looks whether a pack is in the repository with its size, and reads its digest from there.</summary>
    /// <returns>Its record; null if it is not there.</returns>
    public Task<StoredFile?> FindPackAsync(string path, long sizeBytes, CancellationToken cancellationToken) =>
        FindNamedAsync(new ContentRecord(ContentRecordKind.Pack, path, sizeBytes, default), cancellationToken);

    /// <summary>Brings a pack into the repository under its name and size.</summary>
    public async Task<StoredFile> StorePackAsync(string path, long sizeBytes, Func<Stream> open, CancellationToken cancellationToken)
    {
        await using Stream content = open();
        return await StoreNamedAsync(new ContentRecord(ContentRecordKind.Pack, path, sizeBytes, default), content, cancellationToken);
    }

    /// <summary>Brings a file into the repository under the digest of its content; a small one just gets a record.</summary>
    /// <param name="path">Its path.</param>
    /// <param name="open">Opens it at its beginning; null if it is gone. May be called more than once.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <returns>Its record, and how many bytes were stored for it; null if the file vanished.</returns>
    public async Task<StoredFile?> StoreOtherAsync(string path, Func<Stream?> open, CancellationToken cancellationToken)
    {
        await using Stream? first = open();
        if (first is null)
        {
            return null;
        }

        byte[] start = new byte[MaxInlineBytes + 1];
        int count = await first.ReadAtLeastAsync(start, start.Length, throwOnEndOfStream: false, cancellationToken);
        if (count <= MaxInlineBytes)
        {
            return new StoredFile(new ContentRecord(ContentRecordKind.Inline, path, count, start.AsMemory(0, count)), 0, IsDamaged: false);
        }

        (byte[] digest, long length) = await HashAsync(start, first, cancellationToken);
        ContentRecord record = new(ContentRecordKind.Blob, path, length, digest);
        string key = Key(record);
        long? present = await repository.GetSizeAsync(key, cancellationToken);
        if (present == record.SizeBytes)
        {
            return new StoredFile(record, 0, IsDamaged: false);
        }

        await using Stream? second = open();
        if (second is null)
        {
            return null;
        }

        await using HashingStream hashing = new(second, HashAlgorithmName.SHA256)
        {
            AtEnd = (again, read) =>
            {
                if (read != record.SizeBytes || !again.AsSpan().SequenceEqual(digest))
                {
                    throw Changed(path);
                }
            },
        };
        bool written = await repository.PutAsync(key, hashing, overwrite: present is not null, cancellationToken);
        return new StoredFile(record, written ? record.SizeBytes : 0, IsDamaged: false);
    }

    /// <summary>Describes a file as <see cref="StoreAsync"/> would, without storing it: reads it whole.</summary>
    public static async Task<ContentRecord?> DescribeAsync(LegacyContentStore source, ContentFile file, CancellationToken cancellationToken)
    {
        if (file.Kind == ContentFileKind.Link)
        {
            return new ContentRecord(ContentRecordKind.Link, file.Path, 0, Encoding.UTF8.GetBytes(file.LinkTarget!));
        }

        if (file.Kind == ContentFileKind.HashedObject)
        {
            await using Stream? content = source.OpenFile(file);
            if (content is null)
            {
                return null;
            }

            string hash = Convert.ToHexStringLower(await SHA512.HashDataAsync(content, cancellationToken));
            if (string.Equals(hash, ObjectHash(file.Path), StringComparison.Ordinal))
            {
                return new ContentRecord(ContentRecordKind.Object, file.Path, file.SizeBytes, default);
            }
        }

        await using Stream? other = source.OpenFile(file);
        if (other is null)
        {
            return null;
        }

        bool block = file.Kind == ContentFileKind.Block && IsPlainBlock(file.Path);
        if (!block && await ReadInlineAsync(other, cancellationToken) is { } small)
        {
            return new ContentRecord(ContentRecordKind.Inline, file.Path, small.Length, small);
        }

        other.Position = 0;
        byte[] digest = await SHA256.HashDataAsync(other, cancellationToken);
        return new ContentRecord(block ? ContentRecordKind.Block : ContentRecordKind.Blob, file.Path, other.Position, digest);
    }

    /// <summary>Opens the content of a record, checked against its digest at its end; null if it is not in the repository.</summary>
    public async Task<Stream?> OpenAsync(ContentRecord record, CancellationToken cancellationToken)
    {
        if (record.Kind == ContentRecordKind.Inline)
        {
            return new MemoryStream(record.Data.ToArray(), writable: false);
        }

        Stream? stored = await repository.OpenAsync(Key(record), 0, cancellationToken);
        if (stored is null)
        {
            return null;
        }

        HashAlgorithmName algorithm = record.Kind == ContentRecordKind.Object ? HashAlgorithmName.SHA512 : HashAlgorithmName.SHA256;
        string expected = record.Kind == ContentRecordKind.Object ? ObjectHash(record.Path) : Convert.ToHexStringLower(record.Data.Span);
        return new CheckedStream(new BoundedReadStream(stored, record.SizeBytes), algorithm, (digest, count) =>
        {
            if (count != record.SizeBytes || !string.Equals(Convert.ToHexStringLower(digest), expected, StringComparison.Ordinal))
            {
                throw SealedFormat.Damaged(
                    $"{repository.Inner.Location}, {Key(record)}",
                    $"it is not the content of {record.Path}: {algorithm.Name} or size differ");
            }
        });
    }

    /// <summary>Whether the content of a record is there and has the right size; else what is wrong.</summary>
    public async Task<string?> FindFaultAsync(ContentRecord record, CancellationToken cancellationToken)
    {
        if (record.Kind is ContentRecordKind.Inline or ContentRecordKind.Link)
        {
            return null;
        }

        long expected = StoredBytes(record.Kind, record.SizeBytes);
        return await repository.GetSizeAsync(Key(record), cancellationToken) switch
        {
            null => $"its content ({Key(record)}) is missing",
            long size when size != expected => $"its content ({Key(record)}) has the wrong size",
            _ => null,
        };
    }

    private static string PackName(string path) => path[(path.LastIndexOf('/') + 1)..];

    private static bool IsPlainBlock(string path) =>
        path.Length <= BlockPrefix.Length + MaxBlockName && !path.AsSpan(BlockPrefix.Length).Contains('/');

    private static long StoredBytes(ContentRecordKind kind, long size) =>
        kind is ContentRecordKind.Block or ContentRecordKind.Pack ? size + ContentRecord.Sha256Bytes : size;

    private static async Task<byte[]?> ReadInlineAsync(Stream content, CancellationToken cancellationToken)
    {
        byte[] buffer = new byte[MaxInlineBytes + 1];
        int count = await content.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellationToken);
        return count <= MaxInlineBytes ? buffer[..count] : null;
    }

    private static OperatorException Changed(string path) => new(
        "content-changed", path, "it was changed while it was backed up", "stop what writes to the content store, and run it again");

    private string Key(ContentRecord record)
    {
        string digest = record.Kind == ContentRecordKind.Blob ? Convert.ToHexStringLower(record.Data.Span) : "";
        return repository.ContentKey(record.Kind switch
        {
            ContentRecordKind.Object => $"object/{ObjectHash(record.Path)[..2]}/{ObjectHash(record.Path)}-{record.SizeBytes}",
            ContentRecordKind.Block => $"block/{record.Path[BlockPrefix.Length..][..Math.Min(2, record.Path.Length - BlockPrefix.Length)]}/{record.Path[BlockPrefix.Length..]}-{record.SizeBytes}",
            ContentRecordKind.Pack =>
                $"pack/{PackName(record.Path)[..Math.Min(2, PackName(record.Path).Length)]}/{PackName(record.Path)}-{record.SizeBytes}",
            ContentRecordKind.Blob => $"other/{digest[..2]}/{digest}-{record.SizeBytes}",
            _ => throw new InvalidOperationException("Only files that are not in the list have a key."),
        });
    }

    private async Task<StoredFile?> StoreObjectAsync(LegacyContentStore source, ContentFile file, CancellationToken cancellationToken)
    {
        ContentRecord record = new(ContentRecordKind.Object, file.Path, file.SizeBytes, default);
        string key = Key(record);
        long? present = await repository.GetSizeAsync(key, cancellationToken);
        if (present == file.SizeBytes)
        {
            return new StoredFile(record, 0, IsDamaged: false);
        }

        await using Stream? content = source.OpenFile(file);
        if (content is null)
        {
            return null;
        }

        await using HashingStream hashing = new(content, HashAlgorithmName.SHA512)
        {
            AtEnd = (digest, count) =>
            {
                if (count != file.SizeBytes
                    || !string.Equals(Convert.ToHexStringLower(digest), ObjectHash(file.Path), StringComparison.Ordinal))
                {
                    throw new CorruptionException(
                        "object-damaged",
                        $"{source.RootPath}/{file.Path}",
                        "its content does not have the SHA-512 that is its name",
                        "restore it from another copy, or accept damaged objects explicitly");
                }
            },
        };
        bool written = await repository.PutAsync(key, hashing, overwrite: present is not null, cancellationToken);
        return new StoredFile(record, written ? file.SizeBytes : 0, IsDamaged: false);
    }

    private async Task<StoredFile?> StoreBlockAsync(LegacyContentStore source, ContentFile file, CancellationToken cancellationToken)
    {
        ContentRecord record = new(ContentRecordKind.Block, file.Path, file.SizeBytes, default);
        if (await FindNamedAsync(record, cancellationToken) is { } known)
        {
            return known;
        }

        await using Stream? content = source.OpenFile(file);
        return content is null ? null : await StoreNamedAsync(record, content, cancellationToken);
    }

    // What goes by name and size is followed by the SHA-256 of its content.
    private async Task<StoredFile?> FindNamedAsync(ContentRecord record, CancellationToken cancellationToken)
    {
        string key = Key(record);
        if (await repository.GetSizeAsync(key, cancellationToken) != StoredBytes(record.Kind, record.SizeBytes))
        {
            return null;
        }

        byte[] digest = new byte[ContentRecord.Sha256Bytes];
        await using Stream? trailer = await repository.OpenAsync(key, record.SizeBytes, cancellationToken);
        return trailer is not null
            && await trailer.ReadAtLeastAsync(digest, digest.Length, throwOnEndOfStream: false, cancellationToken) == digest.Length
            ? new StoredFile(record with { Data = digest }, 0, IsDamaged: false)
            : null;
    }

    private async Task<StoredFile> StoreNamedAsync(ContentRecord record, Stream content, CancellationToken cancellationToken)
    {
        await using HashingStream hashing = new(content, HashAlgorithmName.SHA256)
        {
            AppendDigest = true,
            AtEnd = (_, count) =>
            {
                if (count != record.SizeBytes)
                {
                    throw Changed(record.Path);
                }
            },
        };

        // A loser of a race between two backups reads its file in vain, but never mixes the two.
        await repository.PutAsync(Key(record), hashing, overwrite: true, cancellationToken);
        return new StoredFile(record with { Data = hashing.Digest }, record.SizeBytes, IsDamaged: false);
    }

    private static async Task<(byte[] Digest, long Length)> HashAsync(byte[] start, Stream rest, CancellationToken cancellationToken)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(HashBufferBytes);
        try
        {
            hash.AppendData(start);
            long length = start.Length;
            while (await rest.ReadAsync(buffer, cancellationToken) is var read and > 0)
            {
                hash.AppendData(buffer, 0, read);
                length += read;
            }

            return (hash.GetHashAndReset(), length);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    // A checked view that owns what it reads.
    private sealed class CheckedStream(Stream inner, HashAlgorithmName algorithm, Action<byte[], long> atEnd) : ReadOnlyStream
    {
        private readonly HashingStream _hashing = new(inner, algorithm) { AtEnd = atEnd };

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            _hashing.ReadAsync(buffer, cancellationToken);

        public override async ValueTask DisposeAsync()
        {
            await _hashing.DisposeAsync();
            await inner.DisposeAsync();
            await base.DisposeAsync();
        }
    }
}

/// <summary>A file that is in the repository now.</summary>
/// <param name="Record">Its record for the list.</param>
/// <param name="NewBytes">Bytes that were stored for it beside the list of files.</param>
/// <param name="IsDamaged">Whether it is an object with wrong content.</param>
internal readonly record struct StoredFile(ContentRecord Record, long NewBytes, bool IsDamaged);
