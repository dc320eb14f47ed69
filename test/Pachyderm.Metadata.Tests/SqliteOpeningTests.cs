using Pachyderm.Errors;
using Pachyderm.Metadata.Sqlite;
using Pachyderm.ObjectStores.Tests;

namespace Pachyderm.Metadata.Tests;

/// <summary>What opening says of files in every condition, and that it changes none of them.</summary>
public sealed class SqliteOpeningTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string StorePath => _directory["metadata.db"];

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task A_store_is_stamped_once_and_keeps_its_identity()
    {
        StoppedClock clock = new(new DateTimeOffset(2021, 2, 3, 4, 5, 6, TimeSpan.Zero).AddTicks(7));
        string id;
        await using (SqliteMetadataStore store = await OpenAsync(new SqliteMetadataOptions { Path = StorePath, TimeProvider = clock }))
        {
            id = store.StoreId;
            Assert.Equal((StoreFormat.Version, clock.GetUtcNow()), (store.Format, store.Created));
            Assert.Matches("^[0-9a-f]{32}$", id);
        }

        await using SqliteMetadataStore again = await OpenAsync();
        Assert.Equal((id, clock.GetUtcNow()), (again.StoreId, again.Created));
    }

    [Fact]
    public async Task Opening_and_closing_changes_no_byte()
    {
        await CreateAsync();
        byte[] before = await File.ReadAllBytesAsync(StorePath, Token);
        await (await OpenAsync()).DisposeAsync();
        await (await OpenAsync(new SqliteMetadataOptions { Path = StorePath, ReadOnly = true })).DisposeAsync();
        Assert.Equal(before, await File.ReadAllBytesAsync(StorePath, Token));
    }

    [Fact]
    public async Task A_second_writer_is_refused_until_the_first_is_closed()
    {
        SqliteMetadataStore first = await OpenAsync();
        OperatorException refusal = await AssertRefusedAsync("store-locked");
        Assert.Contains("another pachd", refusal.Message, StringComparison.Ordinal);
        await first.DisposeAsync();
        await (await OpenAsync()).DisposeAsync();
    }

    [Fact]
    public async Task A_reader_beside_the_writer_sees_what_is_committed_and_writes_nothing()
    {
        await using SqliteMetadataStore writer = await OpenAsync();
        await using SqliteMetadataStore reader = await OpenAsync(new SqliteMetadataOptions { Path = StorePath, ReadOnly = true });
        await PutTagAsync(writer, "t");
        Assert.NotNull(await reader.ReadAsync(view => view.FindTag("t"), Token));
        OperatorException refusal = await Assert.ThrowsAsync<OperatorException>(() => PutTagAsync(reader, "u"));
        Assert.Equal("store-read-only", refusal.Id);
        await WriteChangeAsync(writer);
        await using SqliteMetadataStore later = await OpenAsync(new SqliteMetadataOptions { Path = StorePath, ReadOnly = true });
        Assert.True(later.WaitForChangeAsync(0, Token).IsCompletedSuccessfully);
        Assert.Equal("store-read-only", (await Assert.ThrowsAsync<OperatorException>(() => later.WaitForChangeAsync(1, Token))).Id);
    }

    [Fact]
    public async Task A_missing_store_is_not_created_for_reading()
    {
        await AssertRefusedAsync("store-missing", readOnly: true);
        Assert.Empty(Directory.GetFileSystemEntries(_directory.Path));
    }

    [Fact]
    public async Task A_directory_that_is_missing_is_said_so() =>
        Assert.Equal(
            "storage-not-found",
            (await Assert.ThrowsAsync<OperatorException>(
                () => OpenAsync(new SqliteMetadataOptions { Path = _directory["no/metadata.db"] }))).Id);

    [Fact]
    public async Task A_log_without_its_store_is_no_new_store()
    {
        await File.WriteAllBytesAsync(StorePath + "-wal", [1, 2, 3], Token);
        Assert.IsType<CorruptionException>(await AssertRefusedAsync("store-damaged"));
        Assert.False(File.Exists(StorePath));
    }

    [Fact]
    public async Task What_a_killed_creation_left_is_replaced()
    {
        await File.WriteAllTextAsync(StorePath + ".creating", "half a store", Token);
        await File.WriteAllTextAsync(StorePath + ".creating-journal", "half a journal", Token);
        await CreateAsync();
        Assert.DoesNotContain(Directory.GetFiles(_directory.Path), file => file.Contains("creating", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(100)]
    [InlineData(5_000)]
    public async Task A_file_that_is_no_database_is_damaged_and_stays_as_it_is(int size)
    {
        byte[] content = new byte[size];
        new Random(size).NextBytes(content);
        await File.WriteAllBytesAsync(StorePath, content, Token);
        foreach (bool readOnly in (bool[])[true, false])
        {
            Assert.IsType<CorruptionException>(await AssertRefusedAsync("store-damaged", readOnly));
        }

        Assert.Equal(content, await File.ReadAllBytesAsync(StorePath, Token));
    }

    [Fact]
    public async Task The_database_of_another_program_is_foreign_and_stays_as_it_is()
    {
        using (Database foreign = Database.Open(StorePath, DatabaseMode.Create))
        {
            foreign.Execute("CREATE TABLE store (id, format, min_reader, created, store_id); INSERT INTO store VALUES (1, 1, 1, 0, 'x')");
        }

        byte[] before = await File.ReadAllBytesAsync(StorePath, Token);
        await AssertRefusedAsync("store-foreign");
        Assert.Equal(before, await File.ReadAllBytesAsync(StorePath, Token));
    }

    [Fact]
    public async Task A_newer_format_that_this_release_may_read_opens_and_refuses_writes()
    {
        await CreateAsync();
        Edit("UPDATE store SET format = 3, min_reader = 2");
        await using SqliteMetadataStore store = await OpenAsync();
        Assert.Equal(3, store.Format);
        Assert.NotNull(await store.ReadAsync(reader => reader.FindTag("old"), Token));
        OperatorException refusal = await Assert.ThrowsAsync<OperatorException>(() => PutTagAsync(store, "new"));
        Assert.Equal("store-format", refusal.Id);
        Assert.Contains("pachctl migrate", refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("UPDATE store SET format = 7, min_reader = 3", "store-format")]
    [InlineData("UPDATE store SET format = 0, min_reader = 0", "store-format")]
    [InlineData("UPDATE store SET format = -1", "store-damaged")]
    [InlineData("UPDATE store SET format = 1 << 40", "store-damaged")]
    [InlineData("UPDATE store SET created = -1", "store-damaged")]
    [InlineData("UPDATE store SET store_id = CAST(x'ff' AS TEXT)", "store-damaged")]
    [InlineData("DELETE FROM store", "store-damaged")]
    [InlineData("DROP TABLE store", "store-damaged")]
    [InlineData("DELETE FROM sequences", "store-damaged")]
    public async Task A_stamp_that_this_release_cannot_follow_is_refused(string damage, string id)
    {
        await CreateAsync();
        Edit(damage);
        byte[] before = await File.ReadAllBytesAsync(StorePath, Token);
        foreach (bool readOnly in (bool[])[true, false])
        {
            OperatorException refusal = await AssertRefusedAsync(id, readOnly);
            Assert.True(id != "store-format" || refusal.Message.Contains("pachctl migrate", StringComparison.Ordinal));
        }

        Assert.Equal(before, await File.ReadAllBytesAsync(StorePath, Token));
    }

    [Fact]
    public async Task A_read_only_disk_can_be_read_and_refuses_writers()
    {
        if (TinyFileSystem.TryMount(_directory["tiny"], "size=4m") is not { } disk)
        {
            // Where no file system may be mounted, what SQLite would report is all there is to look at.
            Assert.Equal("storage-read-only", Assert.IsType<OperatorException>(SqliteErrors.Translate("p", 8, "readonly")).Id);
            return;
        }

        using (disk)
        {
            SqliteMetadataOptions options = new() { Path = Path.Combine(disk.Path, "metadata.db") };
            await using (SqliteMetadataStore store = await OpenAsync(options))
            {
                await PutTagAsync(store, "old");
            }

            disk.Remount("ro");
            await using (SqliteMetadataStore store = await OpenAsync(options with { ReadOnly = true }))
            {
                Assert.NotNull(await store.ReadAsync(reader => reader.FindTag("old"), Token));
            }

            Assert.Equal("storage-read-only", (await Assert.ThrowsAsync<OperatorException>(() => OpenAsync(options))).Id);
        }
    }

    [Fact]
    public void Options_that_make_no_sense_are_refused()
    {
        Assert.Throws<ArgumentException>(() => new SqliteMetadataOptions { Path = "" });
        Assert.Throws<ArgumentOutOfRangeException>(() => new SqliteMetadataOptions { Path = "p", Readers = 0 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new SqliteMetadataOptions { Path = "p", RetainedChanges = 0 });
    }

    private static Task<SqliteMetadataStore> OpenAsync(SqliteMetadataOptions options) => SqliteMetadataStore.OpenAsync(options, Token);

    private static Task<int> PutTagAsync(SqliteMetadataStore store, string name) => store.WriteAsync(
        writer =>
        {
            writer.PutTag(new TagRecord(name, "hash"));
            return 0;
        },
        Token);

    private static Task<int> WriteChangeAsync(SqliteMetadataStore store) => store.WriteAsync(
        writer =>
        {
            writer.AddChange(new Change(0, ChangeKind.RepoCreated, "r"));
            return 0;
        },
        Token);

    private Task<SqliteMetadataStore> OpenAsync() => OpenAsync(new SqliteMetadataOptions { Path = StorePath });

    private async Task CreateAsync()
    {
        await using SqliteMetadataStore store = await OpenAsync();
        await PutTagAsync(store, "old");
    }

    private void Edit(string sql)
    {
        using Database database = Database.Open(StorePath, DatabaseMode.Write);
        database.Execute(sql);
    }

    private async Task<OperatorException> AssertRefusedAsync(string id, bool readOnly = false)
    {
        OperatorException refusal = await Assert.ThrowsAnyAsync<OperatorException>(
            () => OpenAsync(new SqliteMetadataOptions { Path = StorePath, ReadOnly = readOnly }));
        Assert.Equal(id, refusal.Id);
        Assert.StartsWith(StorePath, refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refusal.Message);
        return refusal;
    }

    private sealed class StoppedClock(DateTimeOffset now) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => now;
    }
}
