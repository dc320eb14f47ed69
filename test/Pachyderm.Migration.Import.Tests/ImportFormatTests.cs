using System.Globalization;
using System.Text;
using System.Text.Json;
using Pachyderm.Metadata;
using Pachyderm.Metadata.Sqlite;
using Pachyderm.Migration.Journal;
using Pachyderm.Migration.Steps.Native;
using Pachyderm.ObjectStores.Tests;
using Pachyderm.Storage.Content;
using Pachyderm.TestSupport;

namespace Pachyderm.Migration.Import.Tests;

/// <summary>What an import keeps in a data directory does not change without a new number: another release may have to undo it. See <see cref="GoldenFormat"/>.</summary>
public sealed class ImportFormatTests : IDisposable
{
    private static readonly GoldenFormat Golden = new(
        "Pachyderm.Migration.Import.Tests", "import", ImportJournal.CurrentVersion, "ImportJournal.CurrentVersion");

    private static readonly DateTimeOffset Time = new(2021, 2, 3, 4, 5, 6, TimeSpan.Zero);

    private static readonly ImportJournal Journal = new()
    {
        Id = "20210203-040506-0a1b2c3d",
        From = "1.5.3",
        Phase = MigrationPhase.Stamped,
        Source = "etcd 127.0.0.1:2379",
        Etcd = "127.0.0.1:2379",
        Namespace = "default",
        Snapshot = "/snapshots/etcd.snap",
        SourceDigest = new string('a', 64),
        Storage = "/pach",
        Copy = true,
        Quarantine = true,
        Accepted = ["finding"],
        PfsPrefix = "pachyderm_pfs",
        PpsPrefix = "pachyderm_pps",
        LastChange = 7,
        Final = true,
        Started = Time,
        Updated = Time.AddSeconds(1),
    };

    private readonly TemporaryDirectory directory = new();

    public void Dispose() => directory.Dispose();

    [Fact]
    public void The_fields_are_those_of_the_golden_file() => Golden.HasShape(JsonShape.Of(ImportJson.Default.ImportJournal));

    [Fact]
    public async Task The_journal_has_its_golden_bytes()
    {
        Golden.Holds("import.json", JsonSerializer.SerializeToUtf8Bytes(Journal, ImportJson.Default.ImportJournal));
        ImportJournal[] expected = [Journal with { Version = 1, Source = "snapshot file", Etcd = null, Namespace = null }, Journal];
        foreach ((byte[] bytes, ImportJournal journal) in Golden.OfEveryFormat("import.json").Zip(expected))
        {
            await File.WriteAllBytesAsync(directory["import.json"], bytes, TestContext.Current.CancellationToken);
            Assert.Equivalent(journal, await ImportJournal.ReadAsync(directory.Path, TestContext.Current.CancellationToken), strict: true);
        }

        Assert.Equal(ImportJournal.CurrentVersion, expected.Length);
    }

    [Fact]
    public async Task The_rows_of_the_progress_have_their_golden_bytes()
    {
        SourceRoot root = new(ChunkId.Of("root"u8), 1L << 40, 3);
        await using SqliteMetadataStore store = await SqliteMetadataStore.OpenAsync(
            new SqliteMetadataOptions { Path = directory["metadata.db"] }, TestContext.Current.CancellationToken);
        string rows = await store.WriteAsync(
            writer =>
            {
                ImportProgress.Write(writer, "commits", 1_000);
                ImportProgress.Write(writer, "repos", null);
                ImportProgress.PutRoot(writer, new CommitKey("images", "c0ffee"), root);
                StringBuilder text = new();
                foreach (int space in (int[])[ImportProgress.Cursors, ImportProgress.Roots])
                {
                    foreach (StoredRow row in writer.ListRows(space, [], null, 10))
                    {
                        text.Append(
                            CultureInfo.InvariantCulture,
                            $"{space} {Convert.ToHexStringLower(row.Key.Span)} {Convert.ToHexStringLower(row.Value.Span)}\n");
                    }
                }

                Assert.Equal(1_000, ImportProgress.Read(writer, "commits"));
                Assert.Null(ImportProgress.Read(writer, "repos"));
                Assert.Equal(root, ImportProgress.FindRoot(writer, new CommitKey("images", "c0ffee")));
                return text.ToString();
            },
            TestContext.Current.CancellationToken);
        Golden.Holds("rows.txt", Encoding.UTF8.GetBytes(rows));
    }
}
