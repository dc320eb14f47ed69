using System.Net;
using System.Net.WebSockets;
using k8s;
using k8s.Autorest;
using k8s.Exceptions;
using k8s.Models;
using Pachyderm.Errors;
using Pachyderm.RecordStores.Etcd;

namespace Pachyderm.RecordStores.Kubernetes;

/// <summary>
/// Finds the etcd of a Pachyderm that <c>pachctl deploy</c> brought to a Kubernetes namespace, and connects to it: directly from inside
/// the cluster, else through the API server's port forwarding. Nothing of the cluster is changed.
/// </summary>
/// <remarks>
/// The choice of service, pod and port, and the forwarding of bytes, are tested against API objects and a real etcd behind a real web
/// socket; the calls to a real API server are not, and are kept to a minimum for that reason. They use only <c>core/v1</c>, which every
/// Kubernetes has, and <c>apps/v1</c> where there is one.
/// </remarks>
public sealed class KubernetesEtcdLocator : IDisposable
{
    private readonly k8s.Kubernetes _client;
    private readonly bool _insideCluster;

    internal KubernetesEtcdLocator(KubernetesClientConfiguration configuration, string? inNamespace, bool insideCluster)
    {
        _client = new k8s.Kubernetes(configuration);
        _insideCluster = insideCluster;
        Namespace = inNamespace ?? configuration.Namespace ?? "default";
    }

    /// <summary>The namespace that is looked at.</summary>
    public string Namespace { get; }

    /// <summary>Reads the account of the pod or the kubeconfig. Nothing is asked of the cluster yet.</summary>
    /// <exception cref="OperatorException"><c>kubernetes-config</c>: there is no usable account or kubeconfig.</exception>
    public static KubernetesEtcdLocator Open(KubernetesEtcdOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        try
        {
            bool inside = options.Kubeconfig is null && options.Context is null && KubernetesClientConfiguration.IsInCluster();
            KubernetesClientConfiguration configuration = inside
                ? KubernetesClientConfiguration.InClusterConfig()
                : KubernetesClientConfiguration.BuildConfigFromConfigFile(KubeconfigPath(options), options.Context);
            return new KubernetesEtcdLocator(configuration, options.Namespace, inside);
        }
        // The library meets an empty file with a null reference.
        catch (Exception failure) when (failure is KubeConfigException or KubernetesClientException or IOException
            or UnauthorizedAccessException or ArgumentException or FormatException or NullReferenceException
            or YamlDotNet.Core.YamlException)
        {
            throw new OperatorException(
                "kubernetes-config",
                options.Kubeconfig ?? "kubeconfig",
                failure is NullReferenceException ? "this is no kubeconfig" : EtcdErrors.OneLine(failure.Message),
                "check it with `kubectl config view`, or name another file",
                failure);
        }
    }

    /// <summary>Finds etcd and connects to it. The store lives on its own: this locator may be disposed of before it.</summary>
    /// <exception cref="OperatorException">
    /// <c>kubernetes-no-etcd</c>, <c>kubernetes-no-etcd-pod</c>, <c>kubernetes-denied</c>, <c>kubernetes-unreachable</c>, or one of
    /// <see cref="EtcdRecordStore.ConnectAsync"/>.
    /// </exception>
    public Task<KubernetesRecordStore> ConnectAsync(EtcdOptions? options, CancellationToken cancellationToken) =>
        CallAsync(
            async () =>
            {
                V1ServiceList services = await _client.CoreV1.ListNamespacedServiceAsync(
                    Namespace,
                    labelSelector: KubernetesAddressing.EtcdLabels,
                    cancellationToken: cancellationToken);
                (V1Service service, V1ServicePort port) = KubernetesAddressing.ChooseService(services.Items, Namespace);
                string location = $"etcd of namespace {Namespace}";
                if (_insideCluster)
                {
                    string address = KubernetesAddressing.InClusterAddress(service, port, Namespace);
                    return new KubernetesRecordStore(
                        await EtcdRecordStore.ConnectAtAsync(address, options, $"{location} at {address}", cancellationToken),
                        forward: null);
                }

                // Asked once before forwarding, so that an absent pod is told at once and not as a connection that breaks.
                await ChoosePodAsync(service, port, cancellationToken);
                return await KubernetesRecordStore.ForwardAsync(
                    token => OpenAsync(service, port, token),
                    location,
                    options,
                    cancellationToken);
            },
            cancellationToken);

