using System.Formats.Tar;
using System.IO.Compression;
using Pachyderm.Errors;
using Pachyderm.Metadata;
using Pachyderm.Metadata.Sqlite;
using Pachyderm.Migration.Engine;
using Pachyderm.Migration.Native;
using Pachyderm.Migration.Steps;
using Pachyderm.ObjectStores.Tests;
using Pachyderm.Pfs;
using Pachyderm.TestSupport;

namespace Pachyderm.Migration.Tests.Native;

/// <summary>Data of format 1, written by a pachd of that format, is carried to format 2 and back.</summary>
public sealed class FormatUpgradeTests : IDisposable
{
    private static readonly string Hash = new('a', 128);

    private readonly TemporaryDirectory _directory = new();

    public FormatUpgradeTests() => MigrationSteps.Register();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string Data => _directory["data"];

    private string Store => Path.Combine(Data, "metadata.db");

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Genuine_data_says_the_same_afterwards_and_can_be_written()
    {
        await UnpackAsync();
        string[] before = await DescribeAsync();

        UpgradeReport report = await Upgrade().RunAsync(Token);

        Assert.Equal(("done", 1, 2), (report.Result, report.From, report.To));
        Assert.Equal(report.DigestBefore, report.DigestAfter);
        Assert.Equal(2, FormatFile.Read(Data));
        Assert.Equal(before, await DescribeAsync());
        await using SqliteMetadataStore store = await OpenAsync();
        Assert.Equal(2, store.Format);
        Assert.Empty(await store.IntegrityCheckAsync(fix: false, Token));
        Assert.All(
            await store.ReadAsync(reader => reader.ListObjects(null, 100), Token),
            found => Assert.InRange(found.Created, DateTimeOffset.UtcNow.AddMinutes(-5), DateTimeOffset.UtcNow));
    }

    [Fact]
    public async Task A_check_changes_nothing_and_tells_what_there_is_to_do()
    {
        await UnpackAsync();
        Dictionary<string, string> before = Files();
        UpgradeReport report = await Upgrade().CheckAsync(Token);
        Assert.Equal(("ready", 10L), (report.Result, report.Rows));
        Assert.Equal(before, Files());
        await Upgrade().RunAsync(Token);
        Assert.Equal("nothing-to-do", (await Upgrade().CheckAsync(Token)).Result);
    }

    [Fact]
    public async Task A_second_run_changes_nothing()
    {
        await UnpackAsync();
        await Upgrade().RunAsync(Token);
        Dictionary<string, string> before = Files();
        Assert.Equal("nothing-to-do", (await Upgrade().RunAsync(Token)).Result);
        Assert.Equal(before, Files());
    }

    [Fact]
    public async Task Undone_it_is_as_before_and_has_what_was_written_since()
    {
        await UnpackAsync();
        string schema = Schema(Store);
        string[] before = await DescribeAsync();
        await Upgrade().RunAsync(Token);
        await using (SqliteMetadataStore store = await OpenAsync())
        {
            await store.WriteAsync(
                writer =>
                {
                    writer.PutObject(new ObjectRecord(Hash, 3, new byte[] { 1 }, DateTimeOffset.UtcNow));
                    writer.PutObject(new ObjectRecord(Hash, 4, new byte[] { 2 }, DateTimeOffset.UtcNow));
                    writer.PutTag(new TagRecord("since", Hash));
                    writer.DeleteTag("one");
                    return 0;
                },
                Token);
        }

        UpgradeReport report = await Upgrade().UndoAsync(Token);

        Assert.Equal(("undone", 4L), (report.Result, report.LaterWrites));
        Assert.Equal(1, FormatFile.Read(Data));
        Assert.Equal(schema, Schema(Store));
        string[] expected = [.. before.Where(line => !line.StartsWith("tag one ", StringComparison.Ordinal)), $"object {Hash} 4 02", $"tag since {Hash}"];
        Assert.Equal(expected.Order(StringComparer.Ordinal), (await DescribeAsync()).Order(StringComparer.Ordinal));
        await using SqliteMetadataStore undone = await OpenAsync();
        Assert.Equal(1, undone.Format);
        Assert.False(File.Exists(Store + ".format-1"));
    }

    [Fact]
    public async Task Finalized_it_is_smaller_and_cannot_be_undone()
    {
        await UnpackAsync();
        Insert(30_000);
        string[] before = await DescribeAsync();
        await Upgrade().RunAsync(Token);
        long full = new FileInfo(Store).Length;

        Assert.Equal("final", (await Upgrade().FinalizeAsync(Token)).Result);

        Assert.InRange(new FileInfo(Store).Length, 1, full * 6 / 10);
        Assert.Equal(before, await DescribeAsync());
        Assert.False(File.Exists(Store + ".format-1"));
        Assert.Equal("migration-missing", (await Assert.ThrowsAsync<OperatorException>(() => Upgrade().UndoAsync(Token))).Id);
        await using SqliteMetadataStore store = await OpenAsync();
        Assert.Empty(await store.IntegrityCheckAsync(fix: false, Token));
    }

