using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Pachyderm.Errors;
using Pachyderm.ObjectStores;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Maintenance;
using Pachyderm.Storage.Packs;

namespace Pachyderm.Storage.Index;

/// <summary>
/// Where each chunk lies: a table in memory for what is new, and sorted runs on disk, merged in the background. Derived data: an entry
/// counts only while its pack is in the <see cref="PackSet"/>, and everything can be built again from the packs.
/// </summary>
internal sealed partial class ChunkIndex : IAsyncDisposable
{
    private const int UnlistedPackLimit = 64;

    // So many tables' worth of entries may pile up in memory while a merge keeps the disk busy.
    private const int TablesInMemory = 2;

    private readonly PackSet _packs;
    private readonly IndexFiles _files;
    private readonly ChunkIndexOptions _options;
    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _work = new(1, 1);
    private readonly SemaphoreSlim _wake = new(0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Dictionary<uint, IndexedPack> _listed = [];
    private List<IndexedPack> _stored = [];
    private List<IndexedPack> _storedBeforeFlush = [];
    private IndexState _state;
    private int _activeCount;
    private bool _hasCopies;
    private Task _worker = Task.CompletedTask;
    private string? _lastFailure;

    private ChunkIndex(IndexFiles files, PackSet packs, ChunkIndexOptions options, IEnumerable<IndexRun> runs)
    {
        _files = files;
        _packs = packs;
        _options = options;
        _state = new IndexState(NewTable(), Flushing: null, [.. runs]);
    }

    /// <summary>The packs whose entries the index had when it was opened.</summary>
    public IReadOnlyCollection<IndexedPack> Listed => _listed.Values;

    /// <summary>Opens an index, or begins one where there is none that can be used. <see cref="Start"/> follows.</summary>
    /// <exception cref="OperatorException">The directory cannot be read or written.</exception>
    public static ChunkIndex Open(string directory, PackSet packs, ChunkIndexOptions options)
    {
        try
        {
            if (!options.ReadOnly)
            {
                DurableFiles.CreateDirectory(directory);
            }

            IndexFiles files = new(directory);
            List<IndexRun> runs = [];
            IndexManifest? manifest = files.TryOpen(runs, out string? reason);
            if (reason is not null)
            {
                options.Report(new StorageFinding(
                    "index-rebuilt", directory, $"the chunk index cannot be used: {reason}", "it is built from the packs", Fixed: true));
            }

            packs.StartAfter(manifest?.LastPackNumber ?? 0);
            if (!options.ReadOnly)
            {
                files.RemoveStrays(manifest?.Runs ?? []);
            }

            ChunkIndex index = new(files, packs, options, runs) { _hasCopies = manifest?.HasCopies ?? false };
            foreach (IndexedPack pack in manifest?.Packs ?? [])
            {
                index._listed[pack.Number] = pack;
            }

            return index;
        }
        catch (Exception exception) when (StorageErrors.IsStorageFailure(exception))
        {
            throw StorageErrors.Translate(exception, directory);
        }
    }

    /// <summary>Says which of the <see cref="Listed"/> packs are still there, and begins the work in the background.</summary>
    public void Start()
    {
        lock (_gate)
        {
            foreach (uint gone in _listed.Keys.Where(number => !_packs.Has(number)).ToList())
            {
                _listed.Remove(gone);
            }
        }

        if (!_options.ReadOnly)
        {
            _worker = Task.Run(WorkAsync, CancellationToken.None);
        }
    }

    /// <summary>Finds a chunk.</summary>
    /// <param name="id">The chunk.</param>
    /// <param name="location">Where it lies.</param>
    /// <param name="pack">The pack that it lies in.</param>
    /// <exception cref="CorruptionException"><c>index-damaged</c>.</exception>
    public bool TryGet(ChunkId id, out ChunkLocation location, [MaybeNullWhen(false)] out PackFile pack)
    {
        while (true)
        {
            IndexState state = Volatile.Read(ref _state);
            long removals = _packs.Removals;
            try
            {
                if (TryGetRecent(state, id, out location, out pack))
                {
                    return true;
                }

                foreach (IndexRun run in state.Runs)
                {
                    if (run.Find(id, out location) >= 0 && _packs.TryGet(location.Pack, out pack))
                    {
                        return true;
                    }
                }

                // A chunk that garbage collection moved meanwhile is in the table by now.
                if (removals == _packs.Removals)
                {
                    return false;
                }
            }
            catch (ObjectDisposedException) when (state != Volatile.Read(ref _state))
            {
                // A merge replaced the runs.
            }
            catch (CorruptionException)
            {
                _options.Damaged();
                throw;
            }
        }
    }

    /// <summary>Finds a chunk among those that were added lately.</summary>
    public bool TryGetRecent(ChunkId id, out ChunkLocation location, [MaybeNullWhen(false)] out PackFile pack) =>
        TryGetRecent(Volatile.Read(ref _state), id, out location, out pack);

    /// <summary>Adds a chunk, in the place of an earlier entry.</summary>
    public void Add(ChunkId id, in ChunkLocation location)
    {
        bool full;
        lock (_gate)
        {
            ConcurrentDictionary<ChunkId, ChunkLocation> table = _state.Active;
            if (table.TryAdd(id, location))
            {
                _activeCount++;
            }
            else
            {
                table[id] = location;
            }

            full = _activeCount >= _options.TableLimit;
        }

        if (full)
        {
            Wake();
        }
    }

    /// <summary>Whether entries come faster than they are written: whoever adds more calls <see cref="FlushAsync"/> first.</summary>
    public bool IsOverfull => !_options.ReadOnly && Volatile.Read(ref _activeCount) > TablesInMemory * _options.TableLimit;

    /// <summary>Adds all chunks of a pack.</summary>
    public void AddPack(PackFile pack, IEnumerable<PackEntry> entries)
    {
        foreach (PackEntry entry in entries)
        {
            Add(entry.Id, new ChunkLocation(pack.Number, entry.Offset, entry.Payload));
        }
    }

    /// <summary>
    /// Notes that a pack is in the object store and all its entries were added: once they are in runs, it need not be looked at again.
    /// </summary>
    public void NoteStored(PackFile pack)
    {
        bool many;
        lock (_gate)
        {
            if (!_packs.Has(pack.Number))
            {
                // Collected as soon as it was there.
                return;
            }

            _hasCopies |= pack.Version == PackFormat.CopiedVersion;
            _stored.Add(new IndexedPack(pack.Number, pack.Id, pack.Length, pack.Adoption));
            many = _stored.Count >= Math.Max(UnlistedPackLimit, _listed.Count / 16);
        }

        if (many)
        {
            Wake();
        }
    }

    private static ConcurrentDictionary<ChunkId, ChunkLocation> NewTable() => new();

    private static List<IndexEntry> Sorted(ConcurrentDictionary<ChunkId, ChunkLocation> table)
    {
        // Into an array of the right size: one that grows would leave as much garbage again, and it is megabytes each time.
        List<IndexEntry> entries = new(table.Count);
        entries.AddRange(table.Select(static pair => new IndexEntry(pair.Key, pair.Value)));
        entries.Sort(static (a, b) => a.Id.CompareTo(b.Id));
        return entries;
    }

    private bool TryGetRecent(IndexState state, ChunkId id, out ChunkLocation location, [MaybeNullWhen(false)] out PackFile pack)
    {
        if (state.Active.TryGetValue(id, out location) && _packs.TryGet(location.Pack, out pack))
        {
            return true;
        }

        pack = null;
        return state.Flushing is { } flushing && flushing.TryGetValue(id, out location) && _packs.TryGet(location.Pack, out pack);
    }

    private void Wake()
    {
        if (_wake.CurrentCount == 0)
        {
            _wake.Release();
        }
    }
}

/// <summary>Settings of a <see cref="ChunkIndex"/>.</summary>
/// <param name="ReadOnly">Whether nothing may be written.</param>
/// <param name="TableLimit">Entries held in memory before they become a run.</param>
/// <param name="Report">Told what a person should know.</param>
/// <param name="Damaged">Told that a run is damaged, possibly many times.</param>
/// <param name="MakeDurable">
/// Makes all that was added durable. Called before entries become a run: merged with older ones, they take the place of those, which a
/// power loss must not leave without the other.
/// </param>
internal sealed record ChunkIndexOptions(
    bool ReadOnly, int TableLimit, Action<StorageFinding> Report, Action Damaged, Func<CancellationToken, Task> MakeDurable)
{
    /// <summary>Default number of entries in memory: about 12 MB.</summary>
    public const int DefaultTableLimit = 128 * 1024;
}
