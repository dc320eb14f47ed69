using System.IO.Hashing;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Pachyderm.Metadata;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Trees;

namespace Pachyderm.Pfs;

/// <summary>Something that refers to stored content.</summary>
/// <param name="Owner">What it is, for messages: a commit, an object.</param>
/// <param name="Tree">A whole tree, if that is what it refers to.</param>
/// <param name="Files">Contents of files.</param>
/// <param name="Chunk">A chunk by itself.</param>
public sealed record LiveRoot(string Owner, DirectoryReference? Tree, IReadOnlyList<FileContent> Files, ChunkId? Chunk);

/// <summary>Which objects nobody needs any more: those without a tag that are old, and whose content nothing else needs.</summary>
/// <param name="before">Objects that are younger are kept: somebody may be about to use them.</param>
/// <param name="isNeeded">Tells whether the content is needed by a root that was listed before.</param>
public sealed class ObjectExpiry(DateTimeOffset before, Func<FileContent, ValueTask<bool>> isNeeded)
{
    /// <summary>Objects deleted so far.</summary>
    public long Deleted { get; internal set; }

    internal DateTimeOffset Before => before;

    internal Func<FileContent, ValueTask<bool>> IsNeeded => isNeeded;
}

/// <summary>
/// What is referred to: by commits, by writes of open commits, by objects, and by whoever reads at present (spec/pfs.md section 10).
/// </summary>
public sealed class Liveness
{
    private const int PageLength = 500;

    private readonly IMetadataStore metadata;
    private readonly TreeStore trees;
    private readonly ReadPins pins;
    private readonly List<Func<CancellationToken, IAsyncEnumerable<LiveRoot>>> sources = [];

    internal Liveness(IMetadataStore metadata, TreeStore trees, ReadPins pins)
    {
        this.metadata = metadata;
        this.trees = trees;
        this.pins = pins;
    }

    /// <summary>What some records refer to, such as those of a copy that nobody else reads.</summary>
    /// <param name="metadata">The records.</param>
    /// <param name="chunks">The content.</param>
    public static Liveness Of(IMetadataStore metadata, IChunkStore chunks) => new(metadata, new TreeStore(chunks), new ReadPins());

    /// <summary>Adds roots that another room keeps, listed under the same rule as those of <see cref="ListAsync"/>.</summary>
    public void AddSource(Func<CancellationToken, IAsyncEnumerable<LiveRoot>> source)
    {
        ArgumentNullException.ThrowIfNull(source);
        lock (sources)
        {
            sources.Add(source);
        }
    }

