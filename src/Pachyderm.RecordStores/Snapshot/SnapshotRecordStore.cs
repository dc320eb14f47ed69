using System.Runtime.CompilerServices;
using Pachyderm.Errors;

namespace Pachyderm.RecordStores.Snapshot;

/// <summary>
/// A record store on an etcd snapshot file. The file is only read: writes stay in memory, on top of it, until
/// <see cref="SaveSnapshotAsync"/> writes both as a new snapshot. Meant for modest numbers of writes; <see cref="SnapshotRewriter"/> is
/// the way to change everything. The file's leases do not expire; those granted here do.
/// </summary>
public sealed class SnapshotRecordStore : IRecordStore
{
    private readonly EtcdSnapshotFile _file;
    private readonly TimeProvider _time;
    private readonly long _opened;
    private readonly Lock _lock = new();
    private readonly SnapshotOverlay _overlay;
    private readonly SnapshotLeases _leases;
    private readonly IReadOnlyList<string> _alarms;
    private readonly Lazy<Task<SnapshotKeyIndex>> _index;
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _disposed;

    private SnapshotRecordStore(EtcdSnapshotFile file, TimeProvider time)
    {
        _file = file;
        _time = time;
        _opened = time.GetTimestamp();
        _overlay = new SnapshotOverlay(file.Revision);
        _leases = new SnapshotLeases(file);
        _alarms = EtcdBuckets.ReadAlarms(file.Reader, file.Buckets);
        _index = new Lazy<Task<SnapshotKeyIndex>>(() => Task.Run(() => SnapshotKeyIndex.Build(file, CancellationToken.None)));
    }

    /// <inheritdoc/>
    public string Location => $"snapshot {_file.Path}";

    /// <inheritdoc/>
    public bool TakesAlternatives => true;

    /// <summary>The file that is read.</summary>
    public EtcdSnapshotFile File => _file;

    /// <summary>Opens a store on a snapshot file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="integrity">How much of it is checked.</param>
    /// <param name="timeProvider">The clock that granted leases expire by.</param>
    /// <param name="cancellationToken">Ends the opening.</param>
    /// <exception cref="OperatorException">
    /// As for <see cref="EtcdSnapshotFile.OpenAsync(string, SnapshotIntegrity, CancellationToken)"/>.
    /// </exception>
    public static async Task<SnapshotRecordStore> OpenAsync(
        string path,
        SnapshotIntegrity integrity,
        TimeProvider timeProvider,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(timeProvider);
        EtcdSnapshotFile file = await EtcdSnapshotFile.OpenAsync(path, integrity, cancellationToken);
        try
        {
            return new SnapshotRecordStore(file, timeProvider);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public Task<RecordStoreStatus> GetStatusAsync(CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            Enter();
            return Task.FromResult(
                new RecordStoreStatus("snapshot", _overlay.Revision, _file.CompactRevision, _file.SizeBytes, null, _alarms));
        }
    }

    /// <inheritdoc/>
    /// <remarks>The order is that of <see cref="StoredRecord.ModRevision"/>.</remarks>
    public async IAsyncEnumerable<IReadOnlyList<StoredRecord>> ReadAsync(
        KeyRange range,
        long revision,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        Dictionary<byte[], OverlayWrite> overlay = StateAt(revision);
        Dictionary<byte[], OverlayWrite>.AlternateLookup<ReadOnlySpan<byte>> lookup = overlay.GetAlternateLookup<ReadOnlySpan<byte>>();
        await foreach (IReadOnlyList<StoredRecord> page in _file.ReadByRevisionAsync(range, cancellationToken))
        {
            IReadOnlyList<StoredRecord> live = overlay.Count == 0 ? page : [.. page.Where(record => !lookup.ContainsKey(record.Key.Span))];
            if (live.Count > 0)
            {
                yield return live;
            }
        }

        IEnumerable<StoredRecord> written = Live(overlay).Select(write => write.Record).Where(record => range.Contains(record.Key.Span));
        foreach (StoredRecord[] page in written.Chunk(1000))
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return page;
        }
    }

    /// <inheritdoc/>
    public async Task<StoredRecord?> GetAsync(ReadOnlyMemory<byte> key, CancellationToken cancellationToken)
    {
        SnapshotKeyIndex index = await _index.Value.WaitAsync(cancellationToken);
        lock (_lock)
        {
            Enter();
            return Find(index, key.Span);
        }
    }

