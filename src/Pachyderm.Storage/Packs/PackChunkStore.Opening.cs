using System.Collections.Concurrent;
using System.Globalization;
using Pachyderm.Errors;
using Pachyderm.ObjectStores;
using Pachyderm.Storage.Index;
using Pachyderm.Storage.Maintenance;

namespace Pachyderm.Storage.Packs;

public sealed partial class PackChunkStore
{
    private const int ParallelFooters = 8;
    private const string ClaimName = "lock";

    /// <summary>
    /// Opens a store, creating what is not there. Packs of the spool are recovered, packs that the index does not know are indexed, and
    /// what is found on the way is told to <see cref="PackStoreOptions.OnFinding"/>. Takes time by the number of packs, not of chunks.
    /// </summary>
    /// <exception cref="OperatorException">A directory or the object store cannot be used, another process has the store open
    /// (<c>storage-in-use</c>), or a later release wrote it (<c>pack-format-unknown</c>).</exception>
    public static async Task<PackChunkStore> OpenAsync(PackStoreOptions options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.PackSize, 1 << 10, nameof(options));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.PackSize, 1 << 30, nameof(options));
        FileStream? claim = options.ReadOnly ? null : Claim(options.SpoolDirectory);
        PackChunkStore? store = null;
        try
        {
            store = new PackChunkStore(options, claim);
            await store.LoadAsync(cancellationToken);
            return store;
        }
        catch
        {
            if (store is null)
            {
                claim?.Dispose();
            }
            else
            {
                await store.AbandonAsync();
            }

            throw;
        }
    }

    /// <summary>Seals what is open, moves it into the object store if that can be reached, and closes everything.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!_options.ReadOnly)
        {
            try
            {
                await SealAsync(CancellationToken.None);
            }
            catch (OperatorException exception)
            {
                _options.Report(new StorageFinding(
                    exception.Id, exception.Thing, exception.Problem,
                    exception.Remedy + "; packs stay in the spool until the next start, nothing is lost", Fixed: false));
            }
        }

        await CloseAsync(flushIndex: true);
    }

    /// <summary>Closes all files without sealing or flushing anything: as far as the disk can tell, the process was killed.</summary>
    internal Task AbandonAsync() => CloseAsync(flushIndex: false);

    private async Task CloseAsync(bool flushIndex)
    {
        await Volatile.Read(ref _healing);
        await _adopted.DisposeAsync();
        await _sealer.StopAsync();
        await _index.CloseAsync(flushIndex);
        _spool.Abandon();
        _sealer.Dispose();
        _reader.Dispose();
        _maintenance.Dispose();
        _consolidation.Dispose();
        if (_claim is not null)
        {
            await _claim.DisposeAsync();
        }
    }

    private static FileStream Claim(string directory)
    {
        try
        {
            DurableFiles.CreateDirectory(directory);
            return new FileStream(Path.Combine(directory, ClaimName), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException exception) when (File.Exists(Path.Combine(directory, ClaimName)))
        {
            throw new OperatorException("storage-in-use", directory, "another process has it open", "stop that process first", exception);
        }
        catch (Exception exception) when (StorageErrors.IsStorageFailure(exception))
        {
            throw StorageErrors.Translate(exception, directory);
        }
    }

    private async Task LoadAsync(CancellationToken cancellationToken)
    {
        Dictionary<PackId, long> inStore = await _catalog.ListAsync(cancellationToken);
        List<PackFile> unknown = Match(inStore);
        _index.Start();
        await IndexAsync(unknown, cancellationToken);
        foreach (OpenPack open in PackRecovery.Recover(_options, _packs, inStore))
        {
            cancellationToken.ThrowIfCancellationRequested();
            _index.AddPack(open.Pack, open.Entries);
            if (_options.ReadOnly)
            {
                _reader.Adopt(open.Pack);
            }
            else
            {
                _sealer.Add(open);
            }
        }

        if (!_options.ReadOnly)
        {
            _sealer.Start(_spool.Commit);
        }
    }

    // What the index knows and the object store has keeps its number; the rest of the object store gets new ones.
    private List<PackFile> Match(Dictionary<PackId, long> inStore)
    {
        HashSet<PackId> known = [];
        foreach (IndexedPack indexed in _index.Listed)
        {
            if (inStore.TryGetValue(indexed.Id, out long length) && length == indexed.Length)
            {
                known.Add(indexed.Id);
                _packs.Restore(new PackFile(indexed.Number, indexed.Id, PackFile.Past)
                {
                    Length = length,
                    Adoption = indexed.Adoption,
                });
            }
            else if (!inStore.ContainsKey(indexed.Id))
            {
                _options.Report(new StorageFinding(
                    "pack-missing", $"pack {indexed.Id} in {_options.Objects.Location}", "it is gone",
                    "restore it from a backup, then start pachd again", Fixed: false));
            }
        }

        List<PackFile> unknown = [];
        foreach ((PackId id, long length) in inStore.Where(pair => !known.Contains(pair.Key)))
        {
            PackFile pack = _packs.Add(id, PackFile.Past);
            pack.Length = length;
            unknown.Add(pack);
        }

        return unknown;
    }

    private async Task IndexAsync(List<PackFile> unknown, CancellationToken cancellationToken)
    {
        ConcurrentBag<PackFile> adopted = [];
        ParallelOptions parallel = new() { MaxDegreeOfParallelism = ParallelFooters, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(unknown, parallel, async (pack, token) =>
        {
            List<PackEntry> entries = await _catalog.ReadEntriesAsync(pack, token);
            if (pack.Adoption is not null)
            {
                // Once all copies are known.
                adopted.Add(pack);
                return;
            }

            _index.AddPack(pack, entries);
            _index.NoteStored(pack);
            await MakeRoomAsync(token);
        });
        await Parallel.ForEachAsync(adopted, parallel, async (pack, token) =>
        {
            _index.AddPack(pack, (await _catalog.ReadEntriesAsync(pack, token)).Where(IsNotCopied));
            _index.NoteStored(pack);
            await MakeRoomAsync(token);
        });
        if (unknown.Count > 0)
        {
            _options.Report(new StorageFinding(
                "packs-indexed", _options.Objects.Location,
                string.Create(CultureInfo.InvariantCulture, $"{unknown.Count} packs were not in the chunk index"),
                "they are now", Fixed: true));
        }
    }
    // What was copied from an adopted pack counts as newer.
    private bool IsNotCopied(PackEntry entry) =>
        !TryFind(entry.Id, out ChunkLocation location, out _) || location.Payload.Encoding == ChunkEncoding.Reference;
}
