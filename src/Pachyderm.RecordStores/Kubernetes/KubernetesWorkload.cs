namespace Pachyderm.RecordStores.Kubernetes;

/// <summary>What of Pachyderm runs in a namespace and could write to its etcd.</summary>
/// <param name="Namespace">The namespace.</param>
/// <param name="PachdReplicas">
/// Replicas that the deployment <c>pachd</c> asks for; null if there is none, or if the cluster is older than its API (Kubernetes 1.9).
/// </param>
/// <param name="PachdPods">Pods of pachd that have not ended.</param>
/// <param name="Workers">Replication controllers of pipelines' workers.</param>
public sealed record KubernetesWorkload(
    string Namespace,
    int? PachdReplicas,
    IReadOnlyList<string> PachdPods,
    IReadOnlyList<KubernetesWorkerController> Workers)
{
    /// <summary>Whether nothing of it runs or is about to.</summary>
    public bool IsAtRest =>
        (PachdReplicas ?? 0) == 0 && PachdPods.Count == 0 && Workers.All(worker => worker is { Replicas: 0, Running: 0 });
}

/// <summary>The replication controller of one pipeline's workers.</summary>
/// <param name="Name">Its name, such as <c>pipeline-edges-v1</c>.</param>
/// <param name="Replicas">Workers asked for.</param>
/// <param name="Running">Workers that there are.</param>
public sealed record KubernetesWorkerController(string Name, int Replicas, int Running);
