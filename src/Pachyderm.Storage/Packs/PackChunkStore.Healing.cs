using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using Pachyderm.Errors;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Index;
using Pachyderm.Storage.Maintenance;

namespace Pachyderm.Storage.Packs;

public sealed partial class PackChunkStore
{
    private readonly Lock _healingGate = new();
    private Task _healing = Task.CompletedTask;

    /// <summary>Builds the chunk index again from the packs alone, beside readers and writers.</summary>
    /// <exception cref="OperatorException">The index cannot be written, or a pack cannot be read.</exception>
    public Task RebuildIndexAsync(CancellationToken cancellationToken) =>
        _index.RebuildAsync(ReadContentsAsync(cancellationToken), cancellationToken);

    // A damaged index fails no write: the chunk is stored once more.
    private bool TryFind(ChunkId id, out ChunkLocation location, [MaybeNullWhen(false)] out PackFile pack)
    {
        try
        {
            return _index.TryGet(id, out location, out pack);
        }
        catch (CorruptionException)
        {
            location = default;
            pack = null;
            return false;
        }
    }

    private void BeginHealing()
    {
        lock (_healingGate)
        {
            if (!_options.ReadOnly && _healing.IsCompleted)
            {
                _healing = Task.Run(RebuildDamagedAsync, CancellationToken.None);
            }
        }
    }

    private async Task RebuildDamagedAsync()
    {
        try
        {
            await RebuildIndexAsync(CancellationToken.None);
            _options.Report(new StorageFinding(
                "index-rebuilt", _options.IndexDirectory, "the chunk index was damaged", "it was built from the packs", Fixed: true));
        }
        catch (OperatorException exception)
        {
            _options.Report(new StorageFinding(exception.Id, exception.Thing, exception.Problem, exception.Remedy, Fixed: false));
        }
    }

    // What is not in the object store is looked at first: a pack that moves meanwhile is then seen twice rather than never. Adopted packs
    // are told first, so that copies of their chunks count as newer.
    private async IAsyncEnumerable<PackContents> ReadContentsAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        List<PackContents> unsealed = [];
        if (_spool.GetOpen() is var (open, entries))
        {
            unsealed.Add(new PackContents(open, entries, IsStored: false));
        }

        foreach (OpenPack waiting in _sealer.GetWaiting())
        {
            unsealed.Add(new PackContents(waiting.Pack, [.. waiting.Entries], IsStored: false));
        }

        foreach (PackFile pack in _packs.All.Where(static pack => pack.Adoption is not null))
        {
            yield return new PackContents(pack, await ReadEntriesAsync(pack, cancellationToken), IsStored: true);
        }

        foreach (PackContents contents in unsealed)
        {
            yield return contents;
        }

        HashSet<uint> seen = [.. unsealed.Select(static contents => contents.Pack.Number)];
        foreach (PackFile pack in _packs.All)
        {
            if (pack.Adoption is null && pack.SpoolPath is null && !seen.Contains(pack.Number))
            {
                yield return new PackContents(pack, await ReadEntriesAsync(pack, cancellationToken), IsStored: true);
            }
        }
    }

    private async Task<List<PackEntry>> ReadEntriesAsync(PackFile pack, CancellationToken cancellationToken)
    {
        try
        {
            return await _catalog.ReadEntriesAsync(pack, cancellationToken);
        }
        catch (CorruptionException exception)
        {
            // One pack that is gone is no reason to do without all others.
            _options.Report(new StorageFinding(exception.Id, exception.Thing, exception.Problem, exception.Remedy, Fixed: false));
            return [];
        }
    }
}
