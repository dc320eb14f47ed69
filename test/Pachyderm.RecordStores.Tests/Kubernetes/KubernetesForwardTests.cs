using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using k8s.Models;
using Pachyderm.Errors;
using Pachyderm.RecordStores.Kubernetes;
using Pachyderm.RecordStores.Tests.Etcd;
using Pachyderm.TestSupport;
using static Pachyderm.RecordStores.Tests.Kubernetes.KubernetesObjects;

namespace Pachyderm.RecordStores.Tests.Kubernetes;

public sealed class KubernetesForwardTests : EtcdTestBase
{
    private const string Services = "/api/v1/namespaces/pach/services?labelSelector=app=etcd,suite=pachyderm";
    private const string EtcdPods = "/api/v1/namespaces/pach/pods?labelSelector=app=etcd";
    private const string PachdPods = "/api/v1/namespaces/pach/pods?labelSelector=app=pachd,suite=pachyderm";
    private const string Controllers = "/api/v1/namespaces/pach/replicationcontrollers?labelSelector=suite=pachyderm";
    private const string Deployments = "/apis/apps/v1/namespaces/pach/deployments?labelSelector=app=pachd,suite=pachyderm";

    [Fact]
    public async Task A_store_behind_a_forwarded_stream_does_what_a_store_does_and_ends_with_it()
    {
        EtcdProcess etcd = await StartAsync();
        KubernetesRecordStore store = await KubernetesRecordStore.ForwardAsync(
            async token => await OpenTcpAsync(etcd, token),
            "etcd of namespace pach",
            null,
            Cancellation);
        await using (store)
        {
            Assert.Equal("etcd of namespace pach", store.Location);
            await WriteReadAndWatchAsync(store);
        }

        await Assert.ThrowsAnyAsync<Exception>(() => store.GetAsync(Bytes("k"), Cancellation));
    }

