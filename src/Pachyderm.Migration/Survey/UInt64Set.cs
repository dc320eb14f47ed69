namespace Pachyderm.Migration.Survey;

/// <summary>
/// A set of 64-bit hashes in open addressing: 8 bytes an entry at a load of at most 3/4. Millions of commits are known by their hash
/// in tens of megabytes. Membership of something never added is wrongly affirmed with a probability of about n / 2^64.
/// </summary>
internal sealed class UInt64Set
{
    // Zero marks an empty slot; the hash zero itself is remembered apart.
    private ulong[] _slots = new ulong[16];
    private bool _hasZero;

    /// <summary>Number of members.</summary>
    public long Count { get; private set; }

    /// <summary>Adds a hash; false if it was a member.</summary>
    public bool Add(ulong hash)
    {
        if (hash == 0)
        {
            bool added = !_hasZero;
            _hasZero = true;
            Count += added ? 1 : 0;
            return added;
        }

        if ((Count + 1) * 4 > _slots.LongLength * 3)
        {
            Grow();
        }

        if (!Insert(_slots, hash))
        {
            return false;
        }

        Count++;
        return true;
    }

    /// <summary>Whether a hash is a member.</summary>
    public bool Contains(ulong hash)
    {
        if (hash == 0)
        {
            return _hasZero;
        }

        ulong mask = (ulong)_slots.LongLength - 1;
        for (ulong slot = hash & mask; _slots[slot] != 0; slot = (slot + 1) & mask)
        {
            if (_slots[slot] == hash)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Adds all members of another set.</summary>
    public void UnionWith(UInt64Set other)
    {
        if (other._hasZero)
        {
            Add(0);
        }

        // Slots are walked in the order of the hashes' low bits. Into a table that still has to grow they would all land in one run;
        // into one of the final size they spread as they should.
        while ((Count + other.Count) * 4 > _slots.LongLength * 3)
        {
            Grow();
        }

        foreach (ulong hash in other._slots)
        {
            if (hash != 0)
            {
                Add(hash);
            }
        }
    }

    /// <summary>How many members of this set are not members of <paramref name="other"/>.</summary>
    public long CountMissingFrom(UInt64Set other)
    {
        long missing = _hasZero && !other._hasZero ? 1 : 0;
        foreach (ulong hash in _slots)
        {
            if (hash != 0 && !other.Contains(hash))
            {
                missing++;
            }
        }

        return missing;
    }

    private static bool Insert(ulong[] slots, ulong hash)
    {
        ulong mask = (ulong)slots.LongLength - 1;
        ulong slot = hash & mask;
        while (slots[slot] != 0)
        {
            if (slots[slot] == hash)
            {
                return false;
            }

            slot = (slot + 1) & mask;
        }

        slots[slot] = hash;
        return true;
    }

    private void Grow()
    {
        ulong[] larger = new ulong[_slots.LongLength * 2];
        foreach (ulong hash in _slots)
        {
            if (hash != 0)
            {
                Insert(larger, hash);
            }
        }

        _slots = larger;
    }
}
