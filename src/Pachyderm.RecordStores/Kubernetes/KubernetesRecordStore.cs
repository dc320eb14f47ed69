using Pachyderm.Errors;
using Pachyderm.RecordStores.Etcd;

namespace Pachyderm.RecordStores.Kubernetes;

/// <summary>
/// The etcd of a Kubernetes namespace: an <see cref="EtcdRecordStore"/>, and the forwarding that it is reached through, which lives as
/// long as the store.
/// </summary>
public sealed class KubernetesRecordStore : IRecordStore
{
    private readonly EtcdRecordStore _etcd;
    private readonly LoopbackForward? _forward;

    internal KubernetesRecordStore(EtcdRecordStore etcd, LoopbackForward? forward)
    {
        _etcd = etcd;
        _forward = forward;
    }

    /// <inheritdoc/>
    public string Location => _etcd.Location;

    /// <inheritdoc/>
    public bool TakesAlternatives => _etcd.TakesAlternatives;

    /// <summary>Connects through a forwarding; each connection of the client opens a remote stream.</summary>
    internal static async Task<KubernetesRecordStore> ForwardAsync(
        Func<CancellationToken, Task<Stream>> openRemote,
        string location,
        EtcdOptions? options,
        CancellationToken cancellationToken)
    {
        LoopbackForward forward = new(openRemote);
        try
        {
            EtcdRecordStore etcd = await EtcdRecordStore.ConnectAtAsync(forward.Endpoint, options, location, cancellationToken);
            return new KubernetesRecordStore(etcd, forward);
        }
        catch (OperatorException failure) when (forward.LastFailure is { } reason)
        {
            await forward.DisposeAsync();
            throw reason as OperatorException ?? new OperatorException(
                "kubernetes-forward",
                location,
                $"the port could not be forwarded ({EtcdErrors.OneLine(reason.Message)})",
                "check with `kubectl port-forward service/etcd 2379`",
                failure);
        }
        catch
        {
            await forward.DisposeAsync();
            throw;
        }
    }

    /// <inheritdoc/>
    public Task<RecordStoreStatus> GetStatusAsync(CancellationToken cancellationToken) => _etcd.GetStatusAsync(cancellationToken);

    /// <inheritdoc cref="EtcdRecordStore.ReadAsync"/>
    public IAsyncEnumerable<IReadOnlyList<StoredRecord>> ReadAsync(KeyRange range, long revision, CancellationToken cancellationToken) =>
        _etcd.ReadAsync(range, revision, cancellationToken);

    /// <inheritdoc/>
    public Task<StoredRecord?> GetAsync(ReadOnlyMemory<byte> key, CancellationToken cancellationToken) =>
        _etcd.GetAsync(key, cancellationToken);

    /// <inheritdoc/>
    public Task<TransactionResult> CommitAsync(RecordTransaction transaction, CancellationToken cancellationToken) =>
        _etcd.CommitAsync(transaction, cancellationToken);

    /// <inheritdoc/>
    public IAsyncEnumerable<RecordEvent> WatchAsync(KeyRange range, long fromRevision, CancellationToken cancellationToken) =>
        _etcd.WatchAsync(range, fromRevision, cancellationToken);

    /// <inheritdoc/>
    public Task<long> GrantLeaseAsync(TimeSpan timeToLive, CancellationToken cancellationToken) =>
        _etcd.GrantLeaseAsync(timeToLive, cancellationToken);

    /// <inheritdoc/>
    public Task<bool> RenewLeaseAsync(long lease, CancellationToken cancellationToken) => _etcd.RenewLeaseAsync(lease, cancellationToken);

    /// <inheritdoc/>
    public Task RevokeLeaseAsync(long lease, CancellationToken cancellationToken) => _etcd.RevokeLeaseAsync(lease, cancellationToken);

    /// <inheritdoc/>
    public Task CompactAsync(long revision, CancellationToken cancellationToken) => _etcd.CompactAsync(revision, cancellationToken);

    /// <inheritdoc/>
    public Task<long> SaveSnapshotAsync(Stream destination, CancellationToken cancellationToken) =>
        _etcd.SaveSnapshotAsync(destination, cancellationToken);

    /// <summary>Closes the connection and ends the forwarding.</summary>
    public async ValueTask DisposeAsync()
    {
        await _etcd.DisposeAsync();
        if (_forward is not null)
        {
            await _forward.DisposeAsync();
        }
    }
}