    /// <inheritdoc/>
    /// <exception cref="OperatorException">
    /// A put names a lease that does not exist (<c>lease-not-found</c>); nothing was written.
    /// </exception>
    public async Task<TransactionResult> CommitAsync(RecordTransaction transaction, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(transaction);
        Check(transaction);
        SnapshotKeyIndex index = await _index.Value.WaitAsync(cancellationToken);
        lock (_lock)
        {
            Enter();
            RecordTransaction? chosen = transaction;
            while (chosen is not null && !chosen.Guards.All(guard => Holds(guard, Find(index, guard.Key.Span))))
            {
                chosen = chosen.Otherwise;
            }

            if (chosen is null)
            {
                return new TransactionResult(false, _overlay.Revision);
            }

            foreach (RecordWrite write in chosen.Writes)
            {
                if (write.Lease != 0 && write.Value is not null && !_leases.Exists(write.Lease))
                {
                    throw LeaseNotFound(write.Lease);
                }
            }

            SnapshotOverlay.OverlayRevision revision = _overlay.Begin();
            foreach (RecordWrite write in chosen.Writes)
            {
                StoredRecord? previous = Find(index, write.Key.Span);
                if (write.Value is not null)
                {
                    revision.Put(previous, write);
                }
                else if (previous is not null)
                {
                    revision.Delete(write.Key.Span);
                }
            }

            Announce();
            return new TransactionResult(true, _overlay.Revision);
        }
    }

