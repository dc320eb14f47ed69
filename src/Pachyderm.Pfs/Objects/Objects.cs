using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using Pachyderm.Errors;
using Pachyderm.Metadata;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Trees;

namespace Pachyderm.Pfs;

/// <summary>
/// Immutable objects by the SHA-512 of their bytes, and tags for them (spec/pfs.md section 9). The name of a chunk, 64 digits, is taken for
/// an object,
/// too: they are what <c>FileInfo</c> lists as the objects of a file.
/// </summary>
public sealed class Objects
{
    private const int PageLength = 1_000;

    private readonly IMetadataStore metadata;
    private readonly TreeStore trees;
    private readonly ReadPins pins;
    private readonly TimeProvider time;

    internal Objects(IMetadataStore metadata, TreeStore trees, ReadPins pins, TimeProvider time)
    {
        this.metadata = metadata;
        this.trees = trees;
        this.pins = pins;
        this.time = time;
    }

    /// <summary>Stores an object, unless it is stored already, and tags it.</summary>
    /// <param name="content">The bytes; each piece is valid until the next is asked for.</param>
    /// <param name="tags">Gives the tags when all bytes have come. A tag that exists gets this object.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The object, durable.</returns>
    public async Task<ObjectInfo> PutAsync(
        IAsyncEnumerable<ReadOnlyMemory<byte>> content, Func<IReadOnlyCollection<string>> tags, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(content);
        ArgumentNullException.ThrowIfNull(tags);
        using IChunkWriter writer = trees.Chunks.OpenWriter();
        using IncrementalHash sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA512);
        await using ContentBuilder builder = FileContents.OpenBuilder(writer);
        await foreach (ReadOnlyMemory<byte> piece in content.WithCancellation(cancellationToken))
        {
            sha.AppendData(piece.Span);
            await builder.AppendAsync(piece, cancellationToken);
        }
        FileContent file = await builder.CompleteAsync(cancellationToken);
        string hash = Convert.ToHexStringLower(sha.GetHashAndReset());
        await writer.FlushAsync(cancellationToken);
        await metadata.WriteAsync(
            transaction =>
            {
                // One that is stored is young again: whoever puts it is going to use it.
                ObjectRecord? found = transaction.FindObject(hash);
                transaction.PutObject(new ObjectRecord(
                    hash, file.Size, found?.Content ?? FileContentCodec.Encode(file), time.GetUtcNow()));
                SetTags(transaction, tags(), hash);
                return true;
            },
            cancellationToken);
        return new ObjectInfo(hash, file.Size);
    }

    /// <summary>Tags an object. A tag that exists gets this object.</summary>
    /// <exception cref="PfsException">The object is missing.</exception>
    public Task TagAsync(string hash, IReadOnlyCollection<string> tags, CancellationToken cancellationToken) => metadata.WriteAsync(
        transaction =>
        {
            if (!Touch(transaction, hash))
            {
                throw PfsErrors.TaggedObjectMissing(hash);
            }
            SetTags(transaction, tags, hash);
            return true;
        },
        cancellationToken);

    /// <summary>The object.</summary>
    /// <exception cref="PfsException">It is missing.</exception>
    public async Task<ObjectInfo> InspectAsync(string hash, CancellationToken cancellationToken) =>
        new(hash, (await FindAsync(hash, cancellationToken))?.Size ?? throw PfsErrors.ObjectNotFound(hash));

    /// <summary>The object that a tag names.</summary>
    /// <exception cref="PfsException">The tag or its object is missing.</exception>
    public async Task<ObjectInfo> InspectTagAsync(string tag, CancellationToken cancellationToken)
    {
        TagRecord record = await metadata.ReadAsync(reader => reader.FindTag(tag), cancellationToken) ?? throw PfsErrors.TagNotFound(tag);
        return await InspectAsync(record.ObjectHash, cancellationToken);
    }

    /// <summary>Whether there is such an object.</summary>
    public async Task<bool> ExistsAsync(string hash, CancellationToken cancellationToken) =>
        await FindAsync(hash, cancellationToken) is not null;

    /// <summary>Reads objects, one after the other, as one sequence of bytes. The caller disposes each piece.</summary>
    /// <param name="hashes">The objects.</param>
    /// <param name="offset">First byte, counted over all objects.</param>
    /// <param name="count">Number of bytes; null for all that follow.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="PfsException">An object is missing.</exception>
    public async IAsyncEnumerable<ChunkBuffer> ReadAsync(
        IReadOnlyList<string> hashes, long offset, long? count, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        long left = count ?? long.MaxValue;
        foreach (string hash in hashes)
        {
            if (left == 0)
            {
                yield break;
            }
            FileContent? content = null;
            using ReadPin pin = await pins.OpenAsync(async opened =>
            {
                content = await FindAsync(hash, cancellationToken) ?? throw PfsErrors.ObjectNotFound(hash);
                opened.Files.Add(content);
            });
            long skipped = Math.Min(offset, content!.Size);
            offset -= skipped;
            long length = Math.Min(left, content.Size - skipped);
            left -= length;
            await foreach (ChunkBuffer piece in trees.Contents.ReadAsync(content, skipped, length, cancellationToken))
            {
                yield return piece;
            }
        }
    }

    /// <summary>The names of all objects, in order.</summary>
    public async IAsyncEnumerable<string> ListAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (string? after = null; ;)
        {
            string? start = after;
            IReadOnlyList<ObjectRecord> page = await metadata.ReadAsync(reader => reader.ListObjects(start, PageLength), cancellationToken);
            foreach (ObjectRecord record in page)
            {
                yield return record.Hash;
            }
            if (page.Count < PageLength)
            {
                yield break;
            }
            after = page[^1].Hash;
        }
    }

    /// <summary>The tags that begin with a prefix, in byte order.</summary>
    public async IAsyncEnumerable<ObjectTag> ListTagsAsync(string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (string? after = null; ;)
        {
            string? start = after;
            IReadOnlyList<TagRecord> page = await metadata.ReadAsync(
                reader => reader.ListTags(prefix, start, PageLength), cancellationToken);
            foreach (TagRecord record in page)
            {
                yield return new ObjectTag(record.Name, record.ObjectHash);
            }
            if (page.Count < PageLength)
            {
                yield break;
            }
            after = page[^1].Name;
        }
    }

    /// <summary>Deletes objects; that one is missing is no error.</summary>
    public Task DeleteAsync(IReadOnlyCollection<string> hashes, CancellationToken cancellationToken) => metadata.WriteAsync(
        transaction =>
        {
            foreach (string hash in hashes)
            {
                transaction.DeleteObject(hash);
            }
            return true;
        },
        cancellationToken);

    /// <summary>Deletes tags; that one is missing is no error.</summary>
    public Task DeleteTagsAsync(IReadOnlyCollection<string> tags, CancellationToken cancellationToken) => metadata.WriteAsync(
        transaction =>
        {
            foreach (string tag in tags)
            {
                TouchTagged(transaction, tag);
                transaction.DeleteTag(tag);
            }
            return true;
        },
        cancellationToken);

    /// <summary>Keeps objects from being removed for want of tags for another day. Those that do not exist are passed over.</summary>
    internal Task TouchAsync(IReadOnlyCollection<string> hashes, CancellationToken cancellationToken) => metadata.WriteAsync(
        transaction => hashes.Count(hash => Touch(transaction, hash)), cancellationToken);

    private void SetTags(IMetadataWriter transaction, IEnumerable<string> tags, string hash)
    {
        foreach (string tag in tags)
        {
            TouchTagged(transaction, tag);
            transaction.PutTag(new TagRecord(tag, hash));
        }
    }

    // An object that loses a tag stays for a while longer.
    private void TouchTagged(IMetadataWriter transaction, string tag)
    {
        if (transaction.FindTag(tag) is { } record)
        {
            Touch(transaction, record.ObjectHash);
        }
    }

    private bool Touch(IMetadataWriter transaction, string hash)
    {
        if (transaction.FindObject(hash) is not { } found)
        {
            return false;
        }
        transaction.PutObject(found with { Created = time.GetUtcNow() });
        return true;
    }

    internal async Task<FileContent?> FindAsync(string hash, CancellationToken cancellationToken)
    {
        ObjectRecord? record = await metadata.ReadAsync(reader => reader.FindObject(hash), cancellationToken);
        if (record is not null)
        {
            return FileContentCodec.Decode(record.Content.Span);
        }
        if (!ChunkId.TryParse(hash, out ChunkId chunk))
        {
            return null;
        }
        if (chunk == ChunkId.Of([]))
        {
            return new FileContent(0, chunk, [], 0);
        }
        try
        {
            using ChunkBuffer bytes = await trees.Chunks.ReadAsync(chunk, cancellationToken);
            return new FileContent(bytes.Memory.Length, chunk, [new ChunkReference(chunk, bytes.Memory.Length)], 0);
        }
        catch (CorruptionException exception) when (exception.Id == "chunk-missing")
        {
            return null;
        }
    }
}
