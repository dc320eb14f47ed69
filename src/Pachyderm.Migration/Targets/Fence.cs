using Pachyderm.Errors;
using Pachyderm.Migration.Journal;
using Pachyderm.RecordStores;

namespace Pachyderm.Migration.Targets;

/// <summary>
/// The fence in a live store: a key on a lease that is renewed as long as the process lives. Every write of the migration is
/// guarded by it, so that a holder whose lease has run out cannot write any more.
/// </summary>
internal sealed class Fence : IAsyncDisposable
{
    private static readonly TimeSpan TimeToLive = TimeSpan.FromSeconds(30);

    private readonly IRecordStore _store;
    private readonly byte[] _key;
    private readonly long _lease;
    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationTokenSource _lost = new();
    private readonly Task _renewal;

    private Fence(IRecordStore store, byte[] key, long lease, long createRevision, FenceHolder holder, TimeProvider time)
    {
        _store = store;
        _key = key;
        _lease = lease;
        CreateRevision = createRevision;
        Holder = holder;
        _renewal = RenewAsync(time);
    }

    /// <summary>This process, as it is written in the fence.</summary>
    public FenceHolder Holder { get; }

    /// <summary>Revision that created the fence.</summary>
    public long CreateRevision { get; }

    /// <summary>Cancelled when the lease has run out or the fence was taken away.</summary>
    public CancellationToken Lost => _lost.Token;

    /// <summary>Holds as long as the fence is ours.</summary>
    public RecordGuard Guard => RecordGuard.SameKey(_key, CreateRevision);

    /// <summary>Takes the fence, also from a process of this machine that has ended.</summary>
    /// <exception cref="OperatorException"><c>fence-held</c>: somebody else has it.</exception>
    public static async Task<Fence> AcquireAsync(
        IRecordStore store, MigrationKeys keys, string migrationId, TimeProvider time, CancellationToken cancellationToken)
    {
        byte[] key = keys.Fence;
        long epoch = 1;
        long lease = 0;
        FenceHolder? self = null;
        while (true)
        {
            StoredRecord? held = await store.GetAsync(key, cancellationToken);
            if (held is { } record)
            {
                if (lease != 0 && record.Lease == lease)
                {
                    // The answer was lost, and it was a yes.
                    return new Fence(store, key, lease, record.CreateRevision, self!, time);
                }

                FenceHolder holder = JournalJson.Decode(record.Value.Span, JournalJson.Default.FenceHolder, $"{store.Location} fence");
                if (!holder.HasEndedHere())
                {
                    throw Held(store, holder);
                }

                epoch = holder.Epoch + 1;
                await TryCommitAsync(
                    store, new RecordTransaction([RecordGuard.Unchanged(key, record.ModRevision)], [RecordWrite.Delete(key)]),
                    cancellationToken);
            }

            lease = lease != 0 ? lease : await store.GrantLeaseAsync(TimeToLive, cancellationToken);
            self = FenceHolder.ThisProcess(migrationId, epoch, time);
            TransactionResult? taken = await TryCommitAsync(
                store,
                new RecordTransaction(
                    [RecordGuard.Absent(key)],
                    [RecordWrite.Put(key, JournalJson.Encode(self, JournalJson.Default.FenceHolder), lease)]),
                cancellationToken);
            if (taken is { Succeeded: true } yes)
            {
                return new Fence(store, key, lease, yes.Revision, self, time);
            }

            // Another operator was faster, or the answer was lost: the next turn reads which.
            if (taken is not null)
            {
                await store.RevokeLeaseAsync(lease, cancellationToken);
                lease = 0;
            }
        }
    }

    private static async Task<TransactionResult?> TryCommitAsync(
        IRecordStore store, RecordTransaction transaction, CancellationToken cancellationToken)
    {
        try
        {
            return await store.CommitAsync(transaction, cancellationToken);
        }
        catch (OperatorException exception) when (exception.Id == "transaction-outcome-unknown")
        {
            return null;
        }
    }

    /// <summary>Reads who holds the fence of a store; null if nobody does.</summary>
    public static async Task<FenceHolder?> ReadAsync(IRecordStore store, MigrationKeys keys, CancellationToken cancellationToken) =>
        await store.GetAsync(keys.Fence, cancellationToken) is { } record
            ? JournalJson.Decode(record.Value.Span, JournalJson.Default.FenceHolder, $"{store.Location} fence")
            : null;

    /// <summary>Gives the fence up.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _renewal;
        if (!_lost.IsCancellationRequested)
        {
            try
            {
                await _store.RevokeLeaseAsync(_lease, CancellationToken.None);
            }
            catch (OperatorException)
            {
                // The store cannot be reached any more. The lease runs out by itself, which gives the fence up just as well.
            }
        }

        _stop.Dispose();
        _lost.Dispose();
    }

    internal static OperatorException Held(IRecordStore store, FenceHolder holder) => new(
        "fence-held",
        store.Location,
        $"another migration holds the fence ({holder})",
        "wait until it ends, or ask its operator; the fence of a process that has died opens within 30 s");

    private async Task RenewAsync(TimeProvider time)
    {
        using PeriodicTimer timer = new(TimeToLive / 6, time);
        DateTimeOffset renewed = time.GetUtcNow();
        try
        {
            while (await timer.WaitForNextTickAsync(_stop.Token))
            {
                try
                {
                    if (!await _store.RenewLeaseAsync(_lease, _stop.Token))
                    {
                        await _lost.CancelAsync();
                        return;
                    }

                    renewed = time.GetUtcNow();
                }
                catch (OperatorException) when (time.GetUtcNow() - renewed < TimeToLive)
                {
                    // The store may come back before the lease runs out; the next tick tries again.
                }
                catch (OperatorException)
                {
                    await _lost.CancelAsync();
                    return;
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Given up by its owner.
        }
    }
}
