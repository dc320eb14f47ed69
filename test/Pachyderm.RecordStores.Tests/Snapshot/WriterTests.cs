using System.Globalization;
using System.Text;
using System.Text.Json;
using Pachyderm.Errors;
using Pachyderm.RecordStores.Snapshot;

namespace Pachyderm.RecordStores.Tests.Snapshot;

public sealed class WriterTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData("pachyderm-1.4.8-dirty")]
    [InlineData("pachyderm-1.5.3-small")]
    public async Task A_real_etcd_serves_a_rewritten_snapshot_with_all_attributes_and_goes_on_after_it(string set)
    {
        using EtcdSnapshotFile source = await Fixtures.OpenAsync(set);
        string path = _directory["new.snap"];

        SnapshotRewriteResult result = await SnapshotRewriter.RewriteAsync(source, path, _ => RecordRewrite.Keep, null, null, Token);

        Assert.Equal((source.LiveRecordCount, 0, 0, 0), (result.Kept, result.Replaced, result.Dropped, result.Added));
        Assert.Equal(source.Revision, result.Revision);
        using JsonDocument status = JsonDocument.Parse(await RestoredEtcd.EtcdctlAsync("snapshot", "status", path, "-w", "json"));
        Assert.True(status.RootElement.GetProperty("totalKey").GetInt64() >= source.LiveRecordCount);
        await using RestoredEtcd etcd = await RestoredEtcd.StartAsync(path);
        List<string> expected = Fixtures.Listing(set);
        expected.Sort(StringComparer.Ordinal);
        Assert.Equal(expected, await etcd.ListAsync());
        Assert.Equal(source.Revision, await etcd.GetRevisionAsync());
        await etcd.RunAsync("put", "after", "x");
        Assert.Equal(source.Revision + 1, await etcd.GetRevisionAsync());
        Assert.Contains("compacted", await etcd.FailAsync("get", "after", "--rev", "2"));
        IEnumerable<string> leases = (await source.ReadAllAsync()).Select(record => record.Lease).Where(lease => lease != 0).Distinct()
            .Select(lease => lease.ToString("x16", CultureInfo.InvariantCulture));
        string[] listed = (await etcd.RunAsync("lease", "list")).Split('\n', StringSplitOptions.RemoveEmptyEntries)[1..];
        Assert.NotEmpty(leases);
        Assert.Empty(leases.Except(listed, StringComparer.Ordinal));
    }

    [Fact]
    public async Task Records_are_replaced_dropped_and_added()
    {
        using EtcdSnapshotFile source = await Fixtures.OpenAsync("pachyderm-1.4.8-small");
        List<StoredRecord> before = await source.ReadAllAsync();
        static RecordRewrite Rewrite(StoredRecord record) => (record.ModRevision % 3) switch
        {
            0 => RecordRewrite.Keep,
            1 => RecordRewrite.Replace(record.Key),
            _ => RecordRewrite.Drop,
        };
        string path = _directory["new.snap"];

        SnapshotRewriteResult result = await SnapshotRewriter.RewriteAsync(
            source, path, Rewrite, () => Additions("added/1", "added/2", "added/3"), null, Token);

        Assert.Equal(before.Count(record => record.ModRevision % 3 == 0), result.Kept);
        Assert.Equal(before.Count(record => record.ModRevision % 3 == 1), result.Replaced);
        Assert.Equal(before.Count(record => record.ModRevision % 3 == 2), result.Dropped);
        Assert.Equal((3, source.Revision + 3, new FileInfo(path).Length), (result.Added, result.Revision, result.SizeBytes));
        List<string> expected = [.. before
            .Where(record => record.ModRevision % 3 != 2)
            .Select(record => record.ModRevision % 3 == 0 ? record : record with { Value = record.Key })
            .Concat(Enumerable.Range(1, 3).Select(index => new StoredRecord(
                Encoding.UTF8.GetBytes($"added/{index}"), "new"u8.ToArray(), source.Revision + index, source.Revision + index, 1, 0)))
            .Select(Fixtures.Line)];
        using EtcdSnapshotFile written = await EtcdSnapshotFile.OpenAsync(path, SnapshotIntegrity.VerifyHash, Token);
        Assert.Equal(expected, (await written.ReadAllAsync()).Select(Fixtures.Line), StringComparer.Ordinal);
        Assert.Equal((result.Sha256, result.Revision, result.Revision), (written.Sha256, written.Revision, written.CompactRevision));
        await using RestoredEtcd etcd = await RestoredEtcd.StartAsync(path);
        expected.Sort(StringComparer.Ordinal);
        Assert.Equal(expected, await etcd.ListAsync());
        Assert.Equal(result.Revision, await etcd.GetRevisionAsync());
    }

    [Fact]
    public async Task When_every_record_is_dropped_an_etcd_still_goes_on_after_the_old_revision()
    {
        using EtcdSnapshotFile source = await Fixtures.OpenAsync("pachyderm-1.4.8-small");
        string path = _directory["new.snap"];

        await SnapshotRewriter.RewriteAsync(source, path, _ => RecordRewrite.Drop, null, null, Token);

        await using RestoredEtcd etcd = await RestoredEtcd.StartAsync(path);
        Assert.Empty(await etcd.ListAsync());
        Assert.Equal(source.Revision, await etcd.GetRevisionAsync());
    }

    [Fact]
    public async Task An_addition_whose_key_stays_is_refused_and_leaves_no_file()
    {
        using EtcdSnapshotFile source = await Fixtures.OpenAsync("pachyderm-1.4.8-small");
        string key = Encoding.UTF8.GetString((await source.ReadAllAsync())[7].Key.Span);

        OperatorException existing = await Assert.ThrowsAsync<OperatorException>(() => SnapshotRewriter.RewriteAsync(
            source, _directory["new.snap"], _ => RecordRewrite.Keep, () => Additions("fine", key), null, Token));
        OperatorException twice = await Assert.ThrowsAsync<OperatorException>(() => SnapshotRewriter.RewriteAsync(
            source, _directory["new.snap"], _ => RecordRewrite.Keep, () => Additions("twice", "twice"), null, Token));

        Assert.Equal(("addition-exists", "addition-exists"), (existing.Id, twice.Id));
        Assert.Equal(key, existing.Thing);
        Assert.Empty(_directory.Names);
        SnapshotRewriteResult result = await SnapshotRewriter.RewriteAsync(
            source, _directory["new.snap"], _ => RecordRewrite.Drop, () => Additions(key), null, Token);
        Assert.Equal(1, result.Added);
    }

    [Fact]
    public async Task A_rewrite_that_fails_leaves_no_file()
    {
        using EtcdSnapshotFile source = await Fixtures.OpenAsync("pachyderm-1.4.8-small");

        static RecordRewrite Rewrite(StoredRecord record) => record.ModRevision > 300 ? throw new FormatException() : RecordRewrite.Keep;

        await Assert.ThrowsAsync<FormatException>(
            () => SnapshotRewriter.RewriteAsync(source, _directory["new.snap"], Rewrite, null, null, Token));

        Assert.Empty(_directory.Names);
    }

    [Fact]
    public async Task A_rewrite_that_is_cancelled_leaves_no_file()
    {
        using EtcdSnapshotFile source = await Fixtures.OpenAsync("pachyderm-1.4.8-small");
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(Token);
        RecordRewrite Rewrite(StoredRecord record)
        {
            stop.Cancel();
            return RecordRewrite.Keep;
        }

        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => SnapshotRewriter.RewriteAsync(source, _directory["new.snap"], Rewrite, null, null, stop.Token));

        Assert.Empty(_directory.Names);
    }

    [Fact]
    public async Task Progress_ends_at_the_number_of_records_and_never_goes_back()
    {
        using EtcdSnapshotFile source = await Fixtures.OpenAsync("pachyderm-1.4.8-small");
        Steps steps = new();

        await SnapshotRewriter.RewriteAsync(source, _directory["new.snap"], _ => RecordRewrite.Keep, null, steps, Token);

        Assert.Equal(source.LiveRecordCount, steps.Reported[^1]);
        Assert.Equal(steps.Reported.Order(), steps.Reported);
    }

    [Fact]
    public async Task An_etcd_serves_a_snapshot_without_a_source_with_large_and_empty_values_and_shared_revisions()
    {
        string path = _directory["new.snap"];
        byte[] large = new byte[5 * 1024 * 1024];
        new Random(1).NextBytes(large);
        List<StoredRecord> records = [];
        for (int index = 0; index < 5_000; index++)
        {
            long revision = 10 + (index / 3);
            byte[] value = index switch
            {
                17 => large,
                18 => [],
                _ => Encoding.UTF8.GetBytes(new string('v', index % 9_000)),
            };
            byte[] key = Encoding.UTF8.GetBytes($"key {index}");
            records.Add(new StoredRecord(key, value, Math.Max(1, revision - (index % 5)), revision, 1 + (index % 5), 0));
        }

        await using (EtcdSnapshotWriter writer = await EtcdSnapshotWriter.CreateAsync(path, null, Token))
        {
            for (int index = 0; index < records.Count; index++)
            {
                writer.Add(records[index].ModRevision, index % 3, records[index]);
            }

            WrittenSnapshot written = await writer.CompleteAsync(3_000, Token);
            Assert.Equal((5_000, new FileInfo(path).Length, 3_000), (written.RecordCount, written.SizeBytes, written.Revision));
        }

        using EtcdSnapshotFile read = await EtcdSnapshotFile.OpenAsync(path, SnapshotIntegrity.VerifyHash, Token);
        Assert.Equal(records.Select(Fixtures.Line), (await read.ReadAllAsync()).Select(Fixtures.Line), StringComparer.Ordinal);
        await using RestoredEtcd etcd = await RestoredEtcd.StartAsync(path);
        Assert.Equal(records.Select(Fixtures.Line).Order(StringComparer.Ordinal), await etcd.ListAsync(), StringComparer.Ordinal);
        Assert.Equal(3_000, await etcd.GetRevisionAsync());
        Assert.Contains("compacted", await etcd.FailAsync("get", "key 1", "--rev", "2999"));
    }

    [Fact]
    public async Task Large_values_come_in_pages_of_bounded_size()
    {
        string path = _directory["large.snap"];
        await using (EtcdSnapshotWriter writer = await EtcdSnapshotWriter.CreateAsync(path, null, Token))
        {
            for (int revision = 2; revision < 40; revision++)
            {
                writer.Add(revision, 0, new StoredRecord(BitConverter.GetBytes(revision), new byte[1024 * 1024], revision, revision, 1, 0));
            }

            await writer.CompleteAsync(0, Token);
        }

        using EtcdSnapshotFile snapshot = await EtcdSnapshotFile.OpenAsync(path, SnapshotIntegrity.VerifyHash, Token);
        List<int> pages = [];
        await foreach (IReadOnlyList<StoredRecord> page in snapshot.ReadByRevisionAsync(KeyRange.All, Token))
        {
            pages.Add(page.Count);
        }

        Assert.Equal(38, pages.Sum());
        Assert.All(pages, count => Assert.InRange(count, 1, 5));
        SnapshotRewriteResult result = await SnapshotRewriter.RewriteAsync(
            snapshot, _directory["new.snap"], _ => RecordRewrite.Keep, null, null, Token);
        Assert.Equal(38, result.Kept);
    }

    [Fact]
    public async Task An_etcd_serves_a_snapshot_without_keys()
    {
        string path = _directory["new.snap"];
        await using (EtcdSnapshotWriter writer = await EtcdSnapshotWriter.CreateAsync(path, null, Token))
        {
            await writer.CompleteAsync(0, Token);
        }

        using EtcdSnapshotFile read = await EtcdSnapshotFile.OpenAsync(path, SnapshotIntegrity.VerifyHash, Token);
        Assert.Empty(await read.ReadAllAsync());
        Assert.Equal((0, 1, 0), (read.LiveRecordCount, read.Revision, read.CompactRevision));
        await RestoredEtcd.EtcdctlAsync("snapshot", "status", path, "-w", "json");
        await using RestoredEtcd etcd = await RestoredEtcd.StartAsync(path);
        Assert.Empty(await etcd.ListAsync());
        Assert.Equal(1, await etcd.GetRevisionAsync());
    }

    [Fact]
    public async Task An_existing_file_is_never_overwritten()
    {
        string path = _directory["new.snap"];
        await using EtcdSnapshotWriter first = await EtcdSnapshotWriter.CreateAsync(path, null, Token);
        await File.WriteAllTextAsync(path, "precious", Token);

        OperatorException late = await Assert.ThrowsAsync<OperatorException>(() => first.CompleteAsync(0, Token));
        OperatorException early = await Assert.ThrowsAsync<OperatorException>(() => EtcdSnapshotWriter.CreateAsync(path, null, Token));

        Assert.Equal(("snapshot-exists", "snapshot-exists"), (late.Id, early.Id));
        Assert.Equal("precious", await File.ReadAllTextAsync(path, Token));
    }

    [Fact]
    public async Task A_place_that_cannot_be_written_is_named()
    {
        OperatorException failure = await Assert.ThrowsAsync<OperatorException>(
            () => EtcdSnapshotWriter.CreateAsync(_directory["absent/new.snap"], null, Token));

        Assert.Equal("snapshot-not-writable", failure.Id);
    }

    [Fact]
    public async Task Records_out_of_order_are_refused()
    {
        await using EtcdSnapshotWriter writer = await EtcdSnapshotWriter.CreateAsync(_directory["new.snap"], null, Token);
        StoredRecord record = new("k"u8.ToArray(), "v"u8.ToArray(), 5, 5, 1, 0);
        writer.Add(5, 1, record);

        Assert.Throws<ArgumentException>(() => writer.Add(5, 1, record));
        Assert.Throws<ArgumentException>(() => writer.Add(5, 0, record));
        Assert.Throws<ArgumentException>(() => writer.Add(6, 0, record));
    }

    private static async IAsyncEnumerable<RecordWrite> Additions(params string[] keys)
    {
        foreach (string key in keys)
        {
            await Task.Yield();
            yield return RecordWrite.Put(Encoding.UTF8.GetBytes(key), "new"u8.ToArray());
        }
    }

    private sealed class Steps : IProgress<long>
    {
        public List<long> Reported { get; } = [];

        public void Report(long value) => Reported.Add(value);
    }
}
