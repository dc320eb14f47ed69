using System.IO.Hashing;

namespace Pachyderm.RecordStores.Snapshot;

/// <summary>
/// Remembers keys by a 128-bit hash, 16 bytes a key, in open addressing. The hash is seeded anew in every process, so that nobody
/// can prepare keys that collide.
/// </summary>
internal sealed class HashedKeySet
{
    private static readonly long Seed = BitConverter.ToInt64(System.Security.Cryptography.RandomNumberGenerator.GetBytes(sizeof(long)));

    private UInt128[] _slots = new UInt128[1024];

    public int Count { get; private set; }

    public static UInt128 Hash(ReadOnlySpan<byte> key)
    {
        UInt128 hash = XxHash128.HashToUInt128(key, Seed);
        return hash == UInt128.Zero ? UInt128.One : hash;
    }

    public bool Contains(UInt128 hash) => Count > 0 && _slots[Find(_slots, hash)] != UInt128.Zero;

    /// <summary>Adds a hash; false if it was there.</summary>
    public bool Add(UInt128 hash)
    {
        int slot = Find(_slots, hash);
        if (_slots[slot] != UInt128.Zero)
        {
            return false;
        }

        _slots[slot] = hash;
        Count++;
        if (Count > _slots.Length / 4 * 3)
        {
            Refill(_slots, new UInt128[_slots.Length * 2]);
        }

        return true;
    }

    /// <summary>Forgets every hash whose low bits under <paramref name="mask"/> are not <paramref name="residue"/>.</summary>
    public void Retain(ulong mask, ulong residue)
    {
        // The table itself is used again: a second one of its size would double the peak of memory.
        UInt128[] kept = [.. _slots.Where(hash => hash != UInt128.Zero && ((ulong)hash & mask) == residue)];
        Array.Clear(_slots);
        Refill(kept, _slots);
    }

    /// <summary>Forgets everything, and keeps the table for what comes next.</summary>
    public void Clear()
    {
        Array.Clear(_slots);
        Count = 0;
    }

    /// <summary>Forgets everything, and gives the table back.</summary>
    public void Release()
    {
        _slots = new UInt128[1024];
        Count = 0;
    }

    // The low bits choose what a pass remembers, so that the place in the table comes from the high ones.
    private static int Find(UInt128[] slots, UInt128 hash)
    {
        int slot = (int)((ulong)(hash >> 64) & (ulong)(slots.Length - 1));
        while (slots[slot] != UInt128.Zero && slots[slot] != hash)
        {
            slot = (slot + 1) & (slots.Length - 1);
        }

        return slot;
    }

    private void Refill(UInt128[] hashes, UInt128[] slots)
    {
        Count = 0;
        foreach (UInt128 hash in hashes)
        {
            if (hash != UInt128.Zero)
            {
                slots[Find(slots, hash)] = hash;
                Count++;
            }
        }

        _slots = slots;
    }
}
