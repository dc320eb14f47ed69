using Pachyderm.Errors;
using Pachyderm.RecordStores;
using Pachyderm.RecordStores.Etcd;
using Pachyderm.RecordStores.Snapshot;

namespace Pachyderm.Migration.Targets;

/// <summary>Where a cluster's metadata is: exactly one of an etcd endpoint, a snapshot file and a Kubernetes namespace.</summary>
public sealed record StoreAddress
{
    /// <summary>Endpoint of a live etcd, <c>HOST:PORT</c>.</summary>
    public string? Etcd { get; init; }

    /// <summary>Path of an etcd snapshot file.</summary>
    public string? Snapshot { get; init; }

    /// <summary>Path of the file that the migrated snapshot is written to.</summary>
    public string? Output { get; init; }

    /// <summary>Namespace of the cluster's etcd service in Kubernetes.</summary>
    public string? Namespace { get; init; }

    /// <summary>Opens the store for migration.</summary>
    /// <exception cref="OperatorException">It cannot be reached or read.</exception>
    public async Task<IMigrationTarget> OpenTargetAsync(string pfsPrefix, TimeProvider time, CancellationToken cancellationToken)
    {
        if (Snapshot is not null)
        {
            return await SnapshotTarget.OpenAsync(Snapshot, Output ?? Snapshot + ".migrated", pfsPrefix, time, cancellationToken);
        }

        return Namespace is null
            ? new LiveTarget(await OpenStoreAsync(time, cancellationToken), pfsPrefix, time)
            : await KubernetesTarget.OpenAsync(Namespace, pfsPrefix, time, cancellationToken);
    }

    /// <summary>Opens the store for reading, as a backup does.</summary>
    /// <exception cref="OperatorException">It cannot be reached or read.</exception>
    public async Task<IRecordStore> OpenStoreAsync(TimeProvider time, CancellationToken cancellationToken)
    {
        EtcdOptions options = new() { TimeProvider = time };
        if (Etcd is not null)
        {
            return await EtcdRecordStore.ConnectAsync(Etcd, options, cancellationToken);
        }

        return Namespace is not null
            ? await KubernetesTarget.ConnectAsync(Namespace, options, cancellationToken)
            : await SnapshotRecordStore.OpenAsync(Snapshot!, SnapshotIntegrity.VerifyHash, time, cancellationToken);
    }
}
