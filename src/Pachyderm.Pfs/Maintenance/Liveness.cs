using System.Runtime.CompilerServices;
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
    public async IAsyncEnumerable<LiveRoot> ListAsync([EnumeratorCancellation] CancellationToken cancellationToken)
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
        await foreach (LiveRoot root in ListObjectsAsync(cancellationToken))
        {
            yield return root;
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

    private async IAsyncEnumerable<LiveRoot> ListObjectsAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (string? after = null; ;)
        {
            string? start = after;
            IReadOnlyList<ObjectRecord> page = await metadata.ReadAsync(reader => reader.ListObjects(start, PageLength), cancellationToken);
            foreach (ObjectRecord record in page)
            {
                yield return new LiveRoot($"object {record.Hash}", null, [FileContentCodec.Decode(record.Content.Span)], null);
            }
            if (page.Count < PageLength)
            {
                yield break;
            }
            after = page[^1].Hash;
        }
    }
}
