using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace Pachyderm.Storage.Packs;

/// <summary>The packs that there are. An index entry whose pack is not here does not count.</summary>
internal sealed class PackSet
{
    private readonly ConcurrentDictionary<uint, PackFile> _packs = new();
    private uint _last;
    private long _removals;

    /// <summary>All packs, in no order.</summary>
    public ICollection<PackFile> All => _packs.Values;

    /// <summary>The largest number that was ever given.</summary>
    public uint LastNumber => Volatile.Read(ref _last);

    /// <summary>How often a pack was taken out: a lookup during which it grows starts again.</summary>
    public long Removals => Volatile.Read(ref _removals);

    /// <summary>Goes on numbering after those of an earlier process.</summary>
    public void StartAfter(uint number) => Volatile.Write(ref _last, Math.Max(number, LastNumber));

    /// <summary>Adds a pack that has its number from an earlier process.</summary>
    public void Restore(PackFile pack) => _packs[pack.Number] = pack;

    /// <summary>Adds a pack under a new number.</summary>
    public PackFile Add(PackId id, long startPosition)
    {
        PackFile pack = new(Interlocked.Increment(ref _last), id, startPosition);
        _packs[pack.Number] = pack;
        return pack;
    }

    /// <summary>Finds a pack.</summary>
    public bool TryGet(uint number, [MaybeNullWhen(false)] out PackFile pack) => _packs.TryGetValue(number, out pack);

    /// <summary>Whether there is such a pack.</summary>
    public bool Has(uint number) => _packs.ContainsKey(number);

    /// <summary>Takes a pack out; what the index says of it is void from now on.</summary>
    public void Remove(PackFile pack)
    {
        if (_packs.TryRemove(pack.Number, out _))
        {
            Interlocked.Increment(ref _removals);
        }
    }
}
