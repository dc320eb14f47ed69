using System.Runtime.CompilerServices;
using Google.Protobuf;
using Grpc.Core;
using Pachyderm.Errors;
using Pachyderm.RecordStores.Etcd.Wire;

namespace Pachyderm.RecordStores.Etcd;

/// <summary>
/// A live etcd, versions 3.1 to 3.5, over its v3 API without TLS (upstream's etcd has none). Keys of etcd's v2 API lie in a separate
/// store that this one neither sees nor touches. Reads, watches and leases go on across lost connections and restarts of etcd for up to
/// <see cref="EtcdOptions.RetryFor"/>; a transaction is repeated only when it cannot have reached etcd.
/// </summary>
public sealed class EtcdRecordStore : IRecordStore
{
    /// <summary>
    /// The most guards, and the most writes, that a transaction may have, those of its alternatives included. etcd itself allows 128
    /// unless started with another <c>--max-txn-ops</c>.
    /// </summary>
    public const int MaxOperations = 120;

    private readonly EtcdConnection _connection;
    private readonly EtcdTransactions _transactions;
    private readonly EtcdLeases _leases;

    private EtcdRecordStore(EtcdConnection connection, string version)
    {
        TakesAlternatives = !version.StartsWith("3.0.", StringComparison.Ordinal)
            && !version.StartsWith("3.1.", StringComparison.Ordinal)
            && !version.StartsWith("3.2.", StringComparison.Ordinal);
        _connection = connection;
        _transactions = new EtcdTransactions(connection);
        _leases = new EtcdLeases(connection);
    }

    /// <inheritdoc/>
    public string Location => _connection.Location;

    /// <inheritdoc/>
    public bool TakesAlternatives { get; }

    /// <summary>Connects, and makes sure that it is an etcd of version 3 that answers.</summary>
    /// <param name="endpoint"><c>HOST:PORT</c>, <c>http://HOST:PORT</c> or <c>HOST</c>; an IPv6 address stands in brackets.</param>
    /// <param name="options">Limits and patience; null for the defaults.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <exception cref="OperatorException">
    /// <c>etcd-address</c>: not an address. <c>etcd-unreachable</c>: refused, or no such host. <c>etcd-timeout</c>: no answer in time.
    /// <c>not-etcd</c>: something else answers. <c>etcd-version</c>: another version.
    /// </exception>
    public static Task<EtcdRecordStore> ConnectAsync(string endpoint, EtcdOptions? options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(endpoint);
        return ConnectAtAsync(endpoint, options, location: null, cancellationToken);
    }

