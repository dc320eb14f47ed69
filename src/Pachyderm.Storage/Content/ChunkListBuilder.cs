using System.Collections.Immutable;

namespace Pachyderm.Storage.Content;

/// <summary>
/// Turns chunks, in order, into a file's list of chunks, holding no more than a node of each level. Nodes end where the identifiers say so;
/// the list is therefore the same for the same chunks.
/// </summary>
/// <param name="writer">Gets the nodes.</param>
internal sealed class ChunkListBuilder(IChunkWriter writer)
{
    private readonly List<Level> levels = [];
    private long size;

    /// <summary>Appends a chunk.</summary>
    internal ValueTask AddAsync(ChunkReference chunk, CancellationToken cancellationToken)
    {
        size += chunk.Length;
        return AddAsync(depth: 0, chunk, cancellationToken);
    }

    /// <summary>Ends the list of a file that is cut as this release cuts.</summary>
    /// <param name="firstHash">What identifies the file if it is its first chunk alone.</param>
    /// <param name="cancellationToken">Ends the writing.</param>
    internal async ValueTask<FileContent> CompleteAsync(ChunkId firstHash, CancellationToken cancellationToken)
    {
        (ImmutableArray<ChunkReference> top, int depth) = await EndAsync(cancellationToken).ConfigureAwait(false);
        ChunkId hash = top.IsEmpty ? FileHash.Of([]) : depth == 0 && top.Length == 1 ? firstHash : ChunkList.HashOf(top);
        return new FileContent(size, hash, top, depth);
    }

    /// <summary>Ends the list of a file that brings its hash.</summary>
    internal async ValueTask<FileContent> CompleteWithHashAsync(ChunkId hash, CancellationToken cancellationToken)
    {
        (ImmutableArray<ChunkReference> top, int depth) = await EndAsync(cancellationToken).ConfigureAwait(false);
        return new FileContent(size, hash, top, depth);
    }

    private async ValueTask<(ImmutableArray<ChunkReference> Top, int Depth)> EndAsync(CancellationToken cancellationToken)
    {
        if (levels.Count == 0)
        {
            return ([], 0);
        }
        int depth = 0;
        // Ending a level's last node may add a level.
        while (levels[depth].IsInNodes)
        {
            if (levels[depth].Entries.Count > 0)
            {
                await EndNodeAsync(depth, cancellationToken).ConfigureAwait(false);
            }
            depth++;
        }
        return ([.. levels[depth].Entries], depth);
    }

    private async ValueTask AddAsync(int depth, ChunkReference entry, CancellationToken cancellationToken)
    {
        if (depth == levels.Count)
        {
            levels.Add(new Level());
        }
        Level level = levels[depth];
        if (level.IsInNodes)
        {
            await AddToNodeAsync(depth, entry, cancellationToken).ConfigureAwait(false);
            return;
        }
        level.Entries.Add(entry);
        if (level.Entries.Count > ChunkList.InPlace)
        {
            ChunkReference[] entries = [.. level.Entries];
            level.Entries.Clear();
            level.IsInNodes = true;
            foreach (ChunkReference earlier in entries)
            {
                await AddToNodeAsync(depth, earlier, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private async ValueTask AddToNodeAsync(int depth, ChunkReference entry, CancellationToken cancellationToken)
    {
        levels[depth].Entries.Add(entry);
        if (ChunkList.EndsNode(entry) || levels[depth].Entries.Count == ChunkList.MaximumEntries)
        {
            await EndNodeAsync(depth, cancellationToken).ConfigureAwait(false);
        }
    }

    private async ValueTask EndNodeAsync(int depth, CancellationToken cancellationToken)
    {
        List<ChunkReference> entries = levels[depth].Entries;
        ChunkId id = await writer.PutAsync(ChunkList.Encode(entries), cancellationToken).ConfigureAwait(false);
        long length = entries.Sum(entry => entry.Length);
        entries.Clear();
        await AddAsync(depth + 1, new ChunkReference(id, length), cancellationToken).ConfigureAwait(false);
    }

    private sealed class Level
    {
        // The list so far; once it is longer than what stands in place, the entries of the node that is not ended yet.
        internal List<ChunkReference> Entries { get; } = [];

        internal bool IsInNodes { get; set; }
    }
}
