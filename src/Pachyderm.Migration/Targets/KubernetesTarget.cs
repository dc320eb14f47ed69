using Pachyderm.Migration.Survey;
using Pachyderm.RecordStores;
using Pachyderm.RecordStores.Etcd;
using Pachyderm.RecordStores.Kubernetes;

namespace Pachyderm.Migration.Targets;

/// <summary>
/// Opens the etcd of a Kubernetes namespace. Apart from the other ways to a store, so that a program that does not go this way never
/// loads the Kubernetes client.
/// </summary>
internal static class KubernetesTarget
{
    /// <summary>Opens it for migration; what else of the cluster runs there becomes findings.</summary>
    public static async Task<LiveTarget> OpenAsync(
        string inNamespace, string pfsPrefix, TimeProvider time, CancellationToken cancellationToken)
    {
        IRecordStore store = await ConnectAsync(inNamespace, new EtcdOptions { TimeProvider = time }, cancellationToken);
        return new LiveTarget(store, pfsPrefix, time, cancel => FindWorkloadAsync(inNamespace, cancel));
    }

    /// <summary>Connects to it.</summary>
    public static async Task<IRecordStore> ConnectAsync(string inNamespace, EtcdOptions options, CancellationToken cancellationToken)
    {
        using KubernetesEtcdLocator locator = KubernetesEtcdLocator.Open(new KubernetesEtcdOptions { Namespace = inNamespace });
        return await locator.ConnectAsync(options, cancellationToken);
    }

    private static async Task<IReadOnlyList<Finding>> FindWorkloadAsync(string inNamespace, CancellationToken cancellationToken)
    {
        using KubernetesEtcdLocator locator = KubernetesEtcdLocator.Open(new KubernetesEtcdOptions { Namespace = inNamespace });
        KubernetesWorkload workload = await locator.DescribeAsync(cancellationToken);
        return workload.IsAtRest
            ? []
            : [new Finding(
                "cluster-running",
                FindingSeverity.Blocker,
                $"namespace {inNamespace}",
                $"pachd or workers run there ({workload.PachdPods.Count} pods of pachd, "
                    + $"{workload.Workers.Count(worker => worker.Running > 0)} running worker controllers)",
                "scale them to 0 (`kubectl scale --replicas=0 deployment/pachd`, and each pipeline's replication controller)")];
    }
}
