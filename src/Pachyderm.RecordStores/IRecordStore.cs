namespace Pachyderm.RecordStores;

/// <summary>
/// A flat, revisioned map from keys to values with the semantics of etcd v3: a live etcd, an etcd snapshot file, or the etcd of a
/// Kubernetes namespace. Implementations are safe for concurrent use. Failures that a person must act on are
/// <see cref="Errors.OperatorException"/>s; a connection that comes back within <c>30 s</c> is not a failure.
/// </summary>
public interface IRecordStore : IAsyncDisposable
{
    /// <summary>Where the store is, for messages: <c>etcd 127.0.0.1:2379</c>, <c>snapshot etcd.snap</c>.</summary>
    string Location { get; }

    /// <summary>Whether transactions may have a <see cref="RecordTransaction.Otherwise"/>: in etcd from version 3.3 on.</summary>
    bool TakesAlternatives { get; }

    /// <summary>Reads version, revision, size, quota and alarms.</summary>
    Task<RecordStoreStatus> GetStatusAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Reads every live record of a range exactly once, all as of one revision, in pages of bounded size. The order is the
    /// driver's own. Costs O(records), with memory for a few pages.
    /// </summary>
    /// <param name="range">The keys to read.</param>
    /// <param name="revision">The revision to read at, or 0 for the one that is current when the first page is read.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    IAsyncEnumerable<IReadOnlyList<StoredRecord>> ReadAsync(KeyRange range, long revision, CancellationToken cancellationToken);

    /// <summary>Reads one record; null if the key does not exist.</summary>
    Task<StoredRecord?> GetAsync(ReadOnlyMemory<byte> key, CancellationToken cancellationToken);

    /// <summary>
    /// Commits a transaction. A transaction without guards always succeeds. If the answer is lost on the way, an
    /// <see cref="Errors.OperatorException"/> with id <c>transaction-outcome-unknown</c> is thrown, never a silent retry.
    /// </summary>
    Task<TransactionResult> CommitAsync(RecordTransaction transaction, CancellationToken cancellationToken);

    /// <summary>
    /// Delivers every change of a range from a revision on, in order, without gaps, across lost connections. Ends on
    /// cancellation; throws <see cref="Errors.OperatorException"/> <c>watch-compacted</c> when the store no longer has the revision.
    /// </summary>
    IAsyncEnumerable<RecordEvent> WatchAsync(KeyRange range, long fromRevision, CancellationToken cancellationToken);

    /// <summary>Grants a lease: keys attached to it vanish <paramref name="timeToLive"/> after the last renewal.</summary>
    Task<long> GrantLeaseAsync(TimeSpan timeToLive, CancellationToken cancellationToken);

    /// <summary>Renews a lease; false if it has expired or was never granted.</summary>
    Task<bool> RenewLeaseAsync(long lease, CancellationToken cancellationToken);

    /// <summary>Revokes a lease and deletes its keys. Revoking an unknown lease is no error.</summary>
    Task RevokeLeaseAsync(long lease, CancellationToken cancellationToken);

    /// <summary>
    /// Forgets what records were before a revision, so that its space can be used again. Live records stay. Compacting at a revision
    /// that was compacted before is no error.
    /// </summary>
    /// <param name="revision">The revision, not above the current one; reads and watches below it end with an error.</param>
    /// <param name="cancellationToken">Ends the waiting; etcd goes on.</param>
    Task CompactAsync(long revision, CancellationToken cancellationToken);

    /// <summary>
    /// Writes the whole store, as of one revision, to <paramref name="destination"/> in the format of <c>etcdctl snapshot save</c>:
    /// a bbolt database followed by its SHA-256.
    /// </summary>
    /// <returns>The number of bytes written.</returns>
    Task<long> SaveSnapshotAsync(Stream destination, CancellationToken cancellationToken);
}