    [Fact]
    public async Task Through_an_api_server_the_pods_port_is_forwarded_and_carries_everything()
    {
        EtcdProcess etcd = await StartAsync();
        ApiServerStandIn api = Keep(new ApiServerStandIn { Etcd = IPEndPoint.Parse(etcd.Endpoint) });
        ListEtcd(api, EtcdPod("etcd-0", ready: false), EtcdPod("etcd-1"));
        using KubernetesEtcdLocator locator = new(api.Configuration, "pach", insideCluster: false);
        KubernetesRecordStore store = Keep(await locator.ConnectAsync(null, Cancellation));
        await WriteReadAndWatchAsync(store);
        Assert.All(api.Forwarded, request => Assert.Equal("/api/v1/namespaces/pach/pods/etcd-1/portforward?ports=2379", request));
        Assert.NotEmpty(api.Forwarded);

        // etcd's pod was restarted elsewhere: the next connection finds it.
        ListEtcd(api, EtcdPod("etcd-7"));
        api.Forwarded.Clear();
        await etcd.KillAsync();
        await etcd.RestartAsync(Cancellation);
        Assert.NotNull(await store.GetAsync(Bytes("k00001"), Cancellation));
        Assert.Contains("/etcd-7/", api.Forwarded.Last(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Inside_the_cluster_the_service_is_connected_to_directly()
    {
        EtcdProcess etcd = await StartAsync();
        ApiServerStandIn api = Keep(new ApiServerStandIn());
        V1Service service = EtcdService("127.0.0.1");
        service.Spec.Ports[0].Port = etcd.Port;
        api.Lists[Services] = new V1ServiceList { Items = [HeadlessService(), service] };
        using KubernetesEtcdLocator locator = new(api.Configuration, "pach", insideCluster: true);
        KubernetesRecordStore store = Keep(await locator.ConnectAsync(null, Cancellation));
        Assert.Equal($"etcd of namespace pach at {etcd.Endpoint}", store.Location);
        Assert.True((await PutAsync(store, "k", Bytes("1"))).Succeeded);
    }

    [Fact]
    public async Task What_the_api_server_says_of_a_failed_forwarding_is_passed_on()
    {
        ApiServerStandIn api = Keep(new ApiServerStandIn { Etcd = null });
        ListEtcd(api, EtcdPod("etcd-0"));
        using KubernetesEtcdLocator locator = new(api.Configuration, "pach", insideCluster: false);
        var failure = await Assert.ThrowsAsync<OperatorException>(() => locator.ConnectAsync(null, Cancellation));
        Assert.Equal("kubernetes-forward", failure.Id);
        Assert.Contains("pod not found", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', failure.Message);
    }

    [Theory]
    [InlineData(HttpStatusCode.Forbidden, "kubernetes-denied")]
    [InlineData(HttpStatusCode.Unauthorized, "kubernetes-denied")]
    [InlineData(HttpStatusCode.InternalServerError, "kubernetes-unreachable")]
    public async Task A_refusal_of_the_api_server_is_one_line(HttpStatusCode status, string id)
    {
        ApiServerStandIn api = Keep(new ApiServerStandIn { Refusal = status });
        using KubernetesEtcdLocator locator = new(api.Configuration, "pach", insideCluster: false);
        var failure = await Assert.ThrowsAsync<OperatorException>(() => locator.ConnectAsync(null, Cancellation));
        Assert.Equal(id, failure.Id);
        Assert.DoesNotContain('\n', failure.Message);
    }

    [Fact]
    public async Task An_api_server_that_is_not_there_is_one_line()
    {
        ApiServerStandIn api = new();
        await api.DisposeAsync();
        using KubernetesEtcdLocator locator = new(api.Configuration, "pach", insideCluster: false);
        var failure = await Assert.ThrowsAsync<OperatorException>(() => locator.DescribeAsync(Cancellation));
        Assert.Equal("kubernetes-unreachable", failure.Id);
        Assert.StartsWith($"Kubernetes at {api.Url}: ", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_else_runs_is_asked_for_with_and_without_an_api_for_deployments(bool hasDeployments)
    {
        ApiServerStandIn api = Keep(new ApiServerStandIn());
        api.Lists[PachdPods] = new V1PodList { Items = [PachdPod("pachd-a")] };
        api.Lists[Controllers] = new V1ReplicationControllerList { Items = [Worker("pipeline-a-v1", 2, 2)] };
        if (hasDeployments)
        {
            api.Lists[Deployments] = new V1DeploymentList { Items = [Pachd(3)] };
        }

        using KubernetesEtcdLocator locator = new(api.Configuration, "pach", insideCluster: false);
        KubernetesWorkload workload = await locator.DescribeAsync(Cancellation);
        Assert.Equal(("pach", hasDeployments ? 3 : null), (workload.Namespace, workload.PachdReplicas));
        Assert.Equal(["pachd-a"], workload.PachdPods);
        KubernetesWorkerController[] workers = [new("pipeline-a-v1", 2, 2)];
        Assert.Equal(workers, workload.Workers);
    }

    [Fact]
    public void A_kubeconfig_that_is_missing_or_broken_is_named()
    {
        string path = Path.GetTempFileName();
        try
        {
            foreach (string content in (string[])["", "just words", "{ unbalanced", "apiVersion: v1\nkind: Config\n"])
            {
                File.WriteAllText(path, content);
                var failure = Assert.Throws<OperatorException>(
                    () => KubernetesEtcdLocator.Open(new KubernetesEtcdOptions { Kubeconfig = path }).Dispose());
                Assert.Equal(("kubernetes-config", path), (failure.Id, failure.Thing));
                Assert.DoesNotContain('\n', failure.Message);
            }
        }
        finally
        {
            File.Delete(path);
        }

        var missing = Assert.Throws<OperatorException>(
            () => KubernetesEtcdLocator.Open(new KubernetesEtcdOptions { Kubeconfig = path }).Dispose());
        Assert.Equal("kubernetes-config", missing.Id);
    }

    [Fact]
    public void The_namespace_is_the_one_given_else_the_contexts_else_default()
    {
        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, """
                apiVersion: v1
                kind: Config
                current-context: a
                clusters: [{name: c, cluster: {server: "http://127.0.0.1:1"}}]
                users: [{name: u, user: {token: t}}]
                contexts:
                - {name: a, context: {cluster: c, user: u, namespace: from-context}}
                - {name: b, context: {cluster: c, user: u}}
                """);
            Assert.Equal("from-context", NamespaceOf(new KubernetesEtcdOptions { Kubeconfig = path }));
            Assert.Equal("default", NamespaceOf(new KubernetesEtcdOptions { Kubeconfig = path, Context = "b" }));
            Assert.Equal("given", NamespaceOf(new KubernetesEtcdOptions { Kubeconfig = path, Namespace = "given" }));
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static string NamespaceOf(KubernetesEtcdOptions options)
    {
        using KubernetesEtcdLocator locator = KubernetesEtcdLocator.Open(options);
        return locator.Namespace;
    }

    private static void ListEtcd(ApiServerStandIn api, params V1Pod[] pods)
    {
        api.Lists[Services] = new V1ServiceList { Items = [HeadlessService(), EtcdService()] };
        api.Lists[EtcdPods] = new V1PodList { Items = pods };
    }

    private static async Task<Stream> OpenTcpAsync(EtcdProcess etcd, CancellationToken cancellationToken)
    {
        Socket socket = new(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPEndPoint.Parse(etcd.Endpoint), cancellationToken);
        return new NetworkStream(socket, ownsSocket: true);
    }

    private static async Task WriteReadAndWatchAsync(KubernetesRecordStore store)
    {
        // A waiting watch reads while the writes go the other way.
        await using IAsyncEnumerator<RecordEvent> watch =
            store.WatchAsync(KeyRange.Prefix("big"), 1, Cancellation).GetAsyncEnumerator(Cancellation);
        ValueTask<bool> waiting = watch.MoveNextAsync();
        await FillAsync(store, count: 3_000, valueSize: 500);
        byte[] big = RandomNumberGenerator.GetBytes(1_000_000);
        await PutAsync(store, "big", big);
        Assert.True(await waiting);
        Assert.True(watch.Current.Record.Value.Span.SequenceEqual(big));
        Assert.Equal(3_000, (await ReadKeysAsync(store)).Count);
        Assert.True(await store.SaveSnapshotAsync(Stream.Null, Cancellation) > 1_000_000);
        Assert.NotNull((await store.GetStatusAsync(Cancellation)).QuotaBytes);
    }
}
