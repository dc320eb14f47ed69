using System.IO.Compression;
using Pachyderm.Errors;
using Pachyderm.Metadata.Sqlite;
using Pachyderm.ObjectStores.Tests;
using Pachyderm.TestSupport;

namespace Pachyderm.Metadata.Tests;

/// <summary>
/// The persisted format does not change without a new number. For each number there are two golden files: the schema, and a whole store
/// as the release that introduced it wrote it. Neither is ever edited; a new format adds two files and a migration step.
/// </summary>
public sealed class SqliteFormatTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task The_schema_is_that_of_the_golden_file_of_its_format()
    {
        string path = _directory["metadata.db"];
        await (await SqliteMetadataStore.OpenAsync(new SqliteMetadataOptions { Path = path }, Token)).DisposeAsync();
        using Database database = Database.Open(path, DatabaseMode.Read);
        string golden = await File.ReadAllTextAsync(Golden($"format-{StoreFormat.Version}.txt"), Token);
        Assert.Equal(golden, GoldenWriter.Describe(database));
    }

    [Fact]
    public void The_kinds_of_changes_in_the_feed_are_those_of_the_golden_file() =>
        new GoldenFormat("Pachyderm.Metadata.Tests", "feed", StoreFormat.Version, "StoreFormat.Version").HasShape(JsonShape.Of(typeof(ChangeKind)));

    [Fact]
    public async Task The_golden_store_of_every_format_up_to_this_one_reads_as_it_was_written()
    {
        for (int format = 1; format <= StoreFormat.Version; format++)
        {
            await using SqliteMetadataStore store = await SqliteMetadataStore.OpenAsync(
                new SqliteMetadataOptions { Path = await UnpackAsync(format), ReadOnly = true }, Token);
            Assert.Equal(format, store.Format);
            Assert.Equal(new DateTimeOffset(2021, 2, 3, 4, 5, 6, TimeSpan.Zero), store.Created);
            string[] expected = await File.ReadAllLinesAsync(Golden($"format-{format}-records.txt"), Token);
            Assert.Equal(expected, await store.ReadAsync(reader => ModelStore.Describe(reader, Sample.Names).ToArray(), Token));
            Assert.Empty(await store.IntegrityCheckAsync(fix: false, Token));
        }
    }

    [Fact]
    public async Task A_damaged_store_gives_answers_or_one_line_and_nothing_else()
    {
        byte[] golden = await File.ReadAllBytesAsync(await UnpackAsync(StoreFormat.Version), Token);
        Random random = new(11);
        int refused = 0;
        for (int round = 0; round < 200; round++)
        {
            byte[] damaged = [.. golden];
            for (int i = random.Next(1, 20); i > 0; i--)
            {
                // Near the beginning of a page is what gives it its structure.
                damaged[(random.Next(damaged.Length / 4096) * 4096) + random.Next(random.Next(2) == 0 ? 128 : 4096)]
                    = (byte)random.Next(256);
            }

            string path = _directory[$"{round}.db"];
            await File.WriteAllBytesAsync(path, random.Next(10) == 0 ? damaged[..random.Next(damaged.Length)] : damaged, Token);
            try
            {
                await using SqliteMetadataStore store = await SqliteMetadataStore.OpenAsync(
                    new SqliteMetadataOptions { Path = path, ReadOnly = random.Next(2) == 0 }, Token);
                _ = await store.IntegrityCheckAsync(fix: false, Token);
                _ = await store.ReadAsync(reader => ModelStore.Describe(reader, Sample.Names).ToArray(), Token);
                _ = await store.WriteAsync(writer => Sample.Write(writer), Token);
            }
            catch (OperatorException exception)
            {
                Assert.DoesNotContain('\n', exception.Message);
                refused++;
            }
        }

        Assert.InRange(refused, 20, 200);
    }

    private static string Golden(string name) => Path.Combine(RepositoryPaths.Root, "test", "Pachyderm.Metadata.Tests", "Golden", name);

    private async Task<string> UnpackAsync(int format)
    {
        string path = _directory[$"format-{format}.db"];
        await using FileStream packed = File.OpenRead(Golden($"format-{format}.db.gz"));
        await using GZipStream unpacked = new(packed, CompressionMode.Decompress);
        await using FileStream file = File.Create(path);
        await unpacked.CopyToAsync(file, Token);
        return path;
    }
}
