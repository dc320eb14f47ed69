using Pachyderm.Errors;
using Pachyderm.RecordStores.Etcd;
using Pachyderm.TestSupport;

namespace Pachyderm.RecordStores.Tests.Etcd;

public sealed class EtcdWatchTests : EtcdTestBase
{
    [Fact]
    public async Task A_watch_misses_and_repeats_nothing_when_etcd_is_killed_and_restarted()
    {
        EtcdProcess etcd = await StartAsync();
        EtcdRecordStore store = await ConnectAsync(etcd.Endpoint);
        await using IAsyncEnumerator<RecordEvent> watch =
            store.WatchAsync(KeyRange.Prefix("k"), 1, Cancellation).GetAsyncEnumerator(Cancellation);
        for (int round = 0; round < 3; round++)
        {
            for (int i = 0; i < 10; i++)
            {
                await PutAsync(store, "k", Bytes($"{round}.{i}"));
            }

            // Half of it is delivered before the crash.
            for (int i = 0; i < 5; i++)
            {
                Assert.True(await watch.MoveNextAsync());
                Assert.Equal($"{round}.{i}", Text(watch.Current.Record.Value));
            }

            await etcd.KillAsync();
            Task restart = etcd.RestartAsync(Cancellation);
            for (int i = 5; i < 10; i++)
            {
                Assert.True(await watch.MoveNextAsync());
                Assert.Equal($"{round}.{i}", Text(watch.Current.Record.Value));
            }

            await restart;
        }
    }

    [Theory]
    [InlineData(100_000)]
    [InlineData(1_000_000)]
    [InlineData(2_500_000)]
    [InlineData(3_300_000)]
    [InlineData(7_000_000)]
    public async Task A_connection_that_is_lost_within_a_large_answer_loses_and_repeats_nothing(long cutAfter)
    {
        const int Transactions = 10;
        const int Each = 10;
        EtcdProcess etcd = await StartAsync();
        EtcdRecordStore writer = await ConnectAsync(etcd.Endpoint);
        List<string> expected = [];
        for (int t = 0; t < Transactions; t++)
        {
            // Each transaction is about 1 MB, so that etcd's fragments of about 2 MB end within one.
            RecordWrite[] writes = [.. Enumerable.Range(0, Each).Select(i => RecordWrite.Put(Bytes($"k{i}"), new byte[100_000 + t]))];
            long revision = (await writer.CommitAsync(new RecordTransaction([], writes), Cancellation)).Revision;
            expected.AddRange(writes.Select(write => $"{revision} {Text(write.Key)}"));
        }

        TcpTap tap = Keep(new TcpTap(etcd.Endpoint));
        EtcdRecordStore store = await ConnectAsync(tap.Endpoint);
        tap.CutAfterAnswerBytes(cutAfter);
        List<string> events = [];
        await foreach (RecordEvent change in store.WatchAsync(KeyRange.Prefix("k"), 1, Cancellation))
        {
            events.Add($"{change.Record.ModRevision} {Text(change.Record.Key)}");
            if (events.Count == expected.Count)
            {
                break;
            }
        }

        Assert.Equal(expected, events);
    }

    [Fact]
    public async Task A_watch_from_a_compacted_revision_says_so()
    {
        EtcdProcess etcd = await StartAsync();
        EtcdRecordStore store = await ConnectAsync(etcd.Endpoint);
        await PutAsync(store, "k", Bytes("1"));
        long now = (await PutAsync(store, "k", Bytes("2"))).Revision;
        await etcd.EtcdctlAsync(["compact", $"{now}"], Cancellation);
        await using IAsyncEnumerator<RecordEvent> watch = store.WatchAsync(KeyRange.All, 1, Cancellation).GetAsyncEnumerator(Cancellation);
        var failure = await Assert.ThrowsAsync<OperatorException>(async () => await watch.MoveNextAsync());
        Assert.Equal("watch-compacted", failure.Id);
    }

    [Fact]
    public async Task A_watch_of_an_empty_range_delivers_nothing()
    {
        EtcdProcess etcd = await StartAsync();
        EtcdRecordStore store = await ConnectAsync(etcd.Endpoint);
        await PutAsync(store, "k", Bytes("1"));
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        await using IAsyncEnumerator<RecordEvent> watch =
            store.WatchAsync(new KeyRange(default, new byte[] { 0 }), 1, stop.Token).GetAsyncEnumerator(stop.Token);
        ValueTask<bool> waiting = watch.MoveNextAsync();
        await PutAsync(store, "k", Bytes("2"));
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await waiting);
    }
}
