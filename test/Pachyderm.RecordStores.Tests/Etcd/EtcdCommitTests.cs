using System.Collections.Concurrent;
using Pachyderm.Errors;
using Pachyderm.RecordStores.Etcd;
using Pachyderm.TestSupport;

namespace Pachyderm.RecordStores.Tests.Etcd;

public sealed class EtcdCommitTests : EtcdTestBase
{
    [Fact]
    public async Task What_was_acknowledged_survives_a_kill_in_a_run_of_commits_and_nothing_else_is_there_but_what_was_in_doubt()
    {
        const int Writers = 8;
        EtcdProcess etcd = await StartAsync();
        EtcdRecordStore store = await ConnectAsync(etcd.Endpoint);
        ConcurrentBag<string> acknowledged = [];
        ConcurrentBag<string> doubtful = [];
        TaskCompletionSource enough = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Task[] writers = [.. Enumerable.Range(0, Writers).Select(async writer =>
        {
            for (int i = 0; i < 200; i++)
            {
                string key = $"k{writer}.{i:000}";
                try
                {
                    TransactionResult result = await store.CommitAsync(
                        new RecordTransaction([RecordGuard.Absent(Bytes(key))], [RecordWrite.Put(Bytes(key), Bytes("1"))]),
                        Cancellation);
                    Assert.True(result.Succeeded);
                    acknowledged.Add(key);
                }
                catch (OperatorException failure) when (string.Equals(failure.Id, "transaction-outcome-unknown", StringComparison.Ordinal))
                {
                    doubtful.Add(key);
                }

                if (acknowledged.Count > 300)
                {
                    enough.TrySetResult();
                }
            }
        })];

        await enough.Task;
        await etcd.KillAsync();
        await etcd.RestartAsync(Cancellation);
        await Task.WhenAll(writers);

        List<string> keys = await ReadKeysAsync(store);
        Assert.Equal(Writers * 200, acknowledged.Count + doubtful.Count);
        Assert.Empty(acknowledged.Except(keys, StringComparer.Ordinal));
        Assert.Empty(keys.Except(acknowledged, StringComparer.Ordinal).Except(doubtful, StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_lost_answer_is_never_followed_by_a_silent_repetition()
    {
        EtcdProcess etcd = await StartAsync();
        EtcdRecordStore direct = await ConnectAsync(etcd.Endpoint);
        TcpTap tap = Keep(new TcpTap(etcd.Endpoint));
        EtcdRecordStore store = await ConnectAsync(tap.Endpoint);
        await using IAsyncEnumerator<RecordEvent> watch = direct.WatchAsync(KeyRange.All, 1, Cancellation).GetAsyncEnumerator(Cancellation);

        tap.SwallowAnswers();
        Task<TransactionResult> commit = PutAsync(store, "k", Bytes("1"));
        Assert.True(await watch.MoveNextAsync());
        tap.Cut();
        var failure = await Assert.ThrowsAsync<OperatorException>(() => commit);
        Assert.Equal("transaction-outcome-unknown", failure.Id);

        StoredRecord? record = await store.GetAsync(Bytes("k"), Cancellation);
        Assert.Equal(1, record?.Version);
    }

    [Fact]
    public async Task A_commit_that_could_not_be_sent_is_sent_when_etcd_is_back()
    {
        EtcdProcess etcd = await StartAsync();
        FailureClock clock = new();
        EtcdRecordStore store = await ConnectAsync(etcd.Endpoint, new EtcdOptions { TimeProvider = clock });
        await etcd.KillAsync();
        // A read finds out that the connection is gone, so that the commit has to connect first.
        Task<StoredRecord?> reading = store.GetAsync(Bytes("k"), Cancellation);
        await clock.FirstFailure;
        Task<TransactionResult> commit = PutAsync(store, "k", Bytes("1"));
        await etcd.RestartAsync(Cancellation);
        Assert.True((await commit).Succeeded);
        await reading;
        Assert.Equal(1, (await store.GetAsync(Bytes("k"), Cancellation))?.Version);
    }

    [Fact]
    public async Task A_full_quota_is_named_with_its_remedy_and_the_remedy_works()
    {
        const long Quota = 8 << 20;
        EtcdProcess etcd = await StartAsync(new EtcdProcessOptions { QuotaBytes = Quota });
        EtcdRecordStore store = await ConnectAsync(etcd.Endpoint);
        var failure = await Assert.ThrowsAsync<OperatorException>(async () =>
        {
            for (int i = 0; i < 100; i++)
            {
                await PutAsync(store, "k", new byte[500_000]);
            }
        });
        Assert.Equal("etcd-no-space", failure.Id);
        RecordStoreStatus status = await store.GetStatusAsync(Cancellation);
        Assert.Equal(["NOSPACE"], status.Alarms);
        Assert.Equal(Quota, status.QuotaBytes);
        Assert.NotNull(await store.GetAsync(Bytes("k"), Cancellation));

        await etcd.EtcdctlAsync(["compact", $"{status.Revision}"], Cancellation);
        await etcd.EtcdctlAsync(["defrag"], Cancellation);
        await etcd.EtcdctlAsync(["alarm", "disarm"], Cancellation);
        Assert.True((await PutAsync(store, "k", Bytes("small"))).Succeeded);
        Assert.Empty((await store.GetStatusAsync(Cancellation)).Alarms);
    }

    [Fact]
    public async Task A_transaction_may_have_as_many_operations_as_promised_and_no_more()
    {
        EtcdProcess etcd = await StartAsync();
        EtcdRecordStore store = await ConnectAsync(etcd.Endpoint);
        Assert.True((await store.CommitAsync(Transaction(EtcdRecordStore.MaxOperations), Cancellation)).Succeeded);
        await Assert.ThrowsAsync<ArgumentException>(() => store.CommitAsync(Transaction(EtcdRecordStore.MaxOperations + 1), Cancellation));
    }

    [Fact]
    public async Task An_etcd_that_allows_fewer_operations_is_named()
    {
        EtcdProcess etcd = await StartAsync(new EtcdProcessOptions { MaxTransactionOperations = 10 });
        EtcdRecordStore store = await ConnectAsync(etcd.Endpoint);
        var failure = await Assert.ThrowsAsync<OperatorException>(() => store.CommitAsync(Transaction(11), Cancellation));
        Assert.Equal("etcd-too-many-operations", failure.Id);
    }

    [Fact]
    public async Task A_request_that_is_too_large_is_named_and_leaves_nothing_behind()
    {
        EtcdProcess etcd = await StartAsync();
        EtcdRecordStore store = await ConnectAsync(etcd.Endpoint);
        foreach (int size in (int[])[1_700_000, 5_000_000])
        {
            var failure = await Assert.ThrowsAsync<OperatorException>(() => PutAsync(store, "k", new byte[size]));
            Assert.Equal("etcd-request-too-large", failure.Id);
        }

        Assert.Null(await store.GetAsync(Bytes("k"), Cancellation));
    }

    [Fact]
    public async Task An_etcd_that_demands_a_user_is_named()
    {
        EtcdProcess etcd = await StartAsync();
        EtcdRecordStore store = await ConnectAsync(etcd.Endpoint);
        await etcd.EtcdctlAsync(["user", "add", "root:secret"], Cancellation);
        await etcd.EtcdctlAsync(["user", "grant-role", "root", "root"], Cancellation);
        await etcd.EtcdctlAsync(["auth", "enable"], Cancellation);
        var failure = await Assert.ThrowsAsync<OperatorException>(() => PutAsync(store, "k", Bytes("1")));
        Assert.Equal("etcd-access-denied", failure.Id);
    }

    [Fact]
    public async Task An_empty_key_is_the_callers_error()
    {
        EtcdProcess etcd = await StartAsync();
        EtcdRecordStore store = await ConnectAsync(etcd.Endpoint);
        await Assert.ThrowsAnyAsync<ArgumentException>(() => PutAsync(store, "", Bytes("1")));
    }

    [Fact]
    public async Task A_snapshot_whose_connection_is_lost_is_an_error_and_not_a_short_file()
    {
        EtcdProcess etcd = await StartAsync();
        EtcdRecordStore writer = await ConnectAsync(etcd.Endpoint);
        await FillAsync(writer, count: 20, valueSize: 400_000);
        TcpTap tap = Keep(new TcpTap(etcd.Endpoint));
        EtcdRecordStore store = await ConnectAsync(tap.Endpoint);
        tap.CutAfterAnswerBytes(3_000_000);
        using MemoryStream destination = new();
        var failure = await Assert.ThrowsAsync<OperatorException>(() => store.SaveSnapshotAsync(destination, Cancellation));
        Assert.Equal("snapshot-incomplete", failure.Id);

        using MemoryStream again = new();
        Assert.Equal(await store.SaveSnapshotAsync(again, Cancellation), again.Length);
    }

    private static RecordTransaction Transaction(int operations) => new(
        [.. Enumerable.Range(0, operations).Select(i => RecordGuard.Absent(Bytes($"k{i}")))],
        [.. Enumerable.Range(0, operations).Select(i => RecordWrite.Put(Bytes($"k{i}"), Bytes("1")))]);

    /// <summary>Tells when a call has failed for the first time: that is when the driver looks at the clock.</summary>
    private sealed class FailureClock : TimeProvider
    {
        private readonly TaskCompletionSource _failed = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task FirstFailure => _failed.Task;

        public override long GetTimestamp()
        {
            _failed.TrySetResult();
            return base.GetTimestamp();
        }
    }
}
