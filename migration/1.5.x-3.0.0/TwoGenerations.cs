using System.Diagnostics.CodeAnalysis;

namespace Pachyderm.Migration.Steps.Native;

/// <summary>
/// Remembers what was used last: at least <paramref name="capacity"/> entries, at most twice as many. When the newer half is full, the
/// older
/// one is dropped. Not safe for concurrent use.
/// </summary>
/// <param name="capacity">Entries of one half, above 0.</param>
internal sealed class TwoGenerations<TKey, TValue>(int capacity)
    where TKey : notnull
{
    private Dictionary<TKey, TValue> newer = [];
    private Dictionary<TKey, TValue> older = [];

    /// <summary>Finds an entry, which counts as a use.</summary>
    public bool TryGet(TKey key, [MaybeNullWhen(false)] out TValue value)
    {
        if (newer.TryGetValue(key, out value))
        {
            return true;
        }
        if (!older.TryGetValue(key, out value))
        {
            return false;
        }
        Set(key, value);
        return true;
    }

    /// <summary>Adds or replaces an entry.</summary>
    public void Set(TKey key, TValue value)
    {
        if (newer.Count >= capacity)
        {
            (older, newer) = (newer, older);
            newer.Clear();
        }
        newer[key] = value;
    }
}
