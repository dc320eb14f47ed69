namespace Pachyderm.Pfs;

/// <summary>One lock for each key in use; the locks of keys that nobody holds or waits for take no memory.</summary>
internal sealed class KeyedLocks<TKey>
    where TKey : notnull
{
    private readonly Dictionary<TKey, Entry> entries = [];

    /// <summary>Waits until nobody else is inside. Disposing the result leaves.</summary>
    public async Task<IDisposable> EnterAsync(TKey key, CancellationToken cancellationToken)
    {
        Entry? entry;
        lock (entries)
        {
            if (!entries.TryGetValue(key, out entry))
            {
                entries.Add(key, entry = new Entry());
            }
            entry.Users++;
        }
        try
        {
            await entry.Semaphore.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            Leave(key, entry);
            throw;
        }
        return new Holder(this, key, entry);
    }

    private void Leave(TKey key, Entry entry)
    {
        lock (entries)
        {
            if (--entry.Users == 0)
            {
                entries.Remove(key);
                entry.Semaphore.Dispose();
            }
        }
    }

    private sealed class Entry
    {
        public SemaphoreSlim Semaphore { get; } = new(1, 1);

        public int Users { get; set; }
    }

    private sealed class Holder(KeyedLocks<TKey> owner, TKey key, Entry entry) : IDisposable
    {
        private Entry? held = entry;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref held, null) is { } mine)
            {
                mine.Semaphore.Release();
                owner.Leave(key, mine);
            }
        }
    }
}
