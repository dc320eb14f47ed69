using Pachyderm.Metadata;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Maintenance;
using Pachyderm.Storage.Packs;
using Pachyderm.Storage.Trees;

namespace Pachyderm.Pfs;

/// <summary>How far a long piece of maintenance has come.</summary>
/// <param name="Phase">What it does, such as <c>mark</c>.</param>
/// <param name="Done">How much of it is done.</param>
/// <param name="Total">How much there is; 0 if that is not known.</param>
public readonly record struct MaintenanceProgress(string Phase, long Done, long Total);

/// <summary>What a collection did.</summary>
/// <param name="Content">What became of the content.</param>
/// <param name="Objects">Objects without a tag that were deleted.</param>
public sealed record CollectionSummary(GarbageCollectionResult Content, long Objects);

/// <summary>Garbage collection, checks and consolidation of everything that is stored, beside readers and writers.</summary>
public sealed partial class StoreMaintenance
{
    private const long CacheBytes = 16 << 20;

    // A client puts the objects of a commit or a result before it names them anywhere; it has a day for that.
    private static readonly TimeSpan UntaggedGrace = TimeSpan.FromDays(1);

    private readonly PachydermFileSystem files;
    private readonly IMetadataMaintenance metadata;
    private readonly PackChunkStore chunks;
    private readonly string data;
    private readonly TimeProvider time;

    /// <summary>Puts it together; does no I/O.</summary>
    /// <param name="files">Tells what is referred to.</param>
    /// <param name="metadata">The records under <paramref name="files"/>.</param>
    /// <param name="chunks">The content under <paramref name="files"/>.</param>
    /// <param name="data">The data directory, for its <c>adopted.json</c>.</param>
    /// <param name="time">The clock that objects are dated by.</param>
    public StoreMaintenance(
        PachydermFileSystem files, IMetadataMaintenance metadata, PackChunkStore chunks, string data, TimeProvider time)
    {
        this.time = time;
        this.data = data;
        this.files = files;
        this.metadata = metadata;
        this.chunks = chunks;
    }

    /// <summary>
    /// Removes the content that nothing refers to: neither commits nor writes of open commits, nor objects, nor whoever reads at present.
    /// Objects without a tag that nobody has put, tagged or untagged for a day are deleted, except those whose content is needed anyway.
    /// </summary>
    /// <param name="progress">Told of commits and objects that were looked at; may be null.</param>
    /// <param name="cancellationToken">Ends it; then nothing has been removed, or a part of what nobody needs.</param>
    /// <exception cref="Errors.CorruptionException">Something that is needed is missing or damaged. Nothing was removed.</exception>
    public async Task<CollectionSummary> CollectGarbageAsync(
        IProgress<MaintenanceProgress>? progress, CancellationToken cancellationToken)
    {
        // Only whole packs can be removed, so the one that is written to becomes whole now.
        await chunks.SealAsync(cancellationToken);
        await using GarbageCollector collector = await GarbageCollector.BeginAsync(chunks, options: null, cancellationToken);
        FileContents contents = new(chunks);
        ObjectExpiry expiry = new(
            time.GetUtcNow() - UntaggedGrace, content => IsMarkedAsync(content, collector, contents, cancellationToken));
        await MarkAsync(collector, contents, expiry, progress, cancellationToken);
        progress?.Report(new MaintenanceProgress("sweep", 0, 0));
        return new CollectionSummary(await collector.SweepAsync(cancellationToken), expiry.Deleted);
    }

    /// <summary>Whether every chunk of a file is marked.</summary>
    private static async ValueTask<bool> IsMarkedAsync(
        FileContent file, GarbageCollector collector, FileContents contents, CancellationToken cancellationToken)
    {
        bool isMarked = true;
        await contents.VisitAsync(file, reference => isMarked &= collector.IsMarked(reference.Id), cancellationToken);
        return isMarked;
    }

    private async Task MarkAsync(
        GarbageCollector collector, FileContents contents, ObjectExpiry? expiry, IProgress<MaintenanceProgress>? progress,
        CancellationToken cancellationToken)
    {
        // A cache of its own, since a walk over everything would push out what readers use.
        TreeReader reader = new(chunks, new NodeCache(CacheBytes));
        long roots = 0;
        await foreach (LiveRoot root in files.Liveness.ListAsync(expiry, cancellationToken))
        {
            await MarkAsync(root, collector, reader, contents, cancellationToken);
            progress?.Report(new MaintenanceProgress("mark", ++roots, 0));
        }
    }

    private static async Task MarkAsync(
        LiveRoot root, GarbageCollector collector, TreeReader reader, FileContents contents, CancellationToken cancellationToken)
    {
        if (root.Chunk is { } chunk)
        {
            collector.Mark(chunk);
        }
        foreach (FileContent file in root.Files)
        {
            await contents.VisitAsync(file, reference => collector.Mark(reference.Id), cancellationToken);
        }
        if (root.Tree is { } tree)
        {
            await reader.VisitAsync(
                tree,
                collector.Mark,
                (file, token) => contents.VisitAsync(file, reference => collector.Mark(reference.Id), token),
                cancellationToken);
        }
    }
}