    /// <summary>Tells what of Pachyderm runs in the namespace besides etcd.</summary>
    /// <exception cref="OperatorException"><c>kubernetes-denied</c> or <c>kubernetes-unreachable</c>.</exception>
    public Task<KubernetesWorkload> DescribeAsync(CancellationToken cancellationToken) =>
        CallAsync(
            async () =>
            {
                V1PodList pods = await _client.CoreV1.ListNamespacedPodAsync(
                    Namespace,
                    labelSelector: KubernetesAddressing.PachdLabels,
                    cancellationToken: cancellationToken);
                V1ReplicationControllerList controllers = await _client.CoreV1.ListNamespacedReplicationControllerAsync(
                    Namespace,
                    labelSelector: KubernetesAddressing.SuiteLabel,
                    cancellationToken: cancellationToken);
                return KubernetesAddressing.Describe(Namespace, await FindPachdAsync(cancellationToken), pods.Items, controllers.Items);
            },
            cancellationToken);

    /// <inheritdoc/>
    public void Dispose() => _client.Dispose();

    private async Task<V1Deployment?> FindPachdAsync(CancellationToken cancellationToken)
    {
        try
        {
            V1DeploymentList deployments = await _client.AppsV1.ListNamespacedDeploymentAsync(
                Namespace,
                labelSelector: KubernetesAddressing.PachdLabels,
                cancellationToken: cancellationToken);
            return deployments.Items.FirstOrDefault();
        }
        catch (HttpOperationException failure) when (failure.Response?.StatusCode == HttpStatusCode.NotFound)
        {
            // Kubernetes before 1.9 keeps deployments under another API; pachd's pods tell as much.
            return null;
        }
    }

    private async Task<Stream> OpenAsync(V1Service service, V1ServicePort port, CancellationToken cancellationToken)
    {
        // Chosen anew for each connection: the pod may have been replaced.
        (V1Pod pod, int podPort) = await ChoosePodAsync(service, port, cancellationToken);
        WebSocket socket = await _client.WebSocketNamespacedPodPortForwardAsync(
            pod.Name(),
            Namespace,
            [podPort],
            PortForwardStream.SubProtocol,
            cancellationToken: cancellationToken);
        return new PortForwardStream(socket);
    }

    private async Task<(V1Pod Pod, int Port)> ChoosePodAsync(V1Service service, V1ServicePort port, CancellationToken cancellationToken)
    {
        V1PodList pods = await _client.CoreV1.ListNamespacedPodAsync(
            Namespace,
            labelSelector: KubernetesAddressing.PodLabels(service, Namespace),
            cancellationToken: cancellationToken);
        return KubernetesAddressing.ChoosePod(service, port, pods.Items, Namespace);
    }

    private async Task<T> CallAsync<T>(Func<Task<T>> call, CancellationToken cancellationToken)
    {
        string cluster = $"Kubernetes at {_client.BaseUri}";
        try
        {
            return await call();
        }
        catch (HttpOperationException failure)
        {
            HttpStatusCode? code = failure.Response?.StatusCode;
            throw code is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden
                ? new OperatorException(
                    "kubernetes-denied",
                    cluster,
                    $"it does not let this account look at namespace {Namespace} ({(int)code})",
                    "use an account that may list services, pods and replication controllers there, and forward ports",
                    failure)
                : new OperatorException(
                    "kubernetes-unreachable",
                    cluster,
                    $"it answered {(int?)code} {EtcdErrors.OneLine(failure.Response?.Content ?? failure.Message)}",
                    "check with `kubectl get services`",
                    failure);
        }
        catch (Exception failure) when (failure is HttpRequestException or WebSocketException or IOException or OperationCanceledException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw new OperatorException(
                "kubernetes-unreachable",
                cluster,
                EtcdErrors.OneLine(failure.Message),
                "check with `kubectl get services`",
                failure);
        }
    }

    private static string? KubeconfigPath(KubernetesEtcdOptions options)
    {
        string? path = options.Kubeconfig ?? Environment.GetEnvironmentVariable("KUBECONFIG");
        return string.IsNullOrEmpty(path) ? null : path;
    }
}
