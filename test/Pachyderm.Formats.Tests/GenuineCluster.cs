using System.IO.Compression;
using System.Text;
using System.Text.Json;

namespace Pachyderm.Formats.Tests;

/// <summary>A key and its value, as a genuine cluster stored them.</summary>
public readonly record struct GenuineRecord(byte[] Key, byte[] Value, long ModRevision)
{
    public string KeyText => Encoding.UTF8.GetString(Key);

    public override string ToString() => KeyText;
}

/// <summary>The genuine clusters under test/Fixtures.</summary>
public static class GenuineCluster
{
    public const string Small14 = "pachyderm-1.4.8-small";
    public const string Dirty14 = "pachyderm-1.4.8-dirty";
    public const string ObjectStore14 = "pachyderm-1.4.8-objstore";
    public const string Small15 = "pachyderm-1.5.3-small";

    public static string Folder { get; } = FindFolder();

    /// <summary>All keys of a set, in order of modification.</summary>
    public static IReadOnlyList<GenuineRecord> Records(string set, string file = "etcd.jsonl.gz")
    {
        using var stream = OpenGzip(set, file);
        using var reader = new StreamReader(stream, Encoding.UTF8);
        var records = new List<GenuineRecord>();
        while (reader.ReadLine() is { } line)
        {
            using var json = JsonDocument.Parse(line);
            var root = json.RootElement;
            records.Add(new GenuineRecord(
                root.GetProperty("key").GetBytesFromBase64(),
                root.GetProperty("value").GetBytesFromBase64(),
                root.GetProperty("mod_revision").GetInt64()));
        }

        Assert.NotEmpty(records);
        return records;
    }

    /// <summary>What the real client of that release reported.</summary>
    public static JsonDocument Expected(string set, string file = "expected.json.gz")
    {
        using var stream = OpenGzip(set, file);
        return JsonDocument.Parse(stream);
    }

    public static GZipStream OpenGzip(string set, string file) =>
        new(File.OpenRead(Path.Combine(Folder, set, file)), CompressionMode.Decompress);

    private static string FindFolder()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Pachyderm.slnx")))
            {
                return Path.Combine(folder.FullName, "test", "Fixtures");
            }
        }

        throw new DirectoryNotFoundException("No folder above the tests holds Pachyderm.slnx");
    }
}
