using System.Runtime.CompilerServices;
using Pachyderm.Errors;

namespace Pachyderm.RecordStores;

/// <summary>
/// Stands before a record store, counts what is asked of it, and makes it fail where a test wants it to. It is safe for concurrent use
/// as far as the store behind it is.
/// </summary>
/// <param name="inner">The store that does the work.</param>
/// <param name="leaveOpen">Whether <paramref name="inner"/> is left open when this one is disposed of.</param>
public sealed class FaultInjectingRecordStore(IRecordStore inner, bool leaveOpen = false) : IRecordStore
{
    private long _commits;
    private long _writes;
    private long _reads;
    private long _gets;
    private long _watches;
    private long _leaseCalls;
    private long _snapshots;
    private volatile bool _down;

    /// <inheritdoc/>
    public string Location => inner.Location;

    /// <inheritdoc/>
    public bool TakesAlternatives => inner.TakesAlternatives;

    /// <summary>The number of the commit that fails, counted from 1; 0 for none.</summary>
    public long FailAtCommit { get; init; }

    /// <summary>How that commit fails.</summary>
    public CommitFault Fault { get; init; } = CommitFault.BeforeApplied;

    /// <summary>Whether everything after that fails as well (<c>etcd-unreachable</c>), until <see cref="Repair"/>.</summary>
    public bool StaysDown { get; init; }

    /// <summary>
    /// Whether every transaction and every lease call is a mistake of the caller (<see cref="InvalidOperationException"/>), to prove that
    /// something only reads. Transactions that only guard count as writes here.
    /// </summary>
    public bool ReadOnly { get; init; }

    /// <summary>Waits before every commit; the default is not to wait.</summary>
    public TimeSpan CommitDelay { get; init; }

    /// <summary>The clock of <see cref="CommitDelay"/>.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Runs before each commit with its number, from 1: a test may write behind the caller's back, wait, or throw.</summary>
    public Func<long, CancellationToken, Task>? BeforeCommit { get; init; }

    /// <summary>Commits that were asked for, those that failed included.</summary>
    public long Commits => Interlocked.Read(ref _commits);

    /// <summary>Puts and deletes in those commits, without those of alternatives.</summary>
    public long Writes => Interlocked.Read(ref _writes);

    /// <summary>Range reads that were begun.</summary>
    public long Reads => Interlocked.Read(ref _reads);

    /// <summary>Reads of single keys.</summary>
    public long Gets => Interlocked.Read(ref _gets);

    /// <summary>Watches that were begun.</summary>
    public long Watches => Interlocked.Read(ref _watches);

    /// <summary>Leases granted, renewed and revoked.</summary>
    public long LeaseCalls => Interlocked.Read(ref _leaseCalls);

    /// <summary>Snapshots that were begun.</summary>
    public long Snapshots => Interlocked.Read(ref _snapshots);

    /// <summary>Brings a store back that <see cref="StaysDown"/>.</summary>
    public void Repair() => _down = false;

    /// <inheritdoc/>
    public Task<RecordStoreStatus> GetStatusAsync(CancellationToken cancellationToken)
    {
        ThrowIfDown();
        return inner.GetStatusAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<IReadOnlyList<StoredRecord>> ReadAsync(
        KeyRange range,
        long revision,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _reads);
        ThrowIfDown();
        await foreach (IReadOnlyList<StoredRecord> page in inner.ReadAsync(range, revision, cancellationToken))
        {
            yield return page;
            ThrowIfDown();
        }
    }

    /// <inheritdoc/>
    public Task<StoredRecord?> GetAsync(ReadOnlyMemory<byte> key, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _gets);
        ThrowIfDown();
        return inner.GetAsync(key, cancellationToken);
    }

    /// <inheritdoc/>
    public async Task<TransactionResult> CommitAsync(RecordTransaction transaction, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(transaction);
        long number = Interlocked.Increment(ref _commits);
        Interlocked.Add(ref _writes, transaction.Writes.Count);
        ThrowIfReadOnly();
        ThrowIfDown();
        if (CommitDelay > TimeSpan.Zero)
        {
            await Task.Delay(CommitDelay, TimeProvider, cancellationToken);
        }

        if (BeforeCommit is not null)
        {
            await BeforeCommit(number, cancellationToken);
        }

        CommitFault fault = number == FailAtCommit ? Fault : CommitFault.None;
        if (fault == CommitFault.BeforeApplied)
        {
            _down = StaysDown;
            throw Unreachable();
        }

        TransactionResult result = await inner.CommitAsync(transaction, cancellationToken);
        if (fault == CommitFault.AfterApplied)
        {
            _down = StaysDown;
            throw new OperatorException(
                "transaction-outcome-unknown",
                Location,
                $"the answer to commit {number} was lost, as the test wanted",
                "read the keys to see whether it was made, or start again");
        }

        return result;
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<RecordEvent> WatchAsync(
        KeyRange range,
        long fromRevision,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _watches);
        ThrowIfDown();
        await foreach (RecordEvent change in inner.WatchAsync(range, fromRevision, cancellationToken))
        {
            ThrowIfDown();
            yield return change;
        }
    }

    /// <inheritdoc/>
    public Task<long> GrantLeaseAsync(TimeSpan timeToLive, CancellationToken cancellationToken)
    {
        CountLeaseCall();
        return inner.GrantLeaseAsync(timeToLive, cancellationToken);
    }

    /// <inheritdoc/>
    public Task<bool> RenewLeaseAsync(long lease, CancellationToken cancellationToken)
    {
        CountLeaseCall();
        return inner.RenewLeaseAsync(lease, cancellationToken);
    }

    /// <inheritdoc/>
    public Task RevokeLeaseAsync(long lease, CancellationToken cancellationToken)
    {
        CountLeaseCall();
        return inner.RevokeLeaseAsync(lease, cancellationToken);
    }

    /// <inheritdoc/>
    public Task CompactAsync(long revision, CancellationToken cancellationToken)
    {
        ThrowIfReadOnly();
        ThrowIfDown();
        return inner.CompactAsync(revision, cancellationToken);
    }

    /// <inheritdoc/>
    public Task<long> SaveSnapshotAsync(Stream destination, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _snapshots);
        ThrowIfDown();
        return inner.SaveSnapshotAsync(destination, cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => leaveOpen ? ValueTask.CompletedTask : inner.DisposeAsync();

    private void CountLeaseCall()
    {
        Interlocked.Increment(ref _leaseCalls);
        ThrowIfReadOnly();
        ThrowIfDown();
    }

    private void ThrowIfReadOnly()
    {
        if (ReadOnly)
        {
            throw new InvalidOperationException($"{Location}: a write was attempted where only reading is allowed");
        }
    }

    private void ThrowIfDown()
    {
        if (_down)
        {
            throw Unreachable();
        }
    }

    private OperatorException Unreachable() =>
        new("etcd-unreachable", Location, "the store was taken away, as the test wanted", "bring it back and start again");
}
