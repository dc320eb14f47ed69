namespace Pachyderm.RecordStores.Kubernetes;

/// <summary>Which cluster, and where in it Pachyderm is.</summary>
public sealed record KubernetesEtcdOptions
{
    /// <summary>The namespace; null for the one of the kubeconfig's context or of the pod, else <c>default</c>.</summary>
    public string? Namespace { get; init; }

    /// <summary>
    /// The kubeconfig file; null for the pod's own account when running inside a cluster, else <c>$KUBECONFIG</c>, else
    /// <c>~/.kube/config</c>.
    /// </summary>
    public string? Kubeconfig { get; init; }

    /// <summary>The kubeconfig's context; null for its current one.</summary>
    public string? Context { get; init; }
}
