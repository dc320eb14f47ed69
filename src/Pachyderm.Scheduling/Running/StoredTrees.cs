using System.Runtime.CompilerServices;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Trees;

namespace Pachyderm.Scheduling;

/// <summary>Reads and writes trees and contents of one chunk store, with one cache of nodes.</summary>
internal sealed class StoredTrees
{
    // A job reads the outputs of its datums once, and the directories of its inputs again and again.
    private const long CacheBytes = 16 << 20;

    private static readonly ConditionalWeakTable<IChunkStore, StoredTrees> ByStore = [];

    private StoredTrees(IChunkStore chunks)
    {
        NodeCache cache = new(CacheBytes);
        Chunks = chunks;
        Contents = new FileContents(chunks);
        Reader = new TreeReader(chunks, cache);
        Editor = new TreeEditor(chunks, cache);
    }

    public IChunkStore Chunks { get; }

    public FileContents Contents { get; }

    public TreeReader Reader { get; }

    public TreeEditor Editor { get; }

    /// <summary>Those of a store: the same for all jobs, so that there is one cache.</summary>
    public static StoredTrees Of(IChunkStore chunks) => ByStore.GetValue(chunks, static store => new StoredTrees(store));

    /// <summary>Applies writes; what is put to one path is appended.</summary>
    public Task<DirectoryReference> ApplyAsync(
        DirectoryReference? root, IReadOnlyList<TreeWrite> writes, IChunkWriter writer, CancellationToken cancellationToken) =>
        Editor.ApplyAsync(root, writes, writer, (parts, token) => Contents.ConcatAsync(parts, writer, token), cancellationToken);
}
