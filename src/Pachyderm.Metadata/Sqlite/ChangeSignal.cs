namespace Pachyderm.Metadata.Sqlite;

/// <summary>Wakes those who wait for changes.</summary>
internal sealed class ChangeSignal(long last)
{
    private readonly Lock _lock = new();
    private readonly HashSet<Waiter> _waiters = [];
    private long _last = last;
    private bool _closed;

    /// <summary>The last change that is durable.</summary>
    public long Last
    {
        get
        {
            lock (_lock)
            {
                return _last;
            }
        }
    }

    /// <summary>How many wait.</summary>
    public int Waiting
    {
        get
        {
            lock (_lock)
            {
                return _waiters.Count;
            }
        }
    }

    /// <summary>Completes as soon as there is a change behind <paramref name="after"/>.</summary>
    public Task WaitAsync(long after, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return Task.FromCanceled(cancellationToken);
        }

        Waiter waiter;
        lock (_lock)
        {
            if (_last > after)
            {
                return Task.CompletedTask;
            }

            ObjectDisposedException.ThrowIf(_closed, typeof(SqliteMetadataStore));
            waiter = new Waiter(after);
            _waiters.Add(waiter);
        }

        // Outside of the lock: a token that is cancelled by now calls back at once.
        return cancellationToken.CanBeCanceled ? WaitAsync(waiter, cancellationToken) : waiter.Task;
    }

    /// <summary>Tells that all changes up to one are durable.</summary>
    public void Publish(long last)
    {
        List<Waiter>? woken = null;
        lock (_lock)
        {
            if (last <= _last)
            {
                return;
            }

            _last = last;
            foreach (Waiter waiter in _waiters)
            {
                if (waiter.After < last)
                {
                    (woken ??= []).Add(waiter);
                }
            }

            foreach (Waiter waiter in woken ?? [])
            {
                _waiters.Remove(waiter);
            }
        }

        foreach (Waiter waiter in woken ?? [])
        {
            waiter.TrySetResult();
        }
    }

    /// <summary>Ends all waiting.</summary>
    public void Close()
    {
        Waiter[] woken;
        lock (_lock)
        {
            _closed = true;
            woken = [.. _waiters];
            _waiters.Clear();
        }

        foreach (Waiter waiter in woken)
        {
            waiter.TrySetException(new ObjectDisposedException(nameof(SqliteMetadataStore)));
        }
    }

    private async Task WaitAsync(Waiter waiter, CancellationToken cancellationToken)
    {
        await using (cancellationToken.UnsafeRegister((_, token) => Cancel(waiter, token), null))
        {
            await waiter.Task;
        }
    }

    private void Cancel(Waiter waiter, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            _waiters.Remove(waiter);
        }

        waiter.TrySetCanceled(cancellationToken);
    }

    private sealed class Waiter(long after) : TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        public long After { get; } = after;
    }
}