    /// <summary>
    /// Every root. What comes into being while this runs may be missing: it was written meanwhile, and so is nothing that a collection may
    /// remove.
    /// </summary>
    /// <param name="expiry">Which objects nobody needs any more; null for none. Those are deleted.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async IAsyncEnumerable<LiveRoot> ListAsync(
        ObjectExpiry? expiry, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (CommitKey? after = null; ;)
        {
            CommitKey? start = after;
            IReadOnlyList<CommitRecord> page = await metadata.ReadAsync(
                reader => reader.ListAllCommits(start, PageLength), cancellationToken);
            foreach (CommitRecord commit in page)
            {
                if (commit.IsOpen)
                {
                    // Before the tree is looked up again: a fold in between moves them into it.
                    await foreach (LiveRoot root in ListWritesAsync(commit.Key, cancellationToken))
                    {
                        yield return root;
                    }
                }
                CommitRecord? now = commit.IsOpen
                    ? await metadata.ReadAsync(reader => reader.FindCommit(commit.Key), cancellationToken)
                    : commit;
                if (TreeStore.Decode(now?.Tree) is { } tree)
                {
                    yield return new LiveRoot($"commit {CommitName.Of(commit.Key)}", tree, [], null);
                }
            }
            if (page.Count < PageLength)
            {
                break;
            }
            after = page[^1].Key;
        }
        Func<CancellationToken, IAsyncEnumerable<LiveRoot>>[] others;
        lock (sources)
        {
            others = [.. sources];
        }
        foreach (Func<CancellationToken, IAsyncEnumerable<LiveRoot>> source in others)
        {
            await foreach (LiveRoot root in source(cancellationToken).WithCancellation(cancellationToken))
            {
                yield return root;
            }
        }
        // Behind all else, so that the caller knows by then what is needed anyway.
        await foreach (LiveRoot root in ListObjectsAsync(expiry, cancellationToken))
        {
            yield return root;
        }
        // Last, because a commit that somebody reads may have been deleted before it was looked at above.
        (IReadOnlyList<DirectoryReference> readTrees, IReadOnlyList<FileContent> readFiles) = await pins.ListAsync(cancellationToken);
        foreach (DirectoryReference tree in readTrees)
        {
            yield return new LiveRoot("a reader", tree, [], null);
        }
        if (readFiles.Count > 0)
        {
            yield return new LiveRoot("a reader", null, readFiles, null);
        }
    }

    private async IAsyncEnumerable<LiveRoot> ListWritesAsync(CommitKey commit, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        string owner = $"open commit {CommitName.Of(commit)}";
        for (long after = 0; ;)
        {
            long start = after;
            IReadOnlyList<PendingWrite> page = await metadata.ReadAsync(
                reader => reader.ListPendingWrites(commit, start, PageLength), cancellationToken);
            foreach (PendingWrite pending in page)
            {
                (TreeWrite write, ChunkId? chunk) = PendingWriteCodec.Decode(pending.Payload);
                IReadOnlyList<FileContent> files = write switch
                {
                    PutFile file => [file.Content],
                    PutSplit split => split.Contents,
                    _ => [],
                };
                if (chunk is { } list)
                {
                    using ChunkBuffer bytes = await trees.Chunks.ReadAsync(list, cancellationToken);
                    files = PendingWriteCodec.DecodeContents(bytes.Memory.Span);
                }
                if (files.Count > 0 || chunk is not null)
                {
                    yield return new LiveRoot(owner, null, files, chunk);
                }
            }
            if (page.Count < PageLength)
            {
                yield break;
            }
            after = page[^1].Sequence;
        }
    }

    private async IAsyncEnumerable<LiveRoot> ListObjectsAsync(
        ObjectExpiry? expiry, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // Hashes of their names: where two are the same, an object stays that could go.
        HashSet<ulong> tagged = expiry is null ? [] : await ListTaggedAsync(cancellationToken);
        for (string? after = null; ;)
        {
            string? start = after;
            IReadOnlyList<ObjectRecord> page = await metadata.ReadAsync(reader => reader.ListObjects(start, PageLength), cancellationToken);
            foreach (ObjectRecord record in page)
            {
                FileContent content = FileContentCodec.Decode(record.Content.Span);
                if (expiry is not null && record.Created <= expiry.Before && !tagged.Contains(NameHash(record.Hash))
                    && !await expiry.IsNeeded(content) && await DeleteAsync(record.Hash, expiry, cancellationToken))
                {
                    continue;
                }
                yield return new LiveRoot($"object {record.Hash}", null, [content], null);
            }
            if (page.Count < PageLength)
            {
                yield break;
            }
            after = page[^1].Hash;
        }
    }

    /// <summary>Deletes an object, unless somebody has put or tagged it again meanwhile, which makes it young.</summary>
    private Task<bool> DeleteAsync(string hash, ObjectExpiry expiry, CancellationToken cancellationToken) => metadata.WriteAsync(
        transaction =>
        {
            if (transaction.FindObject(hash) is not { } found || found.Created > expiry.Before)
            {
                return false;
            }
            transaction.DeleteObject(hash);
            expiry.Deleted++;
            return true;
        },
        cancellationToken);

    private async Task<HashSet<ulong>> ListTaggedAsync(CancellationToken cancellationToken)
    {
        HashSet<ulong> tagged = [];
        for (string? after = null; ;)
        {
            string? start = after;
            IReadOnlyList<TagRecord> page = await metadata.ReadAsync(reader => reader.ListTags("", start, PageLength), cancellationToken);
            tagged.UnionWith(page.Select(tag => NameHash(tag.ObjectHash)));
            if (page.Count < PageLength)
            {
                return tagged;
            }
            after = page[^1].Name;
        }
    }

    private static ulong NameHash(string hash) => XxHash3.HashToUInt64(MemoryMarshal.AsBytes(hash.AsSpan()));
}
