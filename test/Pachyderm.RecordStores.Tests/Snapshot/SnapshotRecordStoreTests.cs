using System.Text;
using CsCheck;
using Pachyderm.Errors;
using Pachyderm.RecordStores.Snapshot;

namespace Pachyderm.RecordStores.Tests.Snapshot;

public sealed class SnapshotRecordStoreTests : IDisposable
{
    private const string Set = "pachyderm-1.4.8-dirty";

    private readonly TemporaryDirectory _directory = new();
    private readonly ManualClock _clock = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Every_record_of_the_file_is_found_by_its_key_and_no_other()
    {
        await using SnapshotRecordStore store = await OpenAsync(Fixtures.Snapshot(Set));

        foreach (StoredRecord record in await ReadAsync(store))
        {
            Assert.Equal(Fixtures.Line(record), Fixtures.Line((await store.GetAsync(record.Key, Token))!.Value));
            Assert.Null(await store.GetAsync((byte[])[.. record.Key.Span, 1], Token));
        }

        RecordStoreStatus status = await store.GetStatusAsync(Token);
        Assert.Equal(("snapshot", store.File.Revision, store.File.SizeBytes), (status.ServerVersion, status.Revision, status.SizeBytes));
        Assert.Equal(store.File.LiveRecordCount, Fixtures.Listing(Set).Count);
    }

    [Fact]
    public async Task It_behaves_like_a_dictionary_with_revisions_whatever_is_written()
    {
        string path = _directory["base.snap"];
        await using (EtcdSnapshotWriter writer = await EtcdSnapshotWriter.CreateAsync(path, null, Token))
        {
            for (int key = 0; key < 6; key++)
            {
                writer.Add(4 + (key / 2), key % 2, new StoredRecord(Key(key), Key(key), 3, 4 + (key / 2), 2, 0));
            }

            await writer.CompleteAsync(9, Token);
        }

        Gen<Step> step = Gen.Select(
            Gen.Select(Gen.Int[0, 9], Gen.Int[0, 3]).Array[1, 4],
            Gen.Select(Gen.Int[0, 9], Gen.Int[0, 6]).Array[0, 2],
            (writes, guards) => new Step(writes, guards));
        await step.Array[1, 25].SampleAsync(
            async steps =>
            {
                await using SnapshotRecordStore store = await OpenAsync(path);
                Model model = new((await ReadAsync(store)).ToDictionary(Name, record => record, StringComparer.Ordinal), 9);
                foreach (Step each in steps)
                {
                    RecordTransaction transaction = each.ToTransaction(model);
                    Assert.Equal(model.Commit(transaction), await store.CommitAsync(transaction, Token));
                    Assert.Equal(model.Lines(), Lines(await ReadAsync(store)), StringComparer.Ordinal);
                }

                for (int key = 0; key < 10; key++)
                {
                    StoredRecord[] expected = model.Find(Key(key)) is { } kept ? [kept] : [];
                    StoredRecord[] actual = await store.GetAsync(Key(key), Token) is { } found ? [found] : [];
                    Assert.Equal(Lines(expected), Lines(actual), StringComparer.Ordinal);
                }

                string saved = _directory[Guid.NewGuid().ToString("N")];
                await SaveAsync(store, saved);
                using EtcdSnapshotFile copy = await EtcdSnapshotFile.OpenAsync(saved, SnapshotIntegrity.VerifyHash, Token);
                Assert.Equal(model.Lines(), Lines(await copy.ReadAllAsync()), StringComparer.Ordinal);
                Assert.Equal(model.Revision, copy.Revision);
            },
            iter: 60);
    }

