using Pachyderm.Migration.Survey;
using Pachyderm.Migration.Tests.Support;
using Pachyderm.RecordStores.Snapshot;
using Pachyderm.TestSupport;

namespace Pachyderm.Migration.Tests.Survey;

public sealed class DigestDriverTests
{
    [Fact]
    public async Task The_order_of_writes_does_not_change_a_digest()
    {
        SyntheticCluster cluster = new SyntheticCluster().Repo("a").Repo("b", "a").Commit("a", SyntheticCluster.Id(1)).Pipeline("p");
        SyntheticCluster reversed = new();
        foreach (RecordStores.StoredRecord record in cluster.Records.Reverse())
        {
            reversed.Put(record.Key.ToArray(), record.Value.ToArray());
        }

        using PreparedCluster one = await PreparedCluster.FromAsync(cluster);
        using PreparedCluster other = await PreparedCluster.FromAsync(reversed);

        Assert.Equal(one.Inventory.Digest, other.Inventory.Digest);
        Assert.Equal(Show(one.Inventory), Show(other.Inventory));
    }

    [Fact]
    public async Task Records_on_leases_and_of_others_do_not_count()
    {
        SyntheticCluster cluster = new SyntheticCluster().Repo("a");
        using PreparedCluster alone = await PreparedCluster.FromAsync(cluster);
        using PreparedCluster crowded = await PreparedCluster.FromAsync(cluster
            .Put("pachyderm_pps/workers/w/1", "", lease: 3).Put("gc-generation", "1").Put("other/x", "y").Put("pachyderm_migration/pachyderm_pfs/journal", "{}"));

        Assert.Equal(alone.Inventory.Digest, crowded.Inventory.Digest);
        Assert.Equal((0, 4), (alone.Inventory.OtherKeys, crowded.Inventory.OtherKeys));
    }

    [Theory]
    [InlineData("pachyderm-1.4.8-small")]
    [InlineData("pachyderm-1.4.8-dirty")]
    [InlineData("pachyderm-1.5.3-small")]
    public async Task A_snapshot_file_a_snapshot_store_and_a_real_etcd_give_one_inventory(string set)
    {
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        string path = Path.Combine(RepositoryPaths.Fixture(set), "etcd.snap");
        Formats.ClusterKeys keys = new();
        using EtcdSnapshotFile file = await EtcdSnapshotFile.OpenAsync(path, SnapshotIntegrity.VerifyHash, cancellation);
        await using SnapshotRecordStore store = await SnapshotRecordStore.OpenAsync(path, SnapshotIntegrity.VerifyHash, TimeProvider.System, cancellation);
        await using EtcdProcess etcd = await EtcdProcess.StartAsync(new EtcdProcessOptions { Snapshot = path }, cancellation);
        await using RecordStores.Etcd.EtcdRecordStore live = await RecordStores.Etcd.EtcdRecordStore.ConnectAsync(etcd.Endpoint, options: null, cancellation);

        string fromFile = Show(await PreparedCluster.SurveyAsync(new SnapshotRecordSource(file), keys));
        string fromStore = Show(await PreparedCluster.SurveyAsync(new StoreRecordSource(store), keys));
        string fromEtcd = Show(await PreparedCluster.SurveyAsync(new StoreRecordSource(live), keys));

        Assert.Equal(fromFile, fromStore);
        Assert.Equal(fromFile, fromEtcd);
    }

    private static string Show(ClusterInventory inventory) => string.Join(
        '\n',
        (string[])
        [
            inventory.Digest.ToString(),
            inventory.Release.ToString(),
            .. inventory.Totals.OrderBy(totals => totals.Key).Select(totals => $"{totals.Key} {totals.Value.Count} {totals.Value.Bytes} {totals.Value.Digest}"),
            .. inventory.Findings.Details.Select(finding => finding.ToString()).Order(StringComparer.Ordinal),
        ]);
}
