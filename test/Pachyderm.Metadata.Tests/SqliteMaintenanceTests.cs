using Pachyderm.Errors;
using Pachyderm.Metadata.Sqlite;
using Pachyderm.ObjectStores.Tests;

namespace Pachyderm.Metadata.Tests;

public sealed class SqliteMaintenanceTests : IAsyncLifetime
{
    private readonly TemporaryDirectory _directory = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string StorePath => _directory["metadata.db"];

    public async ValueTask InitializeAsync()
    {
        await using SqliteMetadataStore store = await OpenAsync(StorePath);
        await store.WriteAsync(Sample.Write, Token);
    }

    public ValueTask DisposeAsync()
    {
        _directory.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task A_sound_store_has_no_findings()
    {
        await using SqliteMetadataStore store = await OpenAsync(StorePath);
        Assert.Empty(await store.IntegrityCheckAsync(fix: true, Token));
    }

    [Theory]
    [InlineData("UPDATE branches SET head = 'gone' WHERE repo = 'images'", "branch-head-missing", "images@master", false)]
    [InlineData("UPDATE commits SET parent = 'gone' WHERE repo = 'images' AND id = '2'", "commit-parent-missing", "images/2", false)]
    [InlineData("UPDATE commit_provenance SET provenance_id = 'gone'", "commit-provenance-missing", "edges/1", false)]
    [InlineData("UPDATE repo_provenance SET provenance = 'gone'", "repo-provenance-missing", "edges", false)]
    [InlineData("DELETE FROM repos WHERE name = 'images'; DELETE FROM repo_provenance", "commit-repo-missing", "images/1", false)]
    [InlineData("DELETE FROM repos WHERE name = 'images'; DELETE FROM repo_provenance", "branch-repo-missing", "images@master", false)]
    [InlineData("INSERT INTO commit_provenance VALUES ('a', 'b', 0, 'images', '1')", "provenance-orphan", "a/b", true)]
    [InlineData("INSERT INTO repo_provenance VALUES ('a', 0, 'images')", "provenance-orphan", "a", true)]
    [InlineData("DELETE FROM objects", "tag-object-missing", "tag master", false)]
    [InlineData("UPDATE commits SET finished = started WHERE id = '2'", "pending-finished", "images/2", false)]
    [InlineData("DELETE FROM commits WHERE id = '2'; UPDATE branches SET head = '1'", "pending-orphan", "images/2", true)]
    [InlineData("DELETE FROM pending_owners", "pending-orphan", "owner 1", true)]
    [InlineData("UPDATE pending_owners SET writes = writes + 1", "pending-miscounted", "images/2", true)]
    [InlineData("UPDATE pending_owners SET bytes = 0", "pending-miscounted", "images/2", true)]
    [InlineData("DELETE FROM pending_writes", "pending-miscounted", "images/2", true)]
    [InlineData("UPDATE sequences SET revision = 1", "sequence-behind", "sequences", false)]
    [InlineData("UPDATE sequences SET change = 0", "sequence-behind", "sequences", false)]
    [InlineData("UPDATE sequences SET pending_write = 3", "sequence-behind", "sequences", false)]
    [InlineData("CREATE TABLE more (a)", "store-schema", "", false)]
    [InlineData("DROP INDEX commits_by_revision", "store-schema", "", false)]
    public async Task Damage_is_found_named_and_put_right_where_that_is_harmless(string damage, string id, string thing, bool isFixable)
    {
        using (Database database = Database.Open(StorePath, DatabaseMode.Write))
        {
            database.Execute(damage);
        }

        await using SqliteMetadataStore store = await OpenAsync(StorePath);
        IReadOnlyList<MetadataFinding> findings = await store.IntegrityCheckAsync(fix: false, Token);
        MetadataFinding finding = Assert.Single(findings, other => other.Id == id && (thing.Length == 0 || other.Thing == thing));
        Assert.False(finding.Fixed);
        Assert.NotEmpty(finding.Remedy);
        Assert.Equal(findings, await store.IntegrityCheckAsync(fix: false, Token));

        finding = Assert.Single(
            await store.IntegrityCheckAsync(fix: true, Token), other => other.Id == id && (thing.Length == 0 || other.Thing == thing));
        Assert.Equal(isFixable, finding.Fixed);
        Assert.Equal(isFixable ? 0 : findings.Count, (await store.IntegrityCheckAsync(fix: false, Token)).Count);
    }

    [Fact]
    public async Task After_a_repair_of_counters_the_store_counts_on_from_there()
    {
        using (Database database = Database.Open(StorePath, DatabaseMode.Write))
        {
            database.Execute("UPDATE pending_owners SET writes = 7");
        }

        CommitKey commit = new("images", "2");
        await using SqliteMetadataStore store = await OpenAsync(StorePath);
        await AddWriteAsync(store, commit);
        Assert.Single(await store.IntegrityCheckAsync(fix: true, Token));
        await AddWriteAsync(store, commit);
        Assert.Equal(42, (await store.ReadAsync(reader => reader.CountPendingWrites(commit), Token)).Count);
        Assert.Empty(await store.IntegrityCheckAsync(fix: false, Token));
    }

    [Fact]
    public async Task A_number_that_would_be_given_twice_overwrites_no_record()
    {
        using (Database database = Database.Open(StorePath, DatabaseMode.Write))
        {
            database.Execute("UPDATE sequences SET revision = 0");
        }

        await using SqliteMetadataStore store = await OpenAsync(StorePath);
        RepoRecord[] before = [.. await store.ReadAsync(reader => reader.ListRepos(), Token)];
        await Assert.ThrowsAsync<CorruptionException>(() => store.WriteAsync(
            writer =>
            {
                writer.PutRepo(before[0] with { Name = "new" });
                return 0;
            },
            Token));
        Assert.Equal(before.Select(repo => repo.Name),
            (await store.ReadAsync(reader => reader.ListRepos(), Token)).Select(repo => repo.Name));
    }

    [Fact]
    public async Task A_damaged_page_is_found()
    {
        byte[] bytes = await File.ReadAllBytesAsync(StorePath, Token);
        using (Database database = Database.Open(StorePath, DatabaseMode.Read))
        {
            long page = database.Number("SELECT rootpage FROM sqlite_schema WHERE name = 'commits'");
            bytes.AsSpan((int)((page - 1) * 4096), 4096).Fill(0x5a);
        }

        await File.WriteAllBytesAsync(StorePath, bytes, Token);
        await using SqliteMetadataStore store = await OpenAsync(StorePath);
        Assert.Contains(await store.IntegrityCheckAsync(fix: true, Token), finding => finding is { Id: "store-damaged", Fixed: false });
        CorruptionException damage = await Assert.ThrowsAsync<CorruptionException>(
            () => store.ReadAsync(reader => reader.ListAllCommits(null, 10), Token));
        Assert.Equal("store-damaged", damage.Id);
    }

    [Fact]
    public async Task A_check_can_be_cancelled()
    {
        await using SqliteMetadataStore store = await OpenAsync(StorePath);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => store.IntegrityCheckAsync(fix: false, new CancellationToken(canceled: true)));
    }

