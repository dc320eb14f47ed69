using k8s.Models;

namespace Pachyderm.RecordStores.Tests.Kubernetes;

/// <summary>API objects as <c>pachctl deploy</c> and pachd make them.</summary>
internal static class KubernetesObjects
{
    public static V1Service EtcdService(string clusterIp = "10.0.0.7", string? targetPort = null) => new()
    {
        Metadata = new V1ObjectMeta { Name = "etcd", Labels = Labels("etcd") },
        Spec = new V1ServiceSpec
        {
            ClusterIP = clusterIp,
            Selector = new Dictionary<string, string>(StringComparer.Ordinal) { ["app"] = "etcd" },
            Ports = [new V1ServicePort { Name = "client-port", Port = 2379, NodePort = 32379, TargetPort = targetPort }],
        },
    };

    public static V1Service HeadlessService() => new()
    {
        Metadata = new V1ObjectMeta { Name = "etcd-headless", Labels = Labels("etcd") },
        Spec = new V1ServiceSpec { ClusterIP = "None", Ports = [new V1ServicePort { Name = "peer-port", Port = 2380 }] },
    };

    public static V1Pod EtcdPod(string name, string phase = "Running", bool ready = true, bool deleted = false, int port = 2379) => new()
    {
        Metadata = new V1ObjectMeta
        {
            Name = name,
            Labels = Labels("etcd"),
            DeletionTimestamp = deleted ? new DateTime(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc) : null,
        },
        Spec = new V1PodSpec
        {
            Containers = [new V1Container { Name = "etcd", Ports = [new V1ContainerPort { Name = "client-port", ContainerPort = port }] }],
        },
        Status = new V1PodStatus
        {
            Phase = phase,
            Conditions = [new V1PodCondition { Type = "Ready", Status = ready ? "True" : "False" }],
        },
    };

    public static V1Pod PachdPod(string name, string phase = "Running") => new()
    {
        Metadata = new V1ObjectMeta { Name = name, Labels = Labels("pachd") },
        Status = new V1PodStatus { Phase = phase },
    };

    public static V1Deployment Pachd(int? replicas) => new()
    {
        Metadata = new V1ObjectMeta { Name = "pachd", Labels = Labels("pachd") },
        Spec = new V1DeploymentSpec
        {
            Replicas = replicas,
            Selector = new V1LabelSelector { MatchLabels = Labels("pachd") },
            Template = new V1PodTemplateSpec(),
        },
    };

    public static V1ReplicationController Worker(string name, int? replicas, int running) => new()
    {
        Metadata = new V1ObjectMeta { Name = name, Labels = Labels(name) },
        Spec = new V1ReplicationControllerSpec { Replicas = replicas },
        Status = new V1ReplicationControllerStatus { Replicas = running },
    };

    private static Dictionary<string, string> Labels(string app) =>
        new(StringComparer.Ordinal) { ["app"] = app, ["suite"] = "pachyderm" };
}
