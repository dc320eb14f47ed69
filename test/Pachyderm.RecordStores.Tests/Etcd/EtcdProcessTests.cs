using Pachyderm.TestSupport;

namespace Pachyderm.RecordStores.Tests.Etcd;

public sealed class EtcdProcessTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_restored_snapshot_keeps_its_keys_and_a_restart_keeps_what_was_written()
    {
        await using EtcdProcess etcd = await EtcdProcess.StartAsync(
            new EtcdProcessOptions { Snapshot = Path.Combine(RepositoryPaths.Fixture("pachyderm-1.4.8-small"), "etcd.snap") },
            Cancellation);
        string repositories = await etcd.EtcdctlAsync(["get", "--prefix", "--keys-only", "pachyderm_pfs/repos/"], Cancellation);
        Assert.Contains("pachyderm_pfs/repos/images\n", repositories, StringComparison.Ordinal);

        await etcd.EtcdctlAsync(["put", "written", "before the crash"], Cancellation);
        await etcd.KillAsync();
        await etcd.RestartAsync(Cancellation);
        Assert.Equal("written\nbefore the crash\n", await etcd.EtcdctlAsync(["get", "written"], Cancellation));
    }
}
