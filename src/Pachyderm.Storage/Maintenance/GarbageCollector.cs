using Pachyderm.Errors;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Index;
using Pachyderm.Storage.Packs;

namespace Pachyderm.Storage.Maintenance;

/// <summary>
/// One garbage collection, beside readers and writers. From <see cref="BeginAsync"/> on, whatever is put or found stored already is kept.
/// The caller then marks all that metadata refers to, read after the beginning, and calls <see cref="SweepAsync"/>.
/// </summary>
/// <remarks>
/// Killed at any point, nothing needed is lost: live chunks are durable elsewhere before their pack leaves the index, and it leaves the
/// index before the object store. A pack that was forgotten and not deleted is found at the next start, and collected another time.
/// </remarks>
public sealed class GarbageCollector : IAsyncDisposable
{
    private readonly PackChunkStore _store;
    private readonly GarbageCollectionOptions _options;
    private readonly LiveChunks _live;
    private readonly IndexRun? _run;
    private long _missing;
    private bool _swept;
    private bool _disposed;

    private GarbageCollector(PackChunkStore store, GarbageCollectionOptions options, LiveChunks live, IndexRun? run)
    {
        _store = store;
        _options = options;
        _live = live;
        _run = run;
    }

    /// <summary>Begins a collection; waits for another one, or a check, to end. The index is merged into one run on the way.</summary>
    /// <param name="store">The store.</param>
    /// <param name="options">When packs are rewritten; null for the defaults.</param>
    /// <param name="cancellationToken">Ends the beginning.</param>
    /// <exception cref="OperatorException">The index cannot be written.</exception>
    public static async Task<GarbageCollector> BeginAsync(
        PackChunkStore store, GarbageCollectionOptions? options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(store);
        if (store.Options.ReadOnly)
        {
            throw new InvalidOperationException("The store is open for reading only.");
        }

        await store.Maintenance.WaitAsync(cancellationToken);
        try
        {
            LiveChunks live = store.BeginCollection();
            IndexRun? run = await store.Index.CompactAsync(cancellationToken);
            live.Use(run);
            return new GarbageCollector(store, options ?? new GarbageCollectionOptions(), live, run);
        }
        catch
        {
            store.EndCollection();
            store.Maintenance.Release();
            throw;
        }
    }

    /// <summary>Marks a chunk as needed. Safe for concurrent use.</summary>
    /// <returns>Whether it was not marked before, so that what it refers to is still to be marked.</returns>
    /// <exception cref="CorruptionException">The index is damaged.</exception>
    public bool Mark(ChunkId id)
    {
        (bool first, bool known) = _live.Mark(id);
        if (first && !known && !_store.Contains(id))
        {
            Interlocked.Increment(ref _missing);
        }

        return first;
    }

    /// <summary>Whether a chunk has been marked so far. Safe for concurrent use.</summary>
    /// <exception cref="CorruptionException">The index is damaged.</exception>
    public bool IsMarked(ChunkId id) => _live.IsMarked(id);

    /// <summary>Marks chunks as needed.</summary>
    public async Task MarkAsync(IAsyncEnumerable<ChunkId> ids, CancellationToken cancellationToken)
    {
        await foreach (ChunkId id in ids.WithCancellation(cancellationToken))
        {
            Mark(id);
        }
    }

    /// <summary>Removes the packs in which nothing is needed, and rewrites those in which little is.</summary>
    /// <exception cref="OperatorException">The spool or the object store fails. Nothing needed is lost; collect again later.</exception>
    public async Task<GarbageCollectionResult> SweepAsync(CancellationToken cancellationToken)
    {
        if (_swept)
        {
            throw new InvalidOperationException("This collection has swept already.");
        }

        _swept = true;
        PackSweeper sweeper = new(_store, _options, _live, _run);
        return await sweeper.SweepAsync(_missing, cancellationToken);
    }

    /// <summary>
    /// What is marked so far, to be kept beyond the end of this collection. It says no of what was stored before the beginning and is not
    /// marked, and yes of everything else.
    /// </summary>
    public ChunkMarks TakeMarks()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        _live.Take();
        return new ChunkMarks(_live);
    }

    /// <summary>
    /// Forgets everything that was adopted from a source, so that the source may go. Nothing marked, and nothing that an open writer
    /// uses, may have its bytes there: <see cref="PackChunkStore.ConsolidateAsync"/> copies them. The source itself is left alone.
    /// </summary>
    /// <param name="source">The name of the source.</param>
    /// <param name="cancellationToken">Ends it; what was not forgotten yet stays.</param>
    /// <exception cref="OperatorException">
    /// <c>adopted-source-needed</c> says how much is left, and nothing has changed; <c>adopted-pack-damaged</c>: of a pack it is not
    /// known what it adopts; or the object store fails.
    /// </exception>
    public Task ReleaseAsync(string source, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(source);
        return new SourceRelease(_store, _live, _run).RunAsync(source, cancellationToken);
    }

    /// <summary>Ends the collection; without a sweep nothing has changed.</summary>
    public ValueTask DisposeAsync()
    {
        if (!_disposed)
        {
            _disposed = true;
            _store.EndCollection();
            _live.End();
            _store.Maintenance.Release();
        }

        return ValueTask.CompletedTask;
    }
}