    /// <inheritdoc/>
    /// <remarks>The history begins at the opening of the file. 0 stands for the next revision.</remarks>
    public async IAsyncEnumerable<RecordEvent> WatchAsync(
        KeyRange range,
        long fromRevision,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (fromRevision != 0 && fromRevision <= _file.Revision)
        {
            throw new OperatorException(
                "watch-compacted",
                Location,
                $"has no history before revision {_file.Revision + 1}, but is to be watched from {fromRevision}",
                "read the records and watch from the revision after that");
        }

        int position;
        lock (_lock)
        {
            Enter();
            position = fromRevision == 0 ? _overlay.Count : 0;
        }

        while (true)
        {
            List<OverlayWrite> writes;
            Task changed;
            lock (_lock)
            {
                Enter();
                writes = _overlay.Since(position);
                changed = _changed.Task;
            }

            position += writes.Count;
            foreach (OverlayWrite write in writes)
            {
                if (write.Main >= fromRevision && range.Contains(write.Record.Key.Span))
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    yield return new RecordEvent(write.Record, write.Deleted);
                }
            }

            await changed.WaitAsync(cancellationToken);
        }
    }

    /// <inheritdoc/>
    public Task<long> GrantLeaseAsync(TimeSpan timeToLive, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(timeToLive, TimeSpan.Zero);
        lock (_lock)
        {
            Enter();
            long lease;
            do
            {
                lease = BitConverter.ToInt64(System.Security.Cryptography.RandomNumberGenerator.GetBytes(sizeof(long))) & long.MaxValue;
            }
            while (lease == 0 || _leases.Exists(lease));

            ITimer timer = _time.CreateTimer(_ => ExpireByTimer(lease), null, timeToLive, Timeout.InfiniteTimeSpan);
            _leases.Grant(lease, timeToLive, Now, timer);
            return Task.FromResult(lease);
        }
    }

    /// <inheritdoc/>
    public Task<bool> RenewLeaseAsync(long lease, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            Enter();
            return Task.FromResult(_leases.Renew(lease, Now));
        }
    }

    /// <inheritdoc/>
    /// <remarks>A file has no past: what it saves holds live records only, whatever was compacted.</remarks>
    public Task CompactAsync(long revision, CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public async Task RevokeLeaseAsync(long lease, CancellationToken cancellationToken)
    {
        List<byte[]> stored = [];
        if (IsStored(lease))
        {
            await foreach (IReadOnlyList<StoredRecord> page in _file.ReadByRevisionAsync(KeyRange.All, cancellationToken))
            {
                stored.AddRange(page.Where(record => record.Lease == lease).Select(record => record.Key.ToArray()));
            }
        }

        lock (_lock)
        {
            Enter();
            Revoke(lease, stored);
        }
    }

    /// <inheritdoc/>
    /// <remarks>An unchanged store is copied byte for byte, with its history; otherwise the history is compacted.</remarks>
    public async Task<long> SaveSnapshotAsync(Stream destination, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(destination);
        SnapshotSaver saver;
        lock (_lock)
        {
            Enter();
            bool changed = _overlay.Count > 0 || _leases.Changed || _file.Sha256 is null;
            saver = new SnapshotSaver(_file, changed ? _overlay.At(long.MaxValue) : null, _overlay.Revision, _leases.Edits());
        }

        return await saver.SaveAsync(destination, cancellationToken);
    }

    /// <summary>Closes the file. Watches end with an <see cref="ObjectDisposedException"/>.</summary>
    public async ValueTask DisposeAsync()
    {
        lock (_lock)
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
            _leases.DisposeTimers();
            Announce();
        }

        if (_index.IsValueCreated)
        {
            await ((Task)_index.Value).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        _file.Dispose();
    }

    // Setting the wall clock must not end a lease.
    private TimeSpan Now => _time.GetElapsedTime(_opened);

    /// <summary>Live writes in the order of their revisions.</summary>
    internal static IEnumerable<OverlayWrite> Live(Dictionary<byte[], OverlayWrite> overlay) =>
        overlay.Values.Where(write => !write.Deleted).OrderBy(write => write.Main).ThenBy(write => write.Sub);

    private static bool Holds(in RecordGuard guard, StoredRecord? record) => guard.Kind switch
    {
        RecordGuardKind.ModRevision => (record?.ModRevision ?? 0) == guard.Revision,
        RecordGuardKind.CreateRevision => (record?.CreateRevision ?? 0) == guard.Revision,
        RecordGuardKind.Value => record is { } found && found.Value.Span.SequenceEqual(guard.Value.Span),
        _ => throw new ArgumentOutOfRangeException(nameof(guard), guard.Kind, "Not a kind of guard."),
    };

    private static void Check(RecordTransaction transaction)
    {
        for (RecordTransaction? link = transaction; link is not null; link = link.Otherwise)
        {
            HashSet<byte[]> keys = new(ByteOrder.Instance);
            foreach (RecordWrite write in link.Writes)
            {
                if (write.Key.IsEmpty || !keys.Add(write.Key.ToArray()))
                {
                    throw new ArgumentException("Each write of a transaction needs a key, and one of its own.", nameof(transaction));
                }
            }
        }
    }

    private OperatorException LeaseNotFound(long lease) =>
        new("lease-not-found", Location, $"has no lease {lease:x16}, or it has expired", "grant a lease and write again");

    private Dictionary<byte[], OverlayWrite> StateAt(long revision)
    {
        lock (_lock)
        {
            Enter();
            if (revision > _overlay.Revision)
            {
                throw new OperatorException(
                    "revision-in-future",
                    Location,
                    $"is at revision {_overlay.Revision}, before {revision}",
                    "read at a revision that exists");
            }

            if (revision != 0 && revision < _file.Revision)
            {
                throw new OperatorException(
                    "revision-compacted",
                    Location,
                    $"can be read from revision {_file.Revision} on, not at {revision}",
                    "read at a newer revision");
            }

            return _overlay.At(revision == 0 ? _overlay.Revision : revision);
        }
    }

    private StoredRecord? Find(SnapshotKeyIndex index, ReadOnlySpan<byte> key) =>
        _overlay.Find(key) is { } write ? (write.Deleted ? null : write.Record) : index.Find(key);

    private bool IsStored(long lease)
    {
        lock (_lock)
        {
            Enter();
            return _leases.IsStored(lease);
        }
    }

    /// <summary>What every call does first, under the lock: leases whose time is over are gone, whenever their timers run.</summary>
    private void Enter()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        foreach (long lease in _leases.Expired(Now))
        {
            Revoke(lease, []);
        }
    }

    private void ExpireByTimer(long lease)
    {
        lock (_lock)
        {
            if (!_disposed)
            {
                Enter();
                _leases.Rearm(lease, Now);
            }
        }
    }

    /// <param name="lease">The lease.</param>
    /// <param name="stored">Keys of the file that are attached to it, unless they were written since.</param>
    private void Revoke(long lease, List<byte[]> stored)
    {
        SortedSet<byte[]> keys = new(_overlay.KeysOf(lease), ByteOrder.Instance);
        keys.UnionWith(stored.Where(key => _overlay.Find(key) is null));
        _leases.Remove(lease);
        SnapshotOverlay.OverlayRevision revision = _overlay.Begin();
        foreach (byte[] key in keys)
        {
            revision.Delete(key);
        }

        Announce();
    }

    private void Announce()
    {
        TaskCompletionSource changed = _changed;
        _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        changed.SetResult();
    }
}