    [Fact]
    public async Task A_real_etcd_serves_what_was_saved_and_the_source_stays_as_it_was()
    {
        byte[] before = await File.ReadAllBytesAsync(Fixtures.Snapshot(Set), Token);
        await using SnapshotRecordStore store = await OpenAsync(Fixtures.Snapshot(Set));
        await SaveAsync(store, _directory["copy.snap"]);
        StoredRecord leased = (await ReadAsync(store)).First(record => record.Lease != 0);
        StoredRecord plain = (await ReadAsync(store)).First(record => record.Lease == 0);
        long lease = await store.GrantLeaseAsync(TimeSpan.FromHours(1), Token);
        await CommitAsync(
            store, RecordWrite.Put("new"u8.ToArray(), "value"u8.ToArray(), lease), RecordWrite.Put(plain.Key, "changed"u8.ToArray()));
        await store.RevokeLeaseAsync(leased.Lease, Token);
        Assert.Null(await store.GetAsync(leased.Key, Token));
        Assert.False(await store.RenewLeaseAsync(leased.Lease, Token));
        List<string> expected = [.. Lines(await ReadAsync(store))];

        await SaveAsync(store, _directory["new.snap"]);

        Assert.Equal(before, await File.ReadAllBytesAsync(_directory["copy.snap"], Token));
        Assert.Equal(before, await File.ReadAllBytesAsync(Fixtures.Snapshot(Set), Token));
        await using RestoredEtcd etcd = await RestoredEtcd.StartAsync(_directory["new.snap"]);
        Assert.Equal(expected, await etcd.ListAsync(), StringComparer.Ordinal);
        Assert.Equal(store.File.Revision + 2, await etcd.GetRevisionAsync());
        string leases = await etcd.RunAsync("lease", "list");
        Assert.Contains($"{lease:x16}", leases, StringComparison.Ordinal);
        Assert.DoesNotContain($"{leased.Lease:x16}", leases, StringComparison.Ordinal);
        Assert.Contains("granted with TTL(3600s)", await etcd.RunAsync("lease", "timetolive", $"{lease:x}"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_granted_lease_takes_its_keys_along_unless_it_is_renewed()
    {
        await using SnapshotRecordStore store = await OpenAsync(Fixtures.Snapshot(Set));
        long lease = await store.GrantLeaseAsync(TimeSpan.FromSeconds(10), Token);
        await CommitAsync(store, RecordWrite.Put(Key(1), Key(1), lease), RecordWrite.Put(Key(2), Key(2), lease));
        await CommitAsync(store, RecordWrite.Put(Key(2), Key(2)));

        _clock.Advance(TimeSpan.FromSeconds(9));
        Assert.True(await store.RenewLeaseAsync(lease, Token));
        _clock.Advance(TimeSpan.FromSeconds(9));
        Assert.NotNull(await store.GetAsync(Key(1), Token));
        _clock.Advance(TimeSpan.FromSeconds(1));

        Assert.Null(await store.GetAsync(Key(1), Token));
        Assert.NotNull(await store.GetAsync(Key(2), Token));
        Assert.False(await store.RenewLeaseAsync(lease, Token));
        OperatorException gone = await Assert.ThrowsAsync<OperatorException>(
            () => CommitAsync(store, RecordWrite.Put(Key(3), Key(3), lease)));
        Assert.Equal("lease-not-found", gone.Id);
        await store.RevokeLeaseAsync(12345, Token);
        Assert.All((await ReadAsync(store)).Where(record => record.Lease != 0), record => Assert.NotEqual(lease, record.Lease));
    }

    [Fact]
    public async Task Changes_are_delivered_from_the_revision_asked_for_in_order_and_as_they_happen()
    {
        await using SnapshotRecordStore store = await OpenAsync(Fixtures.Snapshot(Set));
        long opened = store.File.Revision;
        await CommitAsync(store, RecordWrite.Put(Key(1), Key(1)));
        await CommitAsync(store, RecordWrite.Put(Key(2), Key(2)), RecordWrite.Put("other"u8.ToArray(), default(ReadOnlyMemory<byte>)));
        long lease = await store.GrantLeaseAsync(TimeSpan.FromSeconds(10), Token);
        await CommitAsync(store, RecordWrite.Put(Key(3), Key(3), lease));
        IAsyncEnumerable<RecordEvent> changes = store.WatchAsync(KeyRange.Prefix("key"), opened + 2, Token);
        await using IAsyncEnumerator<RecordEvent> watch = changes.GetAsyncEnumerator(Token);

        Assert.True(await watch.MoveNextAsync());
        Assert.Equal(("key 2", opened + 2, false), (Name(watch.Current.Record), watch.Current.Record.ModRevision, watch.Current.Deleted));
        Assert.True(await watch.MoveNextAsync());
        Assert.Equal(("key 3", opened + 3, false), (Name(watch.Current.Record), watch.Current.Record.ModRevision, watch.Current.Deleted));
        ValueTask<bool> next = watch.MoveNextAsync();
        Assert.False(next.IsCompleted);
        _clock.Advance(TimeSpan.FromSeconds(10));
        Assert.True(await next);
        Assert.Equal(("key 3", opened + 4, true), (Name(watch.Current.Record), watch.Current.Record.ModRevision, watch.Current.Deleted));
        Assert.True(watch.Current.Record.Value.IsEmpty);
    }

    [Fact]
    public async Task History_from_before_the_opening_is_said_to_be_compacted()
    {
        await using SnapshotRecordStore store = await OpenAsync(Fixtures.Snapshot(Set));
        long opened = store.File.Revision;
        string before = Fixtures.Line((await ReadAsync(store)).First());
        await CommitAsync(store, [.. (await ReadAsync(store)).Take(3).Select(record => RecordWrite.Delete(record.Key))]);

        OperatorException watched = await Assert.ThrowsAsync<OperatorException>(
            async () => await store.WatchAsync(KeyRange.All, opened, Token).GetAsyncEnumerator(Token).MoveNextAsync());
        OperatorException read = await Assert.ThrowsAsync<OperatorException>(() => ReadAsync(store, opened - 1));
        OperatorException future = await Assert.ThrowsAsync<OperatorException>(() => ReadAsync(store, opened + 2));

        Assert.Equal(("watch-compacted", "revision-compacted", "revision-in-future"), (watched.Id, read.Id, future.Id));
        Assert.Equal(before, Fixtures.Line((await ReadAsync(store, opened)).First()));
        Assert.Equal(store.File.LiveRecordCount - 3, (await ReadAsync(store, opened + 1)).Count);
    }

    [Fact]
    public async Task A_key_that_is_written_twice_in_a_transaction_is_refused()
    {
        await using SnapshotRecordStore store = await OpenAsync(Fixtures.Snapshot(Set));

        await Assert.ThrowsAsync<ArgumentException>(() => CommitAsync(store, RecordWrite.Put(Key(1), Key(1)), RecordWrite.Delete(Key(1))));
        await Assert.ThrowsAsync<ArgumentException>(() => CommitAsync(store, RecordWrite.Delete(default)));

        Assert.Equal(store.File.Revision, (await store.GetStatusAsync(Token)).Revision);
    }

    [Fact]
    public async Task A_closed_store_ends_its_watches()
    {
        SnapshotRecordStore store = await OpenAsync(Fixtures.Snapshot(Set));
        await using IAsyncEnumerator<RecordEvent> watch = store.WatchAsync(KeyRange.All, 0, Token).GetAsyncEnumerator(Token);
        ValueTask<bool> next = watch.MoveNextAsync();

        await store.DisposeAsync();
        await store.DisposeAsync();

        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await next);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => store.GetStatusAsync(Token));
    }

    private static byte[] Key(int number) => Encoding.UTF8.GetBytes($"key {number}");

    private static IEnumerable<string> Lines(IEnumerable<StoredRecord> records) =>
        records.Select(Fixtures.Line).Order(StringComparer.Ordinal);

    private static string Name(StoredRecord record) => Encoding.UTF8.GetString(record.Key.Span);

    private static Task<TransactionResult> CommitAsync(SnapshotRecordStore store, params RecordWrite[] writes) =>
        store.CommitAsync(new RecordTransaction([], writes), Token);

    private static async Task<List<StoredRecord>> ReadAsync(SnapshotRecordStore store, long revision = 0)
    {
        List<StoredRecord> records = [];
        await foreach (IReadOnlyList<StoredRecord> page in store.ReadAsync(KeyRange.All, revision, Token))
        {
            records.AddRange(page);
        }

        return records;
    }

    private static async Task SaveAsync(SnapshotRecordStore store, string path)
    {
        await using FileStream file = File.Create(path);
        Assert.Equal(await store.SaveSnapshotAsync(file, Token), file.Length);
    }

    private Task<SnapshotRecordStore> OpenAsync(string path) =>
        SnapshotRecordStore.OpenAsync(path, SnapshotIntegrity.VerifyHash, _clock, Token);

    /// <summary>A transaction to be: keys by number with what to write, and guards by number with what to compare.</summary>
    private sealed record Step((int Key, int Action)[] Writes, (int Key, int Kind)[] Guards)
    {
        public RecordTransaction ToTransaction(Model model) => new(
            [.. Guards.Select(guard => ToGuard(model, guard.Key, guard.Kind))],
            [.. Writes.DistinctBy(write => write.Key).Select(write => write.Action == 0
                ? RecordWrite.Delete(Key(write.Key))
                : RecordWrite.Put(Key(write.Key), new byte[write.Action * 3000]))]);

        private static RecordGuard ToGuard(Model model, int key, int kind)
        {
            StoredRecord? record = model.Find(Key(key));
            return kind switch
            {
                0 => RecordGuard.Absent(Key(key)),
                1 or 2 => RecordGuard.Unchanged(Key(key), record?.ModRevision ?? 0),
                3 => RecordGuard.SameKey(Key(key), record?.CreateRevision ?? 0),
                4 or 5 => RecordGuard.HasValue(Key(key), record?.Value ?? default),
                _ => RecordGuard.SameKey(Key(key), 3),
            };
        }
    }

    /// <summary>What etcd promises, in the plainest form.</summary>
    private sealed class Model(Dictionary<string, StoredRecord> records, long revision)
    {
        public long Revision { get; private set; } = revision;

        public StoredRecord? Find(byte[] key) => records.TryGetValue(Encoding.UTF8.GetString(key), out StoredRecord record) ? record : null;

        public IEnumerable<string> Lines() => SnapshotRecordStoreTests.Lines(records.Values);

        public TransactionResult Commit(RecordTransaction transaction)
        {
            foreach (RecordGuard guard in transaction.Guards)
            {
                StoredRecord record = Find(guard.Key.ToArray()) ?? default;
                bool holds = guard.Kind switch
                {
                    RecordGuardKind.ModRevision => record.ModRevision == guard.Revision,
                    RecordGuardKind.CreateRevision => record.CreateRevision == guard.Revision,
                    _ => record.ModRevision != 0 && record.Value.Span.SequenceEqual(guard.Value.Span),
                };
                if (!holds)
                {
                    return new TransactionResult(false, Revision);
                }
            }

            long next = Revision + 1;
            foreach (RecordWrite write in transaction.Writes)
            {
                string name = Encoding.UTF8.GetString(write.Key.Span);
                StoredRecord? previous = Find(write.Key.ToArray());
                if (write.Value is { } value)
                {
                    long version = (previous?.Version ?? 0) + 1;
                    records[name] = new StoredRecord(write.Key, value, previous?.CreateRevision ?? next, next, version, 0);
                    Revision = next;
                }
                else if (records.Remove(name))
                {
                    Revision = next;
                }
            }

            return new TransactionResult(true, Revision);
        }
    }
}