    [Fact]
    public async Task Interrupted_while_copying_it_follows_what_an_older_program_writes_and_goes_on()
    {
        await UnpackAsync();
        Insert(35_000);
        using CancellationTokenSource interruption = new();
        FormatUpgrade interrupted = new(Data, new Interrupting(interruption), TimeProvider.System);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => interrupted.RunAsync(interruption.Token));
        Assert.Equal(UpgradePhase.Copying, Upgrade().GetStatus().Journal!.Phase);
        using (Database database = Database.Open(Store, DatabaseMode.Write))
        {
            // Some of these have been copied by now, and some have not.
            database.Execute("DELETE FROM objects WHERE hash GLOB '*7'; DELETE FROM tags WHERE object_hash GLOB '*7'");
            database.Execute("UPDATE objects SET content = x'0102' WHERE hash GLOB '*5'");
            database.Execute($"INSERT INTO objects VALUES ('{Hash}', 3, x'03'), ('odd', 4, x'04')");
            database.Execute("UPDATE tags SET object_hash = 'odd' WHERE name = 'one'");
        }

        string[] before = await DescribeAsync();
        await Upgrade().RunAsync(Token);
        Assert.Equal(before, await DescribeAsync());
        await Upgrade().UndoAsync(Token);
        Assert.Equal(before, await DescribeAsync());
    }

    [Fact]
    public async Task Interrupted_while_copying_it_can_be_undone()
    {
        await UnpackAsync();
        Insert(25_000);
        string[] before = await DescribeAsync();
        string schema = Schema(Store);
        using CancellationTokenSource interruption = new();
        FormatUpgrade interrupted = new(Data, new Interrupting(interruption), TimeProvider.System);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => interrupted.RunAsync(interruption.Token));
        await Upgrade().UndoAsync(Token);
        Assert.Equal(schema, Schema(Store));
        Assert.Equal(before, await DescribeAsync());
        Assert.Equal(1, FormatFile.Read(Data));
    }

    [Theory]
    [InlineData("UPDATE upgrade_objects SET size_bytes = size_bytes + 1 WHERE rowid_of")]
    [InlineData("DELETE FROM upgrade_objects WHERE rowid_of")]
    [InlineData("INSERT INTO upgrade_objects VALUES ('surplus', 1, 2, x'03')")]
    [InlineData("UPDATE upgrade_tags SET object_hash = upper(hex(object_hash)) WHERE name = 'one'")]
    public async Task A_row_that_is_not_the_same_stops_it_before_the_flip(string damage)
    {
        await UnpackAsync();
        Insert(25_000);
        using CancellationTokenSource interruption = new();
        FormatUpgrade interrupted = new(Data, new Interrupting(interruption), TimeProvider.System);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => interrupted.RunAsync(interruption.Token));
        using (Database database = Database.Open(Store, DatabaseMode.Write))
        {
            // Tags come behind objects: let them be there to be damaged.
            database.Execute("INSERT OR IGNORE INTO upgrade_tags SELECT name, unhex(object_hash) FROM tags");
            database.Execute(damage.Replace("rowid_of", "hash = (SELECT min(hash) FROM upgrade_objects)", StringComparison.Ordinal));
        }

        Assert.Equal("upgrade-differs", (await Assert.ThrowsAsync<CorruptionException>(() => Upgrade().RunAsync(Token))).Id);
        Assert.Equal((1, UpgradePhase.Copied), (Upgrade().GetStatus().Format, Upgrade().GetStatus().Journal!.Phase));
        await Upgrade().UndoAsync(Token);
        Assert.Null(Upgrade().GetStatus().Journal);
    }

    [Fact]
    public async Task What_is_wrong_already_blocks_it_and_nothing_is_written()
    {
        await UnpackAsync();
        using (Database database = Database.Open(Store, DatabaseMode.Write))
        {
            database.Execute("DELETE FROM objects WHERE hash = (SELECT object_hash FROM tags WHERE name = 'one')");
            database.Checkpoint();
        }

        Dictionary<string, string> before = Files();
        UpgradeBlockedException blocked = await Assert.ThrowsAsync<UpgradeBlockedException>(() => Upgrade().RunAsync(Token));
        Assert.Contains("tag one", Assert.Single(blocked.Report.Blockers), StringComparison.Ordinal);
        Assert.Equal(before, Files());
    }

    [Fact]
    public async Task Nobody_else_may_write_meanwhile()
    {
        await UnpackAsync();
        using SqliteUpgrade other = SqliteUpgrade.Open(Store);
        Assert.Equal("store-locked", (await Assert.ThrowsAsync<OperatorException>(() => Upgrade().RunAsync(Token))).Id);
    }

    [Fact]
    public async Task Who_reads_meanwhile_is_told_when_the_format_has_changed()
    {
        await UnpackAsync();
        await using SqliteMetadataStore store = await OpenAsync(readOnly: true);
        Assert.NotNull(await store.ReadAsync(reader => reader.FindTag("one"), Token));
        await Upgrade().RunAsync(Token);
        OperatorException refusal = await Assert.ThrowsAsync<OperatorException>(() => store.ReadAsync(reader => reader.FindTag("one"), Token));
        Assert.Equal("store-upgraded", refusal.Id);
    }

    [Fact]
    public async Task Verification_afterwards_compares_with_the_backup()
    {
        await UnpackAsync();
        await Upgrade().RunAsync(Token);
        Assert.Equal("done", (await Upgrade().VerifyAsync(Token)).Result);
        using (Database database = Database.Open(Store, DatabaseMode.Write))
        {
            database.Execute("UPDATE commits SET size_bytes = size_bytes + 1");
        }

        Assert.Equal("changed", (await Upgrade().VerifyAsync(Token)).Result);
    }

    [Fact]
    public async Task What_is_no_data_directory_is_refused()
    {
        Assert.Equal("data-missing", (await Assert.ThrowsAsync<OperatorException>(() => Upgrade().CheckAsync(Token))).Id);
        Directory.CreateDirectory(Data);
        Assert.Equal("data-missing", (await Assert.ThrowsAsync<OperatorException>(() => Upgrade().RunAsync(Token))).Id);
    }

    [Fact]
    public void Every_format_has_a_step_to_the_next_with_a_readme_and_golden_data()
    {
        for (int format = 1; format < StoreFormat.Version; format++)
        {
            FormatChange change = FormatCatalog.From(format);
            string folder = Path.Combine(RepositoryPaths.Root, "migration", FormattableString.Invariant($"format-{format}-{change.To}"));
            Assert.True(File.Exists(Path.Combine(folder, "README.md")), folder);
            Assert.True(File.Exists(Path.Combine(folder, "golden", "data.tar.gz")), folder);
        }
    }

    private static string Schema(string path)
    {
        using Database database = Database.Open(path, DatabaseMode.Read);
        return Pachyderm.Metadata.Sqlite.Schema.Read(database);
    }

    private FormatUpgrade Upgrade() => new(Data, new NoObserver(), TimeProvider.System);

    private async Task UnpackAsync()
    {
        Directory.CreateDirectory(Data);
        await using FileStream packed = File.OpenRead(Path.Combine(RepositoryPaths.Root, "migration", "format-1-2", "golden", "data.tar.gz"));
        await using GZipStream unpacked = new(packed, CompressionMode.Decompress);
        await TarFile.ExtractToDirectoryAsync(unpacked, Data, overwriteFiles: false, Token);
    }

    private void Insert(int objects)
    {
        using Database database = Database.Open(Store, DatabaseMode.Write);
        database.Execute(FormattableString.Invariant(
            $"""
            INSERT INTO objects (hash, size_bytes, content)
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {objects})
            SELECT printf('%0128x', i * 7919), i, randomblob(70) FROM n
            """));
        database.Execute("INSERT INTO tags SELECT 'tag ' || hash, hash FROM objects WHERE size_bytes % 2 = 1");
        database.Checkpoint();
    }

    private Task<SqliteMetadataStore> OpenAsync(bool readOnly = false) =>
        SqliteMetadataStore.OpenAsync(new SqliteMetadataOptions { Path = Store, ReadOnly = readOnly }, Token);

    /// <summary>Every record that the change is about, and a few of the others.</summary>
    private async Task<string[]> DescribeAsync()
    {
        await using SqliteMetadataStore store = await OpenAsync(readOnly: true);
        return await store.ReadAsync(
            reader => (string[])
            [
                .. reader.ListObjects(null, int.MaxValue)
                    .Select(found => $"object {found.Hash} {found.SizeBytes} {Convert.ToHexStringLower(found.Content.Span)}")
                    .Order(StringComparer.Ordinal),
                .. reader.ListTags("", null, int.MaxValue).Select(tag => $"tag {tag.Name} {tag.ObjectHash}"),
                .. reader.ListAllCommits(null, int.MaxValue).Select(commit => $"commit {commit.Key} {commit.Parent} {commit.SizeBytes} {commit.Revision}"),
                .. reader.ListRepos().Select(repo => $"repo {repo.Name} {repo.Created:O}"),
            ],
            Token);
    }

    private Dictionary<string, string> Files() => Directory
        .EnumerateFiles(Data, "*", SearchOption.AllDirectories)
        .Where(file => !file.EndsWith("-shm", StringComparison.Ordinal) && !file.EndsWith("-wal", StringComparison.Ordinal))
        .Where(file => !file.EndsWith(".lock", StringComparison.Ordinal))
        .ToDictionary(file => file, file => Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(file))), StringComparer.Ordinal);

    private sealed class Interrupting(CancellationTokenSource source) : IMigrationObserver
    {
        public void PhaseStarted(string phase, long? total)
        {
        }

        public void Advanced(long records) => source.Cancel();

        public void PhaseEnded(string phase)
        {
        }

        public void Say(string line)
        {
        }
    }
}
