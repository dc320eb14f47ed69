using Pachyderm.Errors;
using Pachyderm.RecordStores.Etcd;
using Pachyderm.RecordStores.Tests.Etcd;

namespace Pachyderm.RecordStores.Tests;

public sealed class FaultInjectingRecordStoreTests : EtcdTestBase
{
    [Theory]
    [InlineData(CommitFault.BeforeApplied, "etcd-unreachable", new[] { "k1", "k3" })]
    [InlineData(CommitFault.AfterApplied, "transaction-outcome-unknown", new[] { "k1", "k2", "k3" })]
    public async Task The_chosen_commit_fails_before_or_after_it_is_made(CommitFault fault, string id, string[] expected)
    {
        EtcdRecordStore inner = await ConnectAsync((await StartAsync()).Endpoint);
        await using FaultInjectingRecordStore store = new(inner, leaveOpen: true) { FailAtCommit = 2, Fault = fault };
        await PutAsync(store, "k1", Bytes("1"));
        var failure = await Assert.ThrowsAsync<OperatorException>(() => PutAsync(store, "k2", Bytes("1")));
        await PutAsync(store, "k3", Bytes("1"));
        Assert.Equal(id, failure.Id);
        Assert.Equal(expected, (await ReadKeysAsync(inner)).ToArray());
        Assert.Equal((3, 3), (store.Commits, store.Writes));
    }

    [Fact]
    public async Task A_store_that_stays_down_fails_in_everything_until_it_is_repaired()
    {
        EtcdRecordStore inner = await ConnectAsync((await StartAsync()).Endpoint);
        await using FaultInjectingRecordStore store = new(inner, leaveOpen: true) { FailAtCommit = 1, StaysDown = true };
        await Assert.ThrowsAsync<OperatorException>(() => PutAsync(store, "k1", Bytes("1")));
        await Assert.ThrowsAsync<OperatorException>(() => PutAsync(store, "k1", Bytes("1")));
        await Assert.ThrowsAsync<OperatorException>(() => store.GetAsync(Bytes("k1"), Cancellation));
        await Assert.ThrowsAsync<OperatorException>(() => ReadKeysAsync(store));
        await Assert.ThrowsAsync<OperatorException>(() => store.GetStatusAsync(Cancellation));
        await Assert.ThrowsAsync<OperatorException>(() => store.GrantLeaseAsync(TimeSpan.FromMinutes(1), Cancellation));
        await Assert.ThrowsAsync<OperatorException>(() => store.SaveSnapshotAsync(Stream.Null, Cancellation));
        store.Repair();
        await PutAsync(store, "k2", Bytes("1"));
        Assert.Equal(["k2"], (await ReadKeysAsync(store)).ToArray());
    }

    [Fact]
    public async Task A_read_only_store_takes_every_write_for_the_callers_error_and_lets_reads_through()
    {
        EtcdRecordStore inner = await ConnectAsync((await StartAsync()).Endpoint);
        await PutAsync(inner, "k", Bytes("1"));
        await using FaultInjectingRecordStore store = new(inner, leaveOpen: true) { ReadOnly = true };
        await Assert.ThrowsAsync<InvalidOperationException>(() => PutAsync(store, "k", Bytes("2")));
        Assert.Throws<InvalidOperationException>(() => store.GrantLeaseAsync(TimeSpan.FromMinutes(1), Cancellation).GetAwaiter());
        Assert.Throws<InvalidOperationException>(() => store.RevokeLeaseAsync(1, Cancellation).GetAwaiter());
        Assert.Equal("1", Text((await store.GetAsync(Bytes("k"), Cancellation))!.Value.Value));
        Assert.Equal(["k"], (await ReadKeysAsync(store)).ToArray());
        Assert.Equal((1, 0, 1, 1, 2), (store.Commits, store.Watches, store.Gets, store.Reads, store.LeaseCalls));
    }

    [Fact]
    public async Task A_test_can_write_behind_the_callers_back()
    {
        EtcdRecordStore inner = await ConnectAsync((await StartAsync()).Endpoint);
        await using FaultInjectingRecordStore store = new(inner, leaveOpen: true)
        {
            BeforeCommit = (number, _) => number == 1 ? PutAsync(inner, "k", Bytes("theirs")) : Task.CompletedTask,
        };
        TransactionResult result = await store.CommitAsync(
            new RecordTransaction([RecordGuard.Absent(Bytes("k"))], [RecordWrite.Put(Bytes("k"), Bytes("ours"))]),
            Cancellation);
        Assert.False(result.Succeeded);
    }
}
