namespace Pachyderm.TestSupport;

/// <summary>How to start an <see cref="EtcdProcess"/>.</summary>
public sealed record EtcdProcessOptions
{
    /// <summary>A file of <c>etcdctl snapshot save</c> to start from; null for an empty store.</summary>
    public string? Snapshot { get; init; }

    /// <summary><c>--quota-backend-bytes</c>; null for etcd's default of 2 GiB.</summary>
    public long? QuotaBytes { get; init; }

    /// <summary><c>--max-txn-ops</c>; null for etcd's default of 128.</summary>
    public int? MaxTransactionOperations { get; init; }

    /// <summary><c>--max-request-bytes</c>; null for etcd's default of 1.5 MiB.</summary>
    public int? MaxRequestBytes { get; init; }
}
