using Pachyderm.Errors;
using Pachyderm.RecordStores.Etcd;
using Pachyderm.TestSupport;

namespace Pachyderm.RecordStores.Tests.Etcd;

public sealed class EtcdReadTests : EtcdTestBase
{
    private static readonly EtcdOptions SmallPages = new() { PageRecords = 50, MaxMessageBytes = 1 << 20 };

    [Fact]
    public async Task A_read_goes_on_when_etcd_is_killed_and_restarted_in_the_middle()
    {
        EtcdProcess etcd = await StartAsync();
        EtcdRecordStore store = await ConnectAsync(etcd.Endpoint, SmallPages);
        await FillAsync(store, count: 5_000, valueSize: 300);
        Task restart = Task.CompletedTask;
        List<string> keys = await ReadKeysAsync(store, async page =>
        {
            if (page is 2 or 5)
            {
                await restart;
                await etcd.KillAsync();
                // Not awaited: the next pages are asked for while nothing listens.
                restart = etcd.RestartAsync(Cancellation);
            }
        });
        await restart;
        string[] expected = [.. Enumerable.Range(0, 5_000).Select(i => $"k{i:00000}")];
        Assert.Equal(expected, keys.ToArray());
    }

    [Fact]
    public async Task A_read_that_is_overtaken_by_a_compaction_says_so()
    {
        EtcdProcess etcd = await StartAsync();
        EtcdRecordStore store = await ConnectAsync(etcd.Endpoint, SmallPages);
        await FillAsync(store, count: 5_000, valueSize: 300);
        var failure = await Assert.ThrowsAsync<OperatorException>(() => ReadKeysAsync(store, async page =>
        {
            if (page == 2)
            {
                long now = (await PutAsync(store, "other", Bytes("1"))).Revision;
                await etcd.EtcdctlAsync(["compact", $"{now}"], Cancellation);
            }
        }));
        Assert.Equal("revision-compacted", failure.Id);
        Assert.StartsWith($"etcd {etcd.Endpoint}: ", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pages_shrink_until_large_records_fit()
    {
        EtcdProcess etcd = await StartAsync();
        EtcdRecordStore writer = await ConnectAsync(etcd.Endpoint);
        await FillAsync(writer, count: 40, valueSize: 400_000);
        EtcdRecordStore store = await ConnectAsync(etcd.Endpoint, new EtcdOptions { MaxMessageBytes = 1 << 20 });
        string[] expected = [.. Enumerable.Range(0, 40).Select(i => $"k{i:00000}")];
        Assert.Equal(expected, (await ReadKeysAsync(store)).ToArray());
    }

    [Fact]
    public async Task A_record_that_exceeds_the_limit_alone_is_named()
    {
        EtcdProcess etcd = await StartAsync();
        EtcdRecordStore writer = await ConnectAsync(etcd.Endpoint);
        await FillAsync(writer, count: 3, valueSize: 100);
        await PutAsync(writer, "k00001x", new byte[400_000]);
        EtcdRecordStore store = await ConnectAsync(etcd.Endpoint, new EtcdOptions { MaxMessageBytes = 100_000 });
        var failure = await Assert.ThrowsAsync<OperatorException>(() => ReadKeysAsync(store));
        Assert.Equal("record-too-large", failure.Id);
    }

    [Fact]
    public async Task An_etcd_that_stays_away_is_given_up_in_the_end()
    {
        EtcdProcess etcd = await StartAsync();
        EtcdRecordStore store = await ConnectAsync(etcd.Endpoint, new EtcdOptions { RetryFor = TimeSpan.FromMilliseconds(100) });
        await etcd.KillAsync();
        var failure = await Assert.ThrowsAsync<OperatorException>(() => store.GetAsync(Bytes("k"), Cancellation));
        Assert.Equal("etcd-unreachable", failure.Id);
    }

    [Fact]
    public async Task A_frozen_etcd_is_found_out_and_waited_for()
    {
        EtcdProcess etcd = await StartAsync();
        TcpTap tap = Keep(new TcpTap(etcd.Endpoint));
        EtcdRecordStore store = await ConnectAsync(tap.Endpoint);
        await PutAsync(store, "k", Bytes("1"));
        await etcd.PauseAsync();
        Task<StoredRecord?> reading = store.GetAsync(Bytes("k"), Cancellation);
        tap.Cut();
        await etcd.ContinueAsync();
        Assert.Equal("1", Text((await reading)!.Value.Value));
    }
}
