using System.Globalization;
using System.IO.Compression;
using Pachyderm.Metadata.Sqlite;

namespace Pachyderm.Metadata.Tests;

/// <summary>Writes the golden files of a format, once, when the format is new: <c>dotnet run -- write-golden DIRECTORY</c>.</summary>
internal static class GoldenWriter
{
    public const string Command = "write-golden";

    public static async Task<int> RunAsync(string directory)
    {
        string path = Path.Combine(directory, $"format-{StoreFormat.Version}.db");
        SqliteMetadataOptions options = new() { Path = path, TimeProvider = new Clock() };
        await using (SqliteMetadataStore store = await SqliteMetadataStore.OpenAsync(options, CancellationToken.None))
        {
            await store.WriteAsync(Sample.Write, CancellationToken.None);
            string[] records = await store.ReadAsync(reader => ModelStore.Describe(reader, Sample.Names).ToArray(), CancellationToken.None);
            await File.WriteAllTextAsync(
                Path.Combine(directory, $"format-{StoreFormat.Version}-records.txt"), string.Concat(records.Select(line => line + '\n')));
        }

        await using (FileStream packed = File.Create(path + ".gz"))
        await using (GZipStream stream = new(packed, CompressionLevel.SmallestSize))
        {
            stream.Write(await File.ReadAllBytesAsync(path));
        }

        using (Database database = Database.Open(path, DatabaseMode.Write))
        {
            await File.WriteAllTextAsync(Path.Combine(directory, $"format-{StoreFormat.Version}.txt"), Describe(database));
        }

        File.Delete(path);
        File.Delete(path + ".lock");
        return 0;
    }

    /// <summary>All that a reader of the file depends on.</summary>
    public static string Describe(Database database) => string.Create(
        CultureInfo.InvariantCulture,
        $"""
        format {StoreFormat.Version}
        min reader {StoreFormat.MinReader}
        application id {database.Number("PRAGMA application_id"):x}
        user version {database.Number("PRAGMA user_version")}
        page size {database.Number("PRAGMA page_size")}

        {Schema.Read(database)}
        """);

    private sealed class Clock : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => new(2021, 2, 3, 4, 5, 6, TimeSpan.Zero);
    }
}
