using System.Globalization;
using System.Text;
using Pachyderm.RecordStores.Snapshot;

namespace Pachyderm.RecordStores.Tests.Snapshot;

/// <summary>Snapshots of a real etcd with a history: many writes per key, deletes, keys that came back, a compaction, leases.</summary>
public sealed class HistoryTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public async Task A_history_resolves_to_what_the_server_itself_lists(int compactions)
    {
        string path = _directory["history.snap"];
        List<string> expected;
        long revision;
        await using (RestoredEtcd etcd = await RestoredEtcd.StartAsync(null))
        {
            string lease = (await etcd.RunAsync("lease", "grant", "3600")).Split(' ')[1];
            Random random = new(compactions);
            for (int round = 0; round < 6; round++)
            {
                await etcd.PipeAsync(Transaction(random, round), "txn");
                await etcd.PipeAsync(new string((char)('a' + round), 1 + (20_000 * round)), "put", $"large/{round % 2}", "--lease", lease);
                await etcd.RunAsync("put", "often", round.ToString(CultureInfo.InvariantCulture));
                if (round % 2 == 1)
                {
                    await etcd.RunAsync("del", "often");
                }

                if (round is 2 or 4 && compactions > (round / 2) - 1)
                {
                    await etcd.RunAsync("compact", (await etcd.GetRevisionAsync()).ToString(CultureInfo.InvariantCulture), "--physical");
                }
            }

            await etcd.RunAsync("del", "key 3");
            expected = await etcd.ListAsync();
            revision = await etcd.GetRevisionAsync();
            await etcd.RunAsync("snapshot", "save", path);
        }

        foreach (int capacity in new[] { 1, LiveSet.DefaultCapacity })
        {
            using EtcdSnapshotFile snapshot = await EtcdSnapshotFile.OpenAsync(path, SnapshotIntegrity.VerifyHash, capacity, Token);
            List<StoredRecord> records = await snapshot.ReadAllAsync();
            Assert.Equal(expected, records.Select(Fixtures.Line).Order(StringComparer.Ordinal), StringComparer.Ordinal);
            Assert.Equal(revision, snapshot.Revision);
            Assert.Equal(compactions > 0, snapshot.CompactRevision > 0);
        }

        using EtcdSnapshotFile source = await EtcdSnapshotFile.OpenAsync(path, SnapshotIntegrity.VerifyHash, Token);
        SnapshotRewriteResult result = await SnapshotRewriter.RewriteAsync(
            source, _directory["new.snap"], _ => RecordRewrite.Keep, null, null, Token);
        await using RestoredEtcd restored = await RestoredEtcd.StartAsync(_directory["new.snap"]);
        Assert.Equal(expected, await restored.ListAsync(), StringComparer.Ordinal);
        Assert.Equal((revision, revision), (result.Revision, await restored.GetRevisionAsync()));
    }

    [Fact]
    public async Task The_alarm_of_a_full_etcd_is_reported()
    {
        string path = _directory["full.snap"];
        await using (RestoredEtcd etcd = await RestoredEtcd.StartAsync(null, "--quota-backend-bytes", "1000"))
        {
            Assert.Contains("space exceeded", await etcd.FailAsync("put", "key", "value"), StringComparison.Ordinal);
            Assert.Contains("NOSPACE", await etcd.RunAsync("alarm", "list"), StringComparison.Ordinal);
            await etcd.RunAsync("snapshot", "save", path);
        }

        await using SnapshotRecordStore store = await SnapshotRecordStore.OpenAsync(
            path, SnapshotIntegrity.VerifyHash, TimeProvider.System, Token);
        Assert.Equal(["NOSPACE"], (await store.GetStatusAsync(Token)).Alarms);
    }

    /// <summary>Commands for <c>etcdctl txn</c>: puts and deletes that share a revision.</summary>
    private static string Transaction(Random random, int round)
    {
        StringBuilder commands = new("\n");
        for (int key = 0; key < 30; key++)
        {
            commands.AppendLine(random.Next(4) switch
            {
                0 => $"del \"key {key}\"",
                1 => $"get \"key {key}\"",
                _ => $"put \"key {key}\" \"round {round}\"",
            });
        }

        return commands.Append("\n\n").ToString();
    }
}