    /// <summary>Connects to an etcd that is reached by another address than the one that means something to people.</summary>
    internal static async Task<EtcdRecordStore> ConnectAtAsync(
        string endpoint,
        EtcdOptions? options,
        string? location,
        CancellationToken cancellationToken)
    {
        EtcdConnection connection = new(EtcdAddress.Parse(endpoint), options ?? new EtcdOptions(), location);
        try
        {
            string version = await FirstContactAsync(connection, cancellationToken);
            return version.StartsWith("3.", StringComparison.Ordinal)
                ? new EtcdRecordStore(connection, version)
                : throw new OperatorException(
                    "etcd-version",
                    connection.Location,
                    $"this is etcd {EtcdErrors.OneLine(version)}",
                    "use an etcd from 3.1 to 3.5");
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public async Task<RecordStoreStatus> GetStatusAsync(CancellationToken cancellationToken)
    {
        StatusResponse status = await _connection.RepeatAsync(
            token => _connection.Maintenance.StatusAsync(new StatusRequest(), cancellationToken: token).ResponseAsync,
            cancellationToken);
        // Status is what one member knows; a read of any key tells the cluster's revision.
        RangeResponse now = await RangeAsync(EtcdRanges.Zero, cancellationToken);
        AlarmResponse alarms = await _connection.RepeatAsync(
            token => _connection.Maintenance.AlarmAsync(new AlarmRequest(), cancellationToken: token).ResponseAsync,
            cancellationToken);
        EtcdMetrics metrics = await EtcdMetrics.ReadAsync(_connection.Address, _connection.Options.TimeProvider, cancellationToken);
        return new RecordStoreStatus(
            EtcdErrors.OneLine(status.Version),
            now.Header.Revision,
            metrics.CompactRevision,
            status.DbSize,
            metrics.QuotaBytes,
            [.. alarms.Alarms.Select(member => member.Alarm.ToString().ToUpperInvariant()).Distinct(StringComparer.Ordinal)]);
    }

    /// <summary>
    /// Reads every live record of a range exactly once, in key order, all as of one revision. One page is read ahead; a page is a few MiB.
    /// </summary>
    /// <inheritdoc/>
    /// <exception cref="OperatorException">
    /// <c>revision-compacted</c>: the revision is, or was meanwhile, compacted away. <c>revision-in-future</c>: it does not exist yet.
    /// <c>etcd-unreachable</c>: the connection stayed lost.
    /// </exception>
    public IAsyncEnumerable<IReadOnlyList<StoredRecord>> ReadAsync(KeyRange range, long revision, CancellationToken cancellationToken) =>
        new EtcdPagedReader(_connection).ReadAsync(range, revision, cancellationToken);

    /// <inheritdoc/>
    public async Task<StoredRecord?> GetAsync(ReadOnlyMemory<byte> key, CancellationToken cancellationToken)
    {
        RangeResponse answer = await RangeAsync(UnsafeByteOperations.UnsafeWrap(key), cancellationToken);
        return answer.Kvs is [var found, ..] ? EtcdRanges.ToRecord(found) : null;
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">
    /// There are more than <see cref="MaxOperations"/> guards or writes, a key is empty, a key is written twice, or the transaction has an
    /// alternative, which this etcd does not take.
    /// </exception>
    /// <exception cref="OperatorException">
    /// <c>transaction-outcome-unknown</c>; <c>etcd-no-space</c>, <c>etcd-request-too-large</c>, <c>etcd-too-many-operations</c>,
    /// <c>lease-not-found</c>, <c>etcd-corrupt</c>, <c>etcd-access-denied</c>, <c>etcd-refused</c>: etcd would not do it, and nothing was
    /// written; <c>etcd-unreachable</c>: it was never sent.
    /// </exception>
    public Task<TransactionResult> CommitAsync(RecordTransaction transaction, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(transaction);
        if (transaction.Otherwise is not null && !TakesAlternatives)
        {
            throw new ArgumentException("this etcd takes no alternatives; it is older than 3.3", nameof(transaction));
        }

        return _transactions.CommitAsync(transaction, cancellationToken);
    }

    /// <inheritdoc/>
    /// <remarks>A revision of 0 stands for the changes after the watch has begun.</remarks>
    public async IAsyncEnumerable<RecordEvent> WatchAsync(
        KeyRange range,
        long fromRevision,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (EtcdRanges.IsEmpty(range))
        {
            // etcd would take such a range for another; nothing can ever happen in it.
            await Task.Delay(Timeout.InfiniteTimeSpan, _connection.Options.TimeProvider, cancellationToken);
        }

        using EtcdWatcher watcher = new(_connection, range, fromRevision);
        while (true)
        {
            foreach (RecordEvent change in await watcher.ReceiveAsync(cancellationToken))
            {
                yield return change;
            }
        }
    }

    /// <inheritdoc/>
    /// <remarks>etcd counts in whole seconds and never grants less than about two.</remarks>
    public Task<long> GrantLeaseAsync(TimeSpan timeToLive, CancellationToken cancellationToken) =>
        _leases.GrantAsync(timeToLive, cancellationToken);

    /// <inheritdoc/>
    public Task<bool> RenewLeaseAsync(long lease, CancellationToken cancellationToken) => _leases.RenewAsync(lease, cancellationToken);

    /// <inheritdoc/>
    public Task RevokeLeaseAsync(long lease, CancellationToken cancellationToken) => _leases.RevokeAsync(lease, cancellationToken);

    /// <inheritdoc/>
    public Task CompactAsync(long revision, CancellationToken cancellationToken) => _transactions.CompactAsync(revision, cancellationToken);

    /// <inheritdoc/>
    /// <exception cref="OperatorException">
    /// <c>snapshot-incomplete</c>: the connection was lost on the way. What was written is then of no use.
    /// </exception>
    /// <exception cref="CorruptionException"><c>snapshot-checksum</c>: the bytes do not fit their checksum.</exception>
    public async Task<long> SaveSnapshotAsync(Stream destination, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(destination);
        using EtcdSnapshotDownload download = new(_connection, destination);
        return await download.RunAsync(cancellationToken);
    }

    /// <summary>Closes the connection.</summary>
    public ValueTask DisposeAsync()
    {
        _connection.Dispose();
        return ValueTask.CompletedTask;
    }

    private Task<RangeResponse> RangeAsync(ByteString key, CancellationToken cancellationToken)
    {
        RangeRequest request = new() { Key = key };
        return _connection.RepeatAsync(
            token => _connection.Kv.RangeAsync(request, cancellationToken: token).ResponseAsync,
            cancellationToken);
    }

    private static async Task<string> FirstContactAsync(EtcdConnection connection, CancellationToken cancellationToken)
    {
        TimeSpan patience = connection.Options.ConnectTimeout;
        using CancellationTokenSource timeout = new(patience, connection.Options.TimeProvider);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            StatusResponse status = await connection.Maintenance.StatusAsync(new StatusRequest(), cancellationToken: either.Token);
            return status.Version;
        }
        catch (RpcException failure)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw timeout.IsCancellationRequested
                ? new OperatorException(
                    "etcd-timeout",
                    connection.Location,
                    string.Create(System.Globalization.CultureInfo.InvariantCulture, $"no answer within {patience.TotalSeconds:0.###} s"),
                    "check that etcd runs and that the address is right",
                    failure)
                : EtcdErrors.FirstContact(connection.Location, failure);
        }
    }
}
