using System.Text;
using System.Text.Json;
using Pachyderm.RecordStores.Snapshot;

namespace Pachyderm.RecordStores.Tests.Snapshot;

public sealed class GenuineSnapshotTests
{
    public static TheoryData<string> Sets => [.. Fixtures.Names];

    [Theory]
    [MemberData(nameof(Sets))]
    public async Task A_snapshot_yields_exactly_the_records_that_etcd_listed(string set)
    {
        using EtcdSnapshotFile snapshot = await Fixtures.OpenAsync(set);

        List<StoredRecord> records = await snapshot.ReadAllAsync();

        Assert.Equal(Fixtures.Listing(set).Order(StringComparer.Ordinal), records.Select(Fixtures.Line).Order(StringComparer.Ordinal));
        Assert.Equal(records.Count, snapshot.LiveRecordCount);
        Assert.Equal(records.Select(record => record.ModRevision).Order(), records.Select(record => record.ModRevision));
    }

    [Theory]
    [MemberData(nameof(Sets))]
    public async Task A_snapshot_has_the_revision_and_size_that_etcdctl_reports(string set)
    {
        using EtcdSnapshotFile snapshot = await Fixtures.OpenAsync(set);

        using JsonDocument status = JsonDocument.Parse(
            await RestoredEtcd.EtcdctlAsync("snapshot", "status", Fixtures.Snapshot(set), "-w", "json"));

        Assert.Equal(status.RootElement.GetProperty("revision").GetInt64(), snapshot.Revision);
        Assert.Equal(status.RootElement.GetProperty("totalSize").GetInt64() + 32, snapshot.SizeBytes);
    }

    [Theory]
    [MemberData(nameof(Sets))]
    public async Task A_shared_file_is_the_same_one_and_stays_open_until_all_who_share_it_have_closed_it(string set)
    {
        using TemporaryDirectory directory = new();
        string path = directory["etcd.snap"];
        File.Copy(Fixtures.Snapshot(set), path);
        EtcdSnapshotFile first = await EtcdSnapshotFile.OpenAsync(path, SnapshotIntegrity.VerifyHash, TestContext.Current.CancellationToken);
        EtcdSnapshotFile second = first.Share();
        first.Dispose();
        first.Dispose();
        File.Delete(path);

        List<StoredRecord> records = await second.ReadAllAsync();

        Assert.Equal(Fixtures.Listing(set).Order(StringComparer.Ordinal), records.Select(Fixtures.Line).Order(StringComparer.Ordinal));
        Assert.Equal((first.Sha256, first.Revision, first.SizeBytes), (second.Sha256, second.Revision, second.SizeBytes));
        second.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => second.ReadAllAsync());
        Assert.Throws<ObjectDisposedException>(first.Share);
    }

    [Theory]
    [MemberData(nameof(Sets))]
    public async Task Few_keys_remembered_at_a_time_give_the_same_records(string set)
    {
        using EtcdSnapshotFile snapshot = await EtcdSnapshotFile.OpenAsync(
            Fixtures.Snapshot(set), SnapshotIntegrity.Trust, liveSetCapacity: 3, TestContext.Current.CancellationToken);

        List<StoredRecord> records = await snapshot.ReadAllAsync();

        Assert.Equal(Fixtures.Listing(set).Order(StringComparer.Ordinal), records.Select(Fixtures.Line).Order(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Sets))]
    public async Task Partitions_together_hold_every_record_once_and_in_order(string set)
    {
        using EtcdSnapshotFile snapshot = await Fixtures.OpenAsync(set);
        IEnumerable<string> whole = (await snapshot.ReadAllAsync()).Select(Fixtures.Line);

        foreach (int count in new[] { 1, 2, 7, 100_000 })
        {
            IEnumerable<StoredRecord> parts = snapshot.Partition(count)
                .SelectMany(part => snapshot.ReadPartition(part, KeyRange.All))
                .SelectMany(page => page);
            Assert.Equal(whole, parts.Select(Fixtures.Line), StringComparer.Ordinal);
        }
    }

    [Fact]
    public async Task A_range_yields_only_its_keys()
    {
        using EtcdSnapshotFile snapshot = await Fixtures.OpenAsync("pachyderm-1.4.8-dirty");
        List<StoredRecord> workers = [];
        await foreach (IReadOnlyList<StoredRecord> page in snapshot.ReadByRevisionAsync(
            KeyRange.Prefix("pachyderm_pps/workers/"), TestContext.Current.CancellationToken))
        {
            workers.AddRange(page);
        }

        Assert.Equal(18, workers.Count);
        Assert.All(workers, worker => Assert.StartsWith("pachyderm_pps/workers/", Encoding.UTF8.GetString(worker.Key.Span)));
        Assert.All(workers, worker => Assert.NotEqual(0, worker.Lease));
    }
}