    [Fact]
    public async Task A_copy_made_while_others_write_is_one_moment_and_opens_as_a_store()
    {
        await using SqliteMetadataStore store = await OpenAsync(StorePath);
        using CancellationTokenSource done = CancellationTokenSource.CreateLinkedTokenSource(Token);
        Task writing = Task.Run(
            async () =>
            {
                for (int i = 0; !done.IsCancellationRequested; i++)
                {
                    await store.WriteAsync(
                        writer =>
                        {
                            writer.PutObject(new ObjectRecord($"{i}", i, new byte[100], DateTimeOffset.UnixEpoch));
                            writer.PutTag(new TagRecord($"t{i}", $"{i}"));
                            return 0;
                        },
                        Token);
                }
            },
            Token);
        for (int i = 0; i < 5; i++)
        {
            string path = _directory[$"copy-{i}.db"];
            await store.BackupToAsync(path, Token);
            byte[] bytes = await File.ReadAllBytesAsync(path, Token);
            await using (SqliteMetadataStore copy = await OpenAsync(path))
            {
                Assert.Equal(store.StoreId, copy.StoreId);
                Assert.Empty(await copy.IntegrityCheckAsync(fix: false, Token));
                Assert.Equal(40, (await copy.ReadAsync(reader => reader.CountPendingWrites(new("images", "2")), Token)).Count);
            }

            Assert.Equal(bytes, await File.ReadAllBytesAsync(path, Token));
        }

        await done.CancelAsync();
        await writing;
        Assert.DoesNotContain(Directory.GetFiles(_directory.Path), file => file.Contains("creating", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_copy_replaces_nothing_and_a_place_that_cannot_be_written_is_named()
    {
        await using SqliteMetadataStore store = await OpenAsync(StorePath);
        await File.WriteAllTextAsync(_directory["taken"], "mine", Token);
        OperatorException taken = await Assert.ThrowsAsync<OperatorException>(() => store.BackupToAsync(_directory["taken"], Token));
        Assert.Equal(("backup-exists", _directory["taken"]), (taken.Id, taken.Thing));
        Assert.Equal("mine", await File.ReadAllTextAsync(_directory["taken"], Token));

        string nowhere = _directory["no/such/copy.db"];
        OperatorException failure = await Assert.ThrowsAsync<OperatorException>(() => store.BackupToAsync(nowhere, Token));
        Assert.Equal(nowhere, failure.Thing);
    }

    private static Task<SqliteMetadataStore> OpenAsync(string path) =>
        SqliteMetadataStore.OpenAsync(new SqliteMetadataOptions { Path = path }, Token);

    private static Task<int> AddWriteAsync(SqliteMetadataStore store, CommitKey commit) => store.WriteAsync(
        writer =>
        {
            writer.AddPendingWrite(commit, new byte[3]);
            return 0;
        },
        Token);
}
