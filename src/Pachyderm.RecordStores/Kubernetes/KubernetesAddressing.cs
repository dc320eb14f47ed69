using System.Globalization;
using k8s.Models;
using Pachyderm.Errors;

namespace Pachyderm.RecordStores.Kubernetes;

/// <summary>
/// Finds etcd among the API objects that <c>pachctl deploy</c> makes: service <c>etcd</c> and its pods, labelled <c>app=etcd</c> and
/// <c>suite=pachyderm</c>, with the client port 2379 named <c>client-port</c>.
/// </summary>
internal static class KubernetesAddressing
{
    /// <summary>Labels of etcd's objects.</summary>
    public const string EtcdLabels = "app=etcd,suite=pachyderm";

    /// <summary>Labels of pachd's objects.</summary>
    public const string PachdLabels = "app=pachd,suite=pachyderm";

    /// <summary>Label of everything that belongs to Pachyderm, workers included.</summary>
    public const string SuiteLabel = "suite=pachyderm";

    private const string ServiceName = "etcd";
    private const string ClientPortName = "client-port";
    private const int ClientPort = 2379;
    private const string WorkerPrefix = "pipeline-";

    /// <summary>The service for etcd's clients, and its port.</summary>
    /// <param name="labelled">The services with etcd's labels; the one for etcd's peers is among them.</param>
    /// <param name="inNamespace">The namespace, for messages.</param>
    /// <exception cref="OperatorException"><c>kubernetes-no-etcd</c>: there is none.</exception>
    public static (V1Service Service, V1ServicePort Port) ChooseService(IEnumerable<V1Service> labelled, string inNamespace)
    {
        var candidates = labelled
            .Select(service => (Service: service, Port: ChoosePort(service)))
            .Where(candidate => candidate.Port is not null)
            .OrderByDescending(candidate => string.Equals(candidate.Service.Name(), ServiceName, StringComparison.Ordinal))
            .ThenBy(candidate => candidate.Service.Name(), StringComparer.Ordinal)
            .ToList();
        return candidates is [var (service, port), ..]
            ? (service, port!)
            : throw new OperatorException(
                "kubernetes-no-etcd",
                $"namespace {inNamespace}",
                $"there is no service {ServiceName} labelled {EtcdLabels} with port {ClientPort}",
                "name the namespace that Pachyderm was deployed to with --namespace");
    }

    /// <summary>The address of a service for programs inside the cluster.</summary>
    public static string InClusterAddress(V1Service service, V1ServicePort port, string inNamespace)
    {
        string? address = service.Spec.ClusterIP;
        string host = address switch
        {
            null or "" or "None" => $"{service.Name()}.{inNamespace}.svc",
            _ when address.Contains(':', StringComparison.Ordinal) => $"[{address}]",
            _ => address,
        };
        return string.Create(CultureInfo.InvariantCulture, $"{host}:{port.Port}");
    }

    /// <summary>The labels that the service's pods have.</summary>
    /// <exception cref="OperatorException"><c>kubernetes-no-etcd-pod</c>: the service has no pods by design.</exception>
    public static string PodLabels(V1Service service, string inNamespace) =>
        service.Spec.Selector is { Count: > 0 } selector
            ? string.Join(',', selector.Select(label => $"{label.Key}={label.Value}").Order(StringComparer.Ordinal))
            : throw NoPod(inNamespace, $"service {service.Name()} selects no pods");

    /// <summary>A pod that is ready, and the port of etcd in it.</summary>
    /// <param name="service">The service.</param>
    /// <param name="port">Its port.</param>
    /// <param name="selected">The pods that have the labels that the service selects.</param>
    /// <param name="inNamespace">The namespace, for messages.</param>
    /// <exception cref="OperatorException"><c>kubernetes-no-etcd-pod</c>: no pod is ready.</exception>
    public static (V1Pod Pod, int Port) ChoosePod(V1Service service, V1ServicePort port, IEnumerable<V1Pod> selected, string inNamespace)
    {
        List<V1Pod> pods = [.. selected.OrderBy(pod => pod.Name(), StringComparer.Ordinal)];
        V1Pod chosen = pods.Find(IsReady) ?? throw NoPod(
            inNamespace,
            pods.Count == 0
                ? $"service {service.Name()} has no pod"
                : $"no pod of service {service.Name()} is ready: "
                    + string.Join(", ", pods.Take(5).Select(pod => $"{pod.Name()} is {Phase(pod)}")));
        return (chosen, PodPort(port, chosen, inNamespace));
    }

    /// <summary>What of Pachyderm there is besides etcd.</summary>
    /// <param name="inNamespace">The namespace.</param>
    /// <param name="pachd">The deployment of pachd, if there is one and the API knows deployments.</param>
    /// <param name="pachdPods">The pods with pachd's labels.</param>
    /// <param name="controllers">The replication controllers that belong to Pachyderm.</param>
    public static KubernetesWorkload Describe(
        string inNamespace,
        V1Deployment? pachd,
        IEnumerable<V1Pod> pachdPods,
        IEnumerable<V1ReplicationController> controllers) =>
        new(
            inNamespace,
            // An absent number of replicas means one.
            pachd is null ? null : pachd.Spec?.Replicas ?? 1,
            [
                .. pachdPods
                    .Where(pod => pod.Status?.Phase is not ("Succeeded" or "Failed"))
                    .Select(pod => pod.Name())
                    .Order(StringComparer.Ordinal),
            ],
            [
                .. controllers
                    .Where(controller => controller.Name().StartsWith(WorkerPrefix, StringComparison.Ordinal))
                    .OrderBy(controller => controller.Name(), StringComparer.Ordinal)
                    .Select(controller => new KubernetesWorkerController(
                        controller.Name(),
                        controller.Spec?.Replicas ?? 1,
                        controller.Status?.Replicas ?? 0)),
            ]);

    private static V1ServicePort? ChoosePort(V1Service service) =>
        service.Spec?.Ports?.FirstOrDefault(port => string.Equals(port.Name, ClientPortName, StringComparison.Ordinal))
        ?? service.Spec?.Ports?.FirstOrDefault(port => port.Port == ClientPort);

    private static bool IsReady(V1Pod pod) =>
        pod.Metadata?.DeletionTimestamp is null
        && string.Equals(pod.Status?.Phase, "Running", StringComparison.Ordinal)
        && pod.Status?.Conditions?.Any(condition => condition is { Type: "Ready", Status: "True" }) == true;

    private static string Phase(V1Pod pod) =>
        pod.Metadata?.DeletionTimestamp is not null ? "being deleted" : $"{pod.Status?.Phase ?? "unknown"}, not ready";

    private static int PodPort(V1ServicePort port, V1Pod pod, string inNamespace)
    {
        string? target = port.TargetPort?.Value;
        if (string.IsNullOrEmpty(target) || string.Equals(target, "0", StringComparison.Ordinal))
        {
            return port.Port;
        }

        return int.TryParse(target, NumberStyles.None, CultureInfo.InvariantCulture, out int number)
            ? number
            : pod.Spec?.Containers?
                .SelectMany(container => container.Ports ?? [])
                .FirstOrDefault(candidate => string.Equals(candidate.Name, target, StringComparison.Ordinal))?.ContainerPort
            ?? throw NoPod(inNamespace, $"pod {pod.Name()} has no port named {target}");
    }

    private static OperatorException NoPod(string inNamespace, string problem) => new(
        "kubernetes-no-etcd-pod",
        $"namespace {inNamespace}",
        problem,
        "see `kubectl get pods -l app=etcd` and bring etcd up, while pachd stays down");
}
