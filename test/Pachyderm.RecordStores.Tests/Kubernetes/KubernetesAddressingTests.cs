using k8s.Models;
using Pachyderm.Errors;
using Pachyderm.RecordStores.Kubernetes;
using static Pachyderm.RecordStores.Tests.Kubernetes.KubernetesObjects;

namespace Pachyderm.RecordStores.Tests.Kubernetes;

public sealed class KubernetesAddressingTests
{
    [Fact]
    public void The_service_for_clients_is_chosen_and_not_the_one_for_peers()
    {
        (V1Service service, V1ServicePort port) = KubernetesAddressing.ChooseService([HeadlessService(), EtcdService()], "pach");
        Assert.Equal(("etcd", 2379), (service.Metadata.Name, port.Port));
    }

    [Fact]
    public void A_namespace_without_etcd_is_named()
    {
        var failure = Assert.Throws<OperatorException>(() => KubernetesAddressing.ChooseService([HeadlessService()], "empty"));
        Assert.Equal("kubernetes-no-etcd", failure.Id);
        Assert.Equal(
            "namespace empty: there is no service etcd labelled app=etcd,suite=pachyderm with port 2379; "
                + "name the namespace that Pachyderm was deployed to with --namespace",
            failure.Message);
    }

    [Theory]
    [InlineData("10.0.0.7", "10.0.0.7:2379")]
    [InlineData("fd00::7", "[fd00::7]:2379")]
    [InlineData("None", "etcd.pach.svc:2379")]
    [InlineData("", "etcd.pach.svc:2379")]
    public void Inside_the_cluster_the_services_address_is_used(string clusterIp, string expected)
    {
        V1Service service = EtcdService(clusterIp);
        Assert.Equal(expected, KubernetesAddressing.InClusterAddress(service, service.Spec.Ports[0], "pach"));
    }

    [Fact]
    public void The_first_ready_pod_is_chosen()
    {
        V1Service service = EtcdService();
        (V1Pod pod, int port) = KubernetesAddressing.ChoosePod(
            service,
            service.Spec.Ports[0],
            [
                EtcdPod("etcd-3"),
                EtcdPod("etcd-2"),
                EtcdPod("etcd-1", ready: false),
                EtcdPod("etcd-0", deleted: true),
                EtcdPod("etcd-00", phase: "Pending"),
            ],
            "pach");
        Assert.Equal(("etcd-2", 2379), (pod.Metadata.Name, port));
        Assert.Equal("app=etcd", KubernetesAddressing.PodLabels(service, "pach"));
    }

    [Theory]
    [InlineData(null, 2379)]
    [InlineData("0", 2379)]
    [InlineData("12379", 12379)]
    [InlineData("client-port", 22379)]
    public void The_port_in_the_pod_follows_the_services_target(string? target, int expected)
    {
        V1Service service = EtcdService(targetPort: target);
        (_, int port) = KubernetesAddressing.ChoosePod(service, service.Spec.Ports[0], [EtcdPod("etcd-0", port: 22379)], "pach");
        Assert.Equal(expected, port);
    }

    [Fact]
    public void A_target_that_the_pod_does_not_have_is_named()
    {
        V1Service service = EtcdService(targetPort: "other");
        var failure = Assert.Throws<OperatorException>(
            () => KubernetesAddressing.ChoosePod(service, service.Spec.Ports[0], [EtcdPod("etcd-0")], "pach"));
        Assert.Equal("pod etcd-0 has no port named other", failure.Problem);
    }

    [Fact]
    public void Absent_and_unready_pods_are_named()
    {
        V1Service service = EtcdService();
        var absent = Assert.Throws<OperatorException>(() => KubernetesAddressing.ChoosePod(service, service.Spec.Ports[0], [], "pach"));
        Assert.Equal(("kubernetes-no-etcd-pod", "service etcd has no pod"), (absent.Id, absent.Problem));

        V1Pod[] pods = [EtcdPod("etcd-1", phase: "Pending", ready: false), EtcdPod("etcd-0", deleted: true)];
        var unready = Assert.Throws<OperatorException>(() => KubernetesAddressing.ChoosePod(service, service.Spec.Ports[0], pods, "pach"));
        Assert.Equal("no pod of service etcd is ready: etcd-0 is being deleted, etcd-1 is Pending, not ready", unready.Problem);

        service.Spec.Selector = null;
        var unselected = Assert.Throws<OperatorException>(() => KubernetesAddressing.PodLabels(service, "pach"));
        Assert.Equal("service etcd selects no pods", unselected.Problem);
    }

    [Fact]
    public void What_runs_besides_etcd_is_listed()
    {
        KubernetesWorkload workload = KubernetesAddressing.Describe(
            "pach",
            Pachd(replicas: null),
            [PachdPod("pachd-b"), PachdPod("pachd-a", "Pending"), PachdPod("pachd-old", "Failed")],
            [Worker("pipeline-b-v1", 2, 1), Worker("pipeline-a-v3", null, 0), Worker("something-else", 1, 1)]);
        Assert.Equal(1, workload.PachdReplicas);
        Assert.Equal(["pachd-a", "pachd-b"], workload.PachdPods);
        KubernetesWorkerController[] workers = [new("pipeline-a-v3", 1, 0), new("pipeline-b-v1", 2, 1)];
        Assert.Equal(workers, workload.Workers);
        Assert.False(workload.IsAtRest);
    }

    public static TheoryData<int?, string[], int, int, bool> Rest => new()
    {
        { null, [], 0, 0, true },
        { 0, [], 0, 0, true },
        { 1, [], 0, 0, false },
        { null, ["pachd-a"], 0, 0, false },
        { 0, ["pachd-a"], 0, 0, false },
        { 0, [], 1, 0, false },
        { 0, [], 0, 1, false },
    };

    [Theory]
    [MemberData(nameof(Rest))]
    public void A_cluster_is_at_rest_when_neither_pachd_nor_workers_run_or_are_about_to(
        int? pachdReplicas,
        string[] pachdPods,
        int workerReplicas,
        int workersRunning,
        bool expected) =>
        Assert.Equal(
            expected,
            new KubernetesWorkload("pach", pachdReplicas, pachdPods, [new("pipeline-a-v1", workerReplicas, workersRunning)]).IsAtRest);
}
