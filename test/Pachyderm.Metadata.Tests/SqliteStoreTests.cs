using Pachyderm.Errors;
using Pachyderm.Metadata.Sqlite;
using Pachyderm.ObjectStores.Tests;

namespace Pachyderm.Metadata.Tests;

/// <summary>What is particular to the store in SQLite: the trimmed feed, full disks, foreign locks, and what is left behind.</summary>
public sealed class SqliteStoreTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string StorePath => _directory["metadata.db"];

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task The_feed_keeps_the_newest_changes_and_says_so_of_older_ones()
    {
        SqliteMetadataOptions options = new() { Path = StorePath, RetainedChanges = 100 };
        SqliteMetadataStore store = await OpenAsync(options);
        for (int i = 0; i < 500; i++)
        {
            await WriteAsync(store, writer => writer.AddChange(new Change(0, ChangeKind.RepoCreated, $"{i}")));
        }

        for (int round = 0; round < 2; round++)
        {
            (long first, long last) = await store.ReadAsync(
                reader =>
                {
                    long found = 0;
                    while (true)
                    {
                        try
                        {
                            IReadOnlyList<Change> changes = reader.ListChanges(found, 1_000);
                            Assert.Equal(reader.LastChange - found, changes.Count);
                            return (found, reader.LastChange);
                        }
                        catch (ChangesTrimmedException)
                        {
                            found++;
                        }
                    }
                },
                Token);
            Assert.Equal(500, last);
            Assert.InRange(last - first, 100, 113);
            await Assert.ThrowsAsync<ChangesTrimmedException>(() => store.ReadAsync(reader => reader.ListChanges(first - 1, 1), Token));
            Assert.True(store.WaitForChangeAsync(0, Token).IsCompletedSuccessfully);
            await store.DisposeAsync();
            store = await OpenAsync(options);
        }

        await store.DisposeAsync();
    }

    [Fact]
    public async Task One_change_with_more_entries_than_the_feed_keeps_is_trimmed_too()
    {
        await using SqliteMetadataStore store = await OpenAsync(new SqliteMetadataOptions { Path = StorePath, RetainedChanges = 10 });
        await WriteAsync(store, writer =>
        {
            for (int i = 0; i < 1_000; i++)
            {
                writer.AddChange(new Change(0, ChangeKind.RepoCreated, $"{i}"));
            }
        });
        Assert.Equal(10, (await store.ReadAsync(reader => reader.ListChanges(990, 100), Token)).Count);
        await Assert.ThrowsAsync<ChangesTrimmedException>(() => store.ReadAsync(reader => reader.ListChanges(989, 100), Token));
    }

    [Fact]
    public async Task Cancelled_and_answered_waits_leave_nothing_behind()
    {
        await using SqliteMetadataStore store = await OpenAsync();
        using CancellationTokenSource cancellation = new();
        Task[] waits = [.. Enumerable.Range(0, 100).Select(_ => store.WaitForChangeAsync(0, cancellation.Token))];
        Assert.Equal(100, store.Waiting);
        await cancellation.CancelAsync();
        Assert.Equal(0, store.Waiting);
        await Task.WhenAll(waits.Select(wait => Assert.ThrowsAnyAsync<OperationCanceledException>(() => wait)));

        Task answered = store.WaitForChangeAsync(0, Token);
        await WriteAsync(store, writer => writer.AddChange(new Change(0, ChangeKind.RepoCreated, "r")));
        await answered;
        Assert.Equal(0, store.Waiting);
    }

    // Each wait is cancelled and woken at the same time: it ends one way or the other, and is forgotten.
    [Fact]
    public async Task A_wait_that_is_cancelled_while_a_change_comes_ends()
    {
        await using SqliteMetadataStore store = await OpenAsync();
        for (int i = 0; i < 300; i++)
        {
            using CancellationTokenSource cancellation = new();
            Task wait = store.WaitForChangeAsync(i, cancellation.Token);
            Task write = WriteAsync(store, writer => writer.AddChange(new Change(0, ChangeKind.RepoCreated, "r")));
            Task cancel = Task.Run(cancellation.Cancel, Token);
            await Task.WhenAll(write, cancel, wait.ContinueWith(_ => { }, TaskScheduler.Default));
            Assert.True(wait.IsCompletedSuccessfully || wait.IsCanceled);
        }

        Assert.Equal(0, store.Waiting);
    }

    [Fact]
    public async Task A_full_disk_fails_the_change_and_the_store_goes_on_when_there_is_room()
    {
        if (TinyFileSystem.TryMount(_directory["tiny"], "size=2m") is not { } disk)
        {
            // Where no file system may be mounted, what SQLite would report is all there is to look at.
            Assert.Equal("storage-full", Assert.IsType<OperatorException>(SqliteErrors.Translate("p", 13, "full")).Id);
            return;
        }

        using (disk)
        {
            string filler = Path.Combine(disk.Path, "filler");
            await using SqliteMetadataStore store = await OpenAsync(
                new SqliteMetadataOptions { Path = Path.Combine(disk.Path, "metadata.db") });
            await WriteAsync(store, writer => writer.AddPendingWrite(new CommitKey("r", "1"), new byte[1_000]));
            await File.WriteAllBytesAsync(filler, new byte[1_000_000], Token);

            Task[] writes = [.. Enumerable.Range(0, 10).Select(_ => WriteAsync(store, writer =>
            {
                writer.AddChange(new Change(0, ChangeKind.RepoCreated, "r"));
                writer.AddPendingWrite(new CommitKey("r", "1"), new byte[200_000]);
            }))];
            OperatorException[] failures = await FailuresAsync(writes);
            Assert.NotEmpty(failures);
            Assert.All(failures, failure => Assert.Equal("storage-full", failure.Id));
            long kept = writes.Count(write => write.IsCompletedSuccessfully);
            Assert.Equal((1 + kept, 1_000 + (200_000 * kept)),
                await store.ReadAsync(reader => reader.CountPendingWrites(new("r", "1")), Token));
            Assert.Equal(kept, await store.ReadAsync(reader => reader.LastChange, Token));

            File.Delete(filler);
            await WriteAsync(store, writer => writer.AddPendingWrite(new CommitKey("r", "1"), new byte[200_000]));
            Assert.Equal(2 + kept, (await store.ReadAsync(reader => reader.CountPendingWrites(new("r", "1")), Token)).Count);
            Assert.DoesNotContain(
                await store.IntegrityCheckAsync(fix: false, Token),
                finding => finding.Id is not ("pending-orphan" or "commit-repo-missing"));
        }
    }

    [Fact]
    public async Task A_failure_that_a_change_swallows_is_not_committed()
    {
        if (TinyFileSystem.TryMount(_directory["tiny"], "size=1m") is not { } disk)
        {
            Assert.Equal("storage-full", Assert.IsType<OperatorException>(SqliteErrors.Translate("p", 13, "full")).Id);
            return;
        }

        using (disk)
        {
            await using SqliteMetadataStore store = await OpenAsync(
                new SqliteMetadataOptions { Path = Path.Combine(disk.Path, "metadata.db") });
            await Assert.ThrowsAsync<OperatorException>(() => WriteAsync(store, writer =>
            {
                writer.PutTag(new TagRecord("t", "hash"));
                for (int i = 0; i < 100; i++)
                {
                    try
                    {
                        writer.AddPendingWrite(new CommitKey("r", "1"), new byte[1_000_000]);
                    }
                    catch (OperatorException)
                    {
                        // As a careless caller would.
                    }
                }
            }));
            Assert.Null(await store.ReadAsync(reader => reader.FindTag("t"), Token));
        }
    }

    [Fact]
    public async Task The_lock_of_another_program_is_said_so_and_later_writes_work()
    {
        await using SqliteMetadataStore store = await OpenAsync();
        using (Database other = Database.Open(StorePath, DatabaseMode.Write))
        {
            other.Execute("BEGIN IMMEDIATE");
            OperatorException refusal = await Assert.ThrowsAsync<OperatorException>(
                () => WriteAsync(store, writer => writer.PutTag(new TagRecord("t", "hash"))));
            Assert.Equal("store-locked", refusal.Id);
            other.Execute("ROLLBACK");
        }

        await WriteAsync(store, writer => writer.PutTag(new TagRecord("t", "hash")));
        Assert.NotNull(await store.ReadAsync(reader => reader.FindTag("t"), Token));
    }

    [Fact]
    public async Task After_closing_everything_is_in_one_file()
    {
        await using (SqliteMetadataStore store = await OpenAsync())
        {
            await WriteAsync(store, writer => Sample.Write(writer));
            _ = await store.ReadAsync(reader => reader.ListRepos(), Token);
        }

        Assert.Equal(["metadata.db", "metadata.db.lock"],
            Directory.GetFiles(_directory.Path).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Rows_without_number_fit_into_one_change_and_the_log_does_not_stay_large()
    {
        await using SqliteMetadataStore store = await OpenAsync();
        byte[] payload = new byte[400];
        await WriteAsync(store, writer =>
        {
            for (int i = 0; i < 250_000; i++)
            {
                writer.AddPendingWrite(new CommitKey("r", "1"), payload);
            }
        });
        Assert.Equal((250_000, 100_000_000), await store.ReadAsync(reader => reader.CountPendingWrites(new("r", "1")), Token));
        await WriteAsync(store, writer => writer.PutTag(new TagRecord("t", "hash")));
        Assert.InRange(new FileInfo(StorePath + "-wal").Length, 0, 64L << 20);
    }

    [Fact]
    public async Task More_readers_than_connections_take_turns()
    {
        await using SqliteMetadataStore store = await OpenAsync(new SqliteMetadataOptions { Path = StorePath, Readers = 2 });
        await WriteAsync(store, writer => Sample.Write(writer));
        int[] counts = await Task.WhenAll(Enumerable.Range(0, 200).Select(_ => Task.Run(
            () => store.ReadAsync(reader => reader.ListRepos().Count, Token), Token)));
        Assert.All(counts, count => Assert.Equal(2, count));
    }

    private static async Task WriteAsync(SqliteMetadataStore store, Action<IMetadataWriter> change) => await store.WriteAsync(
        writer =>
        {
            change(writer);
            return 0;
        },
        Token);

    private static Task<SqliteMetadataStore> OpenAsync(SqliteMetadataOptions options) => SqliteMetadataStore.OpenAsync(options, Token);

    private static async Task<OperatorException[]> FailuresAsync(Task[] tasks)
    {
        List<OperatorException> failures = [];
        foreach (Task task in tasks)
        {
            try
            {
                await task;
            }
            catch (OperatorException exception)
            {
                failures.Add(exception);
            }
        }

        return [.. failures];
    }

    private Task<SqliteMetadataStore> OpenAsync() => OpenAsync(new SqliteMetadataOptions { Path = StorePath });
}
