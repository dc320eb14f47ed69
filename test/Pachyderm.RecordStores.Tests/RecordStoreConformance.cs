using System.Security.Cryptography;
using System.Text;
using Pachyderm.RecordStores.Etcd;
using Pachyderm.TestSupport;

namespace Pachyderm.RecordStores.Tests;

/// <summary>What every <see cref="IRecordStore"/> must do. A driver's test class inherits it and says how to make a store.</summary>
public abstract class RecordStoreConformance : IAsyncLifetime
{
    private readonly List<IRecordStore> _stores = [];

    protected static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Makes a store that holds exactly these records, each written once, in this order. It is closed after the test.</summary>
    protected abstract Task<IRecordStore> CreateAsync(IReadOnlyList<(byte[] Key, byte[] Value)> initial);

    public virtual ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public virtual async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        foreach (IRecordStore store in _stores)
        {
            await store.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_new_store_holds_exactly_the_initial_records()
    {
        IRecordStore store = await OpenAsync(("b", "2"), ("a", "1"), ("c", ""));
        Assert.Equal(["a=1", "b=2", "c="], await ReadTextAsync(store, KeyRange.All));
    }

    [Fact]
    public async Task An_empty_store_reads_as_nothing()
    {
        IRecordStore store = await OpenAsync();
        Assert.Empty(await ReadTextAsync(store, KeyRange.All));
        Assert.Null(await store.GetAsync(Bytes("a"), Cancellation));
    }

    [Fact]
    public async Task A_put_is_read_back_with_its_revisions_and_version()
    {
        IRecordStore store = await OpenAsync();
        long first = await PutAsync(store, "key", "one");
        long second = await PutAsync(store, "key", "two");
        Assert.Equal(first + 1, second);

        StoredRecord record = await RequireAsync(store, "key");
        Assert.Equal("two", Text(record.Value));
        Assert.Equal((first, second, 2L, 0L), (record.CreateRevision, record.ModRevision, record.Version, record.Lease));
    }

    [Fact]
    public async Task A_key_that_is_deleted_and_put_again_begins_anew()
    {
        IRecordStore store = await OpenAsync();
        await PutAsync(store, "key", "one");
        await PutAsync(store, "key", "two");
        TransactionResult deleted = await CommitAsync(store, [], RecordWrite.Delete(Bytes("key")));
        Assert.True(deleted.Succeeded);
        Assert.Null(await store.GetAsync(Bytes("key"), Cancellation));

        long again = await PutAsync(store, "key", "three");
        StoredRecord record = await RequireAsync(store, "key");
        Assert.Equal((again, again, 1L), (record.CreateRevision, record.ModRevision, record.Version));
    }

    [Fact]
    public async Task Deleting_an_absent_key_is_no_error_and_no_change()
    {
        IRecordStore store = await OpenAsync(("a", "1"));
        long before = await RevisionAsync(store);
        TransactionResult result = await CommitAsync(store, [], RecordWrite.Delete(Bytes("absent")));
        Assert.Equal(new TransactionResult(true, before), result);
        Assert.Equal(before, await RevisionAsync(store));
    }

    [Fact]
    public async Task All_writes_of_a_transaction_have_one_revision()
    {
        IRecordStore store = await OpenAsync(("gone", "x"));
        long before = await RevisionAsync(store);
        TransactionResult result = await CommitAsync(
            store,
            [],
            RecordWrite.Put(Bytes("a"), Bytes("1")),
            RecordWrite.Delete(Bytes("gone")),
            RecordWrite.Put(Bytes("b"), Bytes("2")));
        Assert.Equal(new TransactionResult(true, before + 1), result);
        Assert.Equal(result.Revision, (await RequireAsync(store, "a")).ModRevision);
        Assert.Equal(result.Revision, (await RequireAsync(store, "b")).ModRevision);
        Assert.Equal(["a=1", "b=2"], await ReadTextAsync(store, KeyRange.All));
    }

    [Fact]
    public async Task A_transaction_of_only_guards_changes_nothing_and_tells_whether_they_hold()
    {
        IRecordStore store = await OpenAsync(("a", "1"));
        long before = await RevisionAsync(store);
        StoredRecord a = await RequireAsync(store, "a");
        Assert.Equal(new TransactionResult(true, before), await CommitAsync(store, [RecordGuard.Unchanged(a.Key, a.ModRevision)]));
        Assert.Equal(new TransactionResult(false, before), await CommitAsync(store, [RecordGuard.Absent(a.Key)]));
    }

    public static TheoryData<string, bool> GuardCases => new()
    {
        { "absent: it is absent", true },
        { "absent: it exists", false },
        { "unchanged: it is", true },
        { "unchanged: it was written", false },
        { "unchanged: it was deleted", false },
        { "same key: it was written", true },
        { "same key: it was deleted and made again", false },
        { "same key: it was deleted", false },
        { "value: it has it", true },
        { "value: it got it again", true },
        { "value: it has another", false },
        { "value: it has a longer one", false },
        { "value: an empty one, and it was deleted", false },
        { "two guards, one of which fails", false },
    };

    [Theory]
    [MemberData(nameof(GuardCases))]
    public async Task A_guard_lets_all_writes_through_or_none(string guardCase, bool holds)
    {
        IRecordStore store = await OpenAsync(("same", "0"), ("written", "0"), ("deleted", "0"), ("again", "0"), ("victim", "0"));
        StoredRecord written = await RequireAsync(store, "written");
        StoredRecord deleted = await RequireAsync(store, "deleted");
        StoredRecord again = await RequireAsync(store, "again");
        StoredRecord same = await RequireAsync(store, "same");
        await PutAsync(store, "written", "1");
        await CommitAsync(store, [], RecordWrite.Delete(Bytes("deleted")), RecordWrite.Delete(Bytes("again")));
        await PutAsync(store, "again", "1");
        long before = await RevisionAsync(store);

        RecordGuard[] guards = guardCase switch
        {
            "absent: it is absent" => [RecordGuard.Absent(Bytes("never"))],
            "absent: it exists" => [RecordGuard.Absent(Bytes("same"))],
            "unchanged: it is" => [RecordGuard.Unchanged(same.Key, same.ModRevision)],
            "unchanged: it was written" => [RecordGuard.Unchanged(written.Key, written.ModRevision)],
            "unchanged: it was deleted" => [RecordGuard.Unchanged(deleted.Key, deleted.ModRevision)],
            "same key: it was written" => [RecordGuard.SameKey(written.Key, written.CreateRevision)],
            "same key: it was deleted and made again" => [RecordGuard.SameKey(again.Key, again.CreateRevision)],
            "same key: it was deleted" => [RecordGuard.SameKey(deleted.Key, deleted.CreateRevision)],
            "value: it has it" => [RecordGuard.HasValue(written.Key, Bytes("1"))],
            "value: it got it again" => [RecordGuard.HasValue(again.Key, Bytes("1"))],
            "value: it has another" => [RecordGuard.HasValue(written.Key, Bytes("0"))],
            "value: it has a longer one" => [RecordGuard.HasValue(written.Key, Bytes(""))],
            "value: an empty one, and it was deleted" => [RecordGuard.HasValue(deleted.Key, Bytes(""))],
            "two guards, one of which fails" => [RecordGuard.Absent(Bytes("never")), RecordGuard.Absent(Bytes("same"))],
            _ => throw new ArgumentException(guardCase, nameof(guardCase)),
        };
        TransactionResult result = await CommitAsync(
            store,
            guards,
            RecordWrite.Put(Bytes("new"), Bytes("1")),
            RecordWrite.Delete(Bytes("victim")));

        Assert.Equal(new TransactionResult(holds, holds ? before + 1 : before), result);
        Assert.Equal(holds, await store.GetAsync(Bytes("new"), Cancellation) is not null);
        Assert.Equal(holds, await store.GetAsync(Bytes("victim"), Cancellation) is null);
    }

    [Theory]
    [InlineData("a", "first")]
    [InlineData("b", "second")]
    [InlineData("c", "third")]
    [InlineData("d", null)]
    public async Task Of_a_transaction_and_its_alternatives_the_first_whose_guards_hold_is_made(string state, string? made)
    {
        IRecordStore store = await OpenAsync(("state", state), ("made", "none"));
        if (!store.TakesAlternatives)
        {
            await Assert.ThrowsAnyAsync<ArgumentException>(() => store.CommitAsync(new RecordTransaction([], []) { Otherwise = new([], []) }, Cancellation));
            return;
        }

        long before = await RevisionAsync(store);
        RecordTransaction third = Step("c", "third");
        RecordTransaction second = Step("b", "second") with { Otherwise = third };

        TransactionResult result = await store.CommitAsync(Step("a", "first") with { Otherwise = second }, Cancellation);

        Assert.Equal(new TransactionResult(made is not null, made is not null ? before + 1 : before), result);
        Assert.Contains(await ReadTextAsync(store, KeyRange.All), line => line == $"made={made ?? "none"}");

        static RecordTransaction Step(string expected, string value) => new(
            [RecordGuard.HasValue(Bytes("state"), Bytes(expected))], [RecordWrite.Put(Bytes("made"), Bytes(value))]);
    }

    [Fact]
    public async Task Equal_transactions_sent_at_once_make_one_step_each()
    {
        const int Steps = 8;
        IRecordStore store = await OpenAsync(("step", "0"));
        RecordTransaction? chain = null;
        for (int step = Steps; step > 0; step--)
        {
            chain = new RecordTransaction(
                [RecordGuard.HasValue(Bytes("step"), Bytes($"{step - 1}"))],
                [RecordWrite.Put(Bytes("step"), Bytes($"{step}")), RecordWrite.Put(Bytes($"done{step}"), Bytes("1"))])
            {
                Otherwise = store.TakesAlternatives ? chain : null,
            };
        }

        TransactionResult[] results = await Task.WhenAll(Enumerable.Range(0, Steps).Select(_ => store.CommitAsync(chain!, Cancellation)));

        int made = store.TakesAlternatives ? Steps : 1;
        Assert.Equal(made, results.Count(result => result.Succeeded));
        Assert.Equal(made, results.Where(result => result.Succeeded).Select(result => result.Revision).Distinct().Count());
        Assert.Contains(await ReadTextAsync(store, KeyRange.All), line => line == $"step={made}");
        StoredRecord[] done = [.. (await ReadAsync(store, KeyRange.Prefix("done"))).OrderBy(record => record.ModRevision)];
        Assert.Equal(string.Join(",", Enumerable.Range(1, made).Select(step => $"done{step}")), string.Join(",", done.Select(record => Text(record.Key))));
    }

    [Fact]
    public async Task Writing_a_key_twice_in_one_transaction_is_the_callers_error_and_leaves_nothing_behind()
    {
        IRecordStore store = await OpenAsync(("a", "1"));
        await Assert.ThrowsAnyAsync<ArgumentException>(() => CommitAsync(
            store,
            [],
            RecordWrite.Put(Bytes("b"), Bytes("1")),
            RecordWrite.Put(Bytes("b"), Bytes("2"))));
        Assert.Equal(["a=1"], await ReadTextAsync(store, KeyRange.All));
    }

    [Fact]
    public async Task An_empty_value_is_a_record()
    {
        IRecordStore store = await OpenAsync();
        await PutAsync(store, "key", "");
        Assert.True((await RequireAsync(store, "key")).Value.IsEmpty);
    }

    [Fact]
    public async Task Keys_and_values_are_any_bytes()
    {
        byte[] key = [0xff, 0x00, 0x80, (byte)'/', 0x0a];
        byte[] value = [.. Enumerable.Range(0, 256).Select(i => (byte)i)];
        IRecordStore store = await CreateAndKeepAsync([(key, value)]);
        StoredRecord? record = await store.GetAsync(key, Cancellation);
        Assert.Equal(value, record?.Value.ToArray());
        Assert.Null(await store.GetAsync(key.AsMemory(0, 4), Cancellation));
    }

    public static TheoryData<byte[], string[]> Prefixes => new()
    {
        { [], ["00", "61", "612f", "612fff", "612fff00", "6130", "ff", "ff00", "ffff", "ffff01"] },
        { [0x61], ["61", "612f", "612fff", "612fff00", "6130"] },
        { [0x61, 0x2f], ["612f", "612fff", "612fff00"] },
        { [0x61, 0x2f, 0xff], ["612fff", "612fff00"] },
        { [0xff], ["ff", "ff00", "ffff", "ffff01"] },
        { [0xff, 0xff], ["ffff", "ffff01"] },
        { [0x00], ["00"] },
        { [0x62], [] },
    };

    [Theory]
    [MemberData(nameof(Prefixes))]
    public async Task A_prefix_reads_exactly_the_keys_that_begin_with_it(byte[] prefix, string[] expected)
    {
        string[] keys = ["ffff01", "ffff", "ff00", "ff", "6130", "612fff00", "612fff", "612f", "61", "00"];
        IRecordStore store = await CreateAndKeepAsync([.. keys.Select(key => (Convert.FromHexString(key), Bytes("v")))]);
        List<StoredRecord> records = await ReadAsync(store, KeyRange.Prefix(prefix));
        string[] found = [.. records.Select(record => Convert.ToHexStringLower(record.Key.Span)).Order(StringComparer.Ordinal)];
        Assert.Equal(expected, found);
    }

    [Fact]
    public async Task A_range_begins_with_its_start_and_ends_before_its_end()
    {
        IRecordStore store = await OpenAsync(("a", "1"), ("b", "2"), ("c", "3"), ("d", "4"));
        Assert.Equal(["b=2", "c=3"], await ReadTextAsync(store, new KeyRange(Bytes("b"), Bytes("d"))));
        Assert.Equal(["a=1", "b=2"], await ReadTextAsync(store, new KeyRange(default, Bytes("c"))));
        Assert.Equal(["c=3", "d=4"], await ReadTextAsync(store, new KeyRange(Bytes("bb"), default)));
    }

    [Fact]
    public async Task A_range_that_ends_before_it_begins_is_empty()
    {
        IRecordStore store = await OpenAsync(("a", "1"), ("b", "2"));
        Assert.Empty(await ReadTextAsync(store, new KeyRange(Bytes("b"), Bytes("a"))));
        Assert.Empty(await ReadTextAsync(store, new KeyRange(Bytes("a"), Bytes("a"))));
        Assert.Empty(await ReadTextAsync(store, new KeyRange(default, new byte[] { 0 })));
    }

    [Fact]
    public async Task A_read_shows_one_revision_while_writes_go_on()
    {
        (byte[], byte[])[] initial = [.. Enumerable.Range(0, 5_000).Select(i => (Bytes($"k{i:0000}"), Bytes("old")))];
        IRecordStore store = await CreateAndKeepAsync(initial);
        List<string> read = [];
        int written = 0;
        await foreach (IReadOnlyList<StoredRecord> page in store.ReadAsync(KeyRange.Prefix("k"), 0, Cancellation))
        {
            read.AddRange(page.Select(Line));
            // Changes everywhere: before, within and after what was read so far.
            for (int i = 0; i < 20; i++, written++)
            {
                await CommitAsync(
                    store,
                    [],
                    RecordWrite.Put(Bytes($"k{written * 241 % 5_000:0000}"), Bytes("new")),
                    RecordWrite.Put(Bytes($"k{written * 241 % 5_000:0000}x"), Bytes("new")),
                    RecordWrite.Delete(Bytes($"k{(written * 241 + 1_000) % 5_000:0000}")));
            }
        }

        string[] expected = [.. initial.Select(record => $"{Text(record.Item1)}=old")];
        Assert.Equal(expected, read.Order(StringComparer.Ordinal).ToArray());
    }

    [Fact]
    public async Task An_old_revision_can_be_read_again()
    {
        IRecordStore store = await OpenAsync(("a", "1"), ("b", "1"));
        long old = await RevisionAsync(store);
        await CommitAsync(
            store,
            [],
            RecordWrite.Put(Bytes("a"), Bytes("2")),
            RecordWrite.Delete(Bytes("b")),
            RecordWrite.Put(Bytes("c"), Bytes("2")));
        Assert.Equal(["a=1", "b=1"], await ReadTextAsync(store, KeyRange.All, old));
        Assert.Equal(["a=2", "c=2"], await ReadTextAsync(store, KeyRange.All, old + 1));
    }

    [Fact]
    public async Task A_revision_that_does_not_exist_yet_cannot_be_read()
    {
        IRecordStore store = await OpenAsync(("a", "1"));
        long future = await RevisionAsync(store) + 1;
        var failure = await Assert.ThrowsAsync<Errors.OperatorException>(() => ReadTextAsync(store, KeyRange.All, future));
        Assert.Equal("revision-in-future", failure.Id);
    }

    [Fact]
    public async Task A_read_can_be_left_early_and_can_be_cancelled()
    {
        IRecordStore store = await CreateAndKeepAsync([.. Enumerable.Range(0, 5_000).Select(i => (Bytes($"k{i:0000}"), new byte[100]))]);
        await foreach (IReadOnlyList<StoredRecord> page in store.ReadAsync(KeyRange.All, 0, Cancellation))
        {
            Assert.NotEmpty(page);
            break;
        }

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (IReadOnlyList<StoredRecord> page in store.ReadAsync(KeyRange.All, 0, new CancellationToken(canceled: true)))
            {
                Assert.Fail($"a page of {page.Count} records came after cancellation");
            }
        });
    }

    [Fact]
    public async Task A_watch_delivers_every_change_of_its_range_in_order_from_an_old_revision_on()
    {
        IRecordStore store = await OpenAsync(("k/a", "0"));
        long from = await RevisionAsync(store) + 1;
        await PutAsync(store, "k/a", "1");
        await PutAsync(store, "other", "1");
        await CommitAsync(store, [], RecordWrite.Put(Bytes("k/b"), Bytes("2")), RecordWrite.Delete(Bytes("k/a")));

        await using IAsyncEnumerator<RecordEvent> watch =
            store.WatchAsync(KeyRange.Prefix("k/"), from, Cancellation).GetAsyncEnumerator(Cancellation);
        Assert.Equal([$"{from} k/a=1", $"{from + 2} k/b=2", $"{from + 2} k/a deleted"], await NextAsync(watch, 3));

        await PutAsync(store, "k/a", "3");
        await PutAsync(store, "k", "not in the range");
        await CommitAsync(store, [], RecordWrite.Delete(Bytes("k/b")));
        Assert.Equal([$"{from + 3} k/a=3", $"{from + 5} k/b deleted"], await NextAsync(watch, 2));
    }

    [Fact]
    public async Task A_watch_misses_nothing_while_many_write()
    {
        const int Writers = 4;
        const int Each = 50;
        IRecordStore store = await OpenAsync();
        long from = await RevisionAsync(store) + 1;
        await using IAsyncEnumerator<RecordEvent> watch =
            store.WatchAsync(KeyRange.All, from, Cancellation).GetAsyncEnumerator(Cancellation);
        Task writing = Task.WhenAll(Enumerable.Range(0, Writers).Select(async writer =>
        {
            for (int i = 0; i < Each; i++)
            {
                await PutAsync(store, $"{writer}", $"{i}");
            }
        }));

        List<RecordEvent> events = [];
        while (events.Count < Writers * Each && await watch.MoveNextAsync())
        {
            events.Add(watch.Current);
        }

        await writing;
        Assert.Equal(Enumerable.Range(0, Writers * Each).Select(i => from + i), events.Select(change => change.Record.ModRevision));
        foreach (IGrouping<string, RecordEvent> writer in events.GroupBy(change => Text(change.Record.Key), StringComparer.Ordinal))
        {
            string[] expected = [.. Enumerable.Range(0, Each).Select(i => $"{i}")];
            Assert.Equal(expected, writer.Select(change => Text(change.Record.Value)).ToArray());
        }
    }

    [Fact]
    public async Task Compaction_keeps_every_live_record_and_may_be_repeated()
    {
        IRecordStore store = await OpenAsync(("a", "1"), ("b", "1"));
        await PutAsync(store, "a", "2");
        long revision = await PutAsync(store, "b", "2");
        await store.CompactAsync(revision, Cancellation);
        await store.CompactAsync(revision, Cancellation);
        foreach (string key in (string[])["a", "b"])
        {
            StoredRecord? record = await store.GetAsync(System.Text.Encoding.UTF8.GetBytes(key), Cancellation);
            Assert.Equal("2"u8.ToArray(), record!.Value.Value.ToArray());
            Assert.Equal(2, record.Value.Version);
        }
    }

    [Fact]
    public async Task Cancelling_ends_a_watch_that_waits()
    {
        IRecordStore store = await OpenAsync(("a", "1"));
        long written = await PutAsync(store, "a", "2");
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        await using IAsyncEnumerator<RecordEvent> watch =
            store.WatchAsync(KeyRange.All, written, stop.Token).GetAsyncEnumerator(stop.Token);
        Assert.True(await watch.MoveNextAsync());
        ValueTask<bool> waiting = watch.MoveNextAsync();
        Assert.False(waiting.IsCompleted);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await waiting);
    }

    [Fact]
    public async Task Revoking_a_lease_deletes_its_keys_and_no_others()
    {
        IRecordStore store = await OpenAsync(("plain", "1"));
        long lease = await store.GrantLeaseAsync(TimeSpan.FromMinutes(10), Cancellation);
        Assert.True(lease > 0);
        await CommitAsync(
            store,
            [],
            RecordWrite.Put(Bytes("leased/a"), Bytes("1"), lease),
            RecordWrite.Put(Bytes("leased/b"), Bytes("1"), lease),
            RecordWrite.Put(Bytes("freed"), Bytes("1"), lease));
        await PutAsync(store, "freed", "2");
        Assert.Equal(lease, (await RequireAsync(store, "leased/a")).Lease);
        Assert.Equal(0, (await RequireAsync(store, "freed")).Lease);
        Assert.True(await store.RenewLeaseAsync(lease, Cancellation));

        await store.RevokeLeaseAsync(lease, Cancellation);
        Assert.Equal(["freed=2", "plain=1"], await ReadTextAsync(store, KeyRange.All));
        Assert.False(await store.RenewLeaseAsync(lease, Cancellation));
    }

    [Fact]
    public async Task An_unknown_lease_can_be_revoked_but_neither_renewed_nor_used()
    {
        IRecordStore store = await OpenAsync();
        await store.RevokeLeaseAsync(4711, Cancellation);
        Assert.False(await store.RenewLeaseAsync(4711, Cancellation));
        var failure = await Assert.ThrowsAsync<Errors.OperatorException>(
            () => CommitAsync(store, [], RecordWrite.Put(Bytes("a"), Bytes("1"), 4711)));
        Assert.Equal("lease-not-found", failure.Id);
        Assert.Empty(await ReadTextAsync(store, KeyRange.All));
    }

    [Fact]
    public async Task Status_tells_revision_and_size()
    {
        IRecordStore store = await OpenAsync(("a", "1"));
        RecordStoreStatus before = await store.GetStatusAsync(Cancellation);
        long revision = await PutAsync(store, "a", "2");
        RecordStoreStatus after = await store.GetStatusAsync(Cancellation);
        Assert.Equal((before.Revision + 1, revision), (after.Revision, after.Revision));
        Assert.True(after.SizeBytes > 0);
        Assert.Empty(after.Alarms);
        Assert.NotEmpty(after.ServerVersion);
    }

    [Fact]
    public async Task A_snapshot_is_what_etcdctl_accepts_and_holds_the_same_revision_and_records()
    {
        IRecordStore store = await CreateAndKeepAsync(
            [.. Enumerable.Range(0, 300).Select(i => (Bytes($"k{i:000}"), RandomNumberGenerator.GetBytes(i)))]);
        long lease = await store.GrantLeaseAsync(TimeSpan.FromMinutes(10), Cancellation);
        await CommitAsync(store, [], RecordWrite.Put(Bytes("leased"), Bytes("1"), lease), RecordWrite.Delete(Bytes("k007")));
        long revision = await RevisionAsync(store);

        DirectoryInfo directory = Directory.CreateTempSubdirectory("pachyderm-snapshot-");
        try
        {
            string file = Path.Combine(directory.FullName, "etcd.snap");
            await using (FileStream destination = File.Create(file))
            {
                Assert.Equal(await store.SaveSnapshotAsync(destination, Cancellation), destination.Length);
            }

            // hash, revision, total keys (those of past revisions count too), total size
            string[] status = (await EtcdProcess.RunEtcdctlAsync(["snapshot", "status", file], Cancellation)).Trim().Split(", ");
            Assert.Equal($"{revision}", status[1]);

            await using EtcdProcess restored = await EtcdProcess.StartAsync(new EtcdProcessOptions { Snapshot = file }, Cancellation);
            await using EtcdRecordStore copy = await EtcdRecordStore.ConnectAsync(restored.Endpoint, null, Cancellation);
            Assert.Equal(Describe(await ReadAsync(store, KeyRange.All)), Describe(await ReadAsync(copy, KeyRange.All)));
            Assert.True(await copy.RenewLeaseAsync(lease, Cancellation));
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    protected static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    protected static string Text(ReadOnlyMemory<byte> bytes) => Encoding.UTF8.GetString(bytes.Span);

    protected static async Task<long> PutAsync(IRecordStore store, string key, string value)
    {
        TransactionResult result = await CommitAsync(store, [], RecordWrite.Put(Bytes(key), Bytes(value)));
        Assert.True(result.Succeeded);
        return result.Revision;
    }

    protected static Task<TransactionResult> CommitAsync(IRecordStore store, RecordGuard[] guards, params RecordWrite[] writes) =>
        store.CommitAsync(new RecordTransaction(guards, writes), Cancellation);

    protected static async Task<List<StoredRecord>> ReadAsync(IRecordStore store, KeyRange range, long revision = 0)
    {
        List<StoredRecord> records = [];
        await foreach (IReadOnlyList<StoredRecord> page in store.ReadAsync(range, revision, Cancellation))
        {
            records.AddRange(page);
        }

        return records;
    }

    protected static async Task<long> RevisionAsync(IRecordStore store) => (await store.GetStatusAsync(Cancellation)).Revision;

    protected Task<IRecordStore> OpenAsync(params (string Key, string Value)[] initial) =>
        CreateAndKeepAsync([.. initial.Select(record => (Bytes(record.Key), Bytes(record.Value)))]);

    protected static async Task<string[]> ReadTextAsync(IRecordStore store, KeyRange range, long revision = 0) =>
        [.. (await ReadAsync(store, range, revision)).Select(Line).Order(StringComparer.Ordinal)];

    private async Task<IRecordStore> CreateAndKeepAsync(IReadOnlyList<(byte[] Key, byte[] Value)> initial)
    {
        IRecordStore store = await CreateAsync(initial);
        _stores.Add(store);
        return store;
    }

    private static async Task<StoredRecord> RequireAsync(IRecordStore store, string key)
    {
        StoredRecord? record = await store.GetAsync(Bytes(key), Cancellation);
        Assert.NotNull(record);
        Assert.Equal(key, Text(record.Value.Key));
        return record.Value;
    }

    private static async Task<List<string>> NextAsync(IAsyncEnumerator<RecordEvent> watch, int count)
    {
        List<string> events = [];
        while (events.Count < count && await watch.MoveNextAsync())
        {
            (StoredRecord record, bool deleted) = watch.Current;
            events.Add(deleted ? $"{record.ModRevision} {Text(record.Key)} deleted" : $"{record.ModRevision} {Line(record)}");
        }

        return events;
    }

    private static string Line(StoredRecord record) => $"{Text(record.Key)}={Text(record.Value)}";

    private static string Attributes(StoredRecord r) => $"{r.CreateRevision} {r.ModRevision} {r.Version} {r.Lease}";

    private static string[] Describe(List<StoredRecord> records) =>
    [
        .. records
            .Select(r => $"{Convert.ToHexString(r.Key.Span)} {Convert.ToHexString(r.Value.Span)} {Attributes(r)}")
            .Order(StringComparer.Ordinal),
    ];
}
