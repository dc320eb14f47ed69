using System.IO.Compression;
using System.Text.Json;
using Pachyderm.RecordStores.Snapshot;

namespace Pachyderm.RecordStores.Tests.Snapshot;

/// <summary>The genuine snapshots and what etcd itself listed of them.</summary>
internal static class Fixtures
{
    public static readonly string[] Names =
        ["pachyderm-1.4.8-small", "pachyderm-1.4.8-dirty", "pachyderm-1.4.8-objstore", "pachyderm-1.5.3-small"];

    public static string Snapshot(string set) => Path.Combine(Root(), set, "etcd.snap");

    public static Task<EtcdSnapshotFile> OpenAsync(string set) =>
        EtcdSnapshotFile.OpenAsync(Snapshot(set), SnapshotIntegrity.VerifyHash, TestContext.Current.CancellationToken);

    /// <summary>Every live record of a set, by ascending revision, as lines that can be compared.</summary>
    public static List<string> Listing(string set)
    {
        using FileStream file = File.OpenRead(Path.Combine(Root(), set, "etcd.jsonl.gz"));
        using StreamReader lines = new(new GZipStream(file, CompressionMode.Decompress));
        List<string> listing = [];
        while (lines.ReadLine() is { } line)
        {
            using JsonDocument document = JsonDocument.Parse(line);
            JsonElement record = document.RootElement;
            listing.Add(Line(
                record.GetProperty("key").GetString()!,
                record.GetProperty("value").GetString()!,
                record.GetProperty("create_revision").GetInt64(),
                record.GetProperty("mod_revision").GetInt64(),
                record.GetProperty("version").GetInt64(),
                record.GetProperty("lease").GetInt64()));
        }

        return listing;
    }

    public static string Line(StoredRecord record) => Line(
        Convert.ToBase64String(record.Key.Span),
        Convert.ToBase64String(record.Value.Span),
        record.CreateRevision,
        record.ModRevision,
        record.Version,
        record.Lease);

    public static async Task<List<StoredRecord>> ReadAllAsync(this EtcdSnapshotFile snapshot)
    {
        List<StoredRecord> records = [];
        await foreach (IReadOnlyList<StoredRecord> page in snapshot.ReadByRevisionAsync(
            KeyRange.All, TestContext.Current.CancellationToken))
        {
            records.AddRange(page);
        }

        return records;
    }

    private static string Line(string key, string value, long create, long mod, long version, long lease) =>
        $"{mod} {create} {version} {lease} {key} {value}";

    private static string Root()
    {
        string directory = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(directory, "Pachyderm.slnx")))
        {
            directory = Path.GetDirectoryName(directory)!;
        }

        return Path.Combine(directory, "test", "Fixtures");
    }
}
