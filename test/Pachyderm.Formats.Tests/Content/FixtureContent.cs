using System.Formats.Tar;
using System.IO.Compression;
using System.Text.Json;

namespace Pachyderm.Tests;

/// <summary>A content store of a genuine cluster (see test/Fixtures/README.md), unpacked into a directory of its own for one test.</summary>
public sealed class FixtureContent : IDisposable
{
    /// <summary>Each set with the archives of its content store, as the server left them.</summary>
    public static readonly (string Set, string Archive)[] All =
    [
        ("pachyderm-1.4.8-small", "object-store.tar.gz"),
        ("pachyderm-1.4.8-dirty", "object-store.tar.gz"),
        ("pachyderm-1.5.3-small", "object-store.tar.gz"),
        ("pachyderm-1.4.8-objstore", "object-store-before-compaction.tar.gz"),
        ("pachyderm-1.4.8-objstore", "object-store.tar.gz"),
    ];

    public FixtureContent(string set, string archive = "object-store.tar.gz")
    {
        Set = set;
        Directory = System.IO.Directory.CreateTempSubdirectory("pachyderm-content-").FullName;
        Unpack(Path.Combine(FixtureDirectory(set), archive), Directory);
        Root = System.IO.Directory.Exists(Path.Combine(Directory, "pach", "pach"))
            ? Path.Combine(Directory, "pach", "pach")
            : Path.Combine(Directory, "pach");
    }

    public string Set { get; }

    /// <summary>What the archive was unpacked into.</summary>
    public string Directory { get; }

    /// <summary>The storage root.</summary>
    public string Root { get; }

    public static string FixtureDirectory(string set)
    {
        DirectoryInfo? directory = new(AppContext.BaseDirectory);
        while (directory is not null && !File.Exists(Path.Combine(directory.FullName, "Pachyderm.slnx")))
        {
            directory = directory.Parent;
        }

        Assert.NotNull(directory);
        return Path.Combine(directory.FullName, "test", "Fixtures", set);
    }

    /// <summary>What the real client reported of the cluster.</summary>
    public static JsonDocument Expected(string set)
    {
        using GZipStream json = new(File.OpenRead(Path.Combine(FixtureDirectory(set), "expected.json.gz")), CompressionMode.Decompress);
        return JsonDocument.Parse(json);
    }

    /// <summary>Every finished commit that the real client reported, as repo, id, hash of the tree object or null, and files.</summary>
    public static IEnumerable<(string Repo, string Id, string? Tree, JsonElement Files)> Commits(JsonDocument expected)
    {
        foreach (JsonElement repo in expected.RootElement.GetProperty("repos_in_list_order").EnumerateArray())
        {
            JsonElement commits = repo.GetProperty("commits");
            if (commits.ValueKind != JsonValueKind.Array)
            {
                continue;
            }

            foreach (JsonElement commit in commits.EnumerateArray())
            {
                if (commit.TryGetProperty("files", out JsonElement files) && files.ValueKind == JsonValueKind.Array)
                {
                    string? tree = commit.GetProperty("commit_info").TryGetProperty("tree", out JsonElement value)
                        ? value.GetProperty("hash").GetString()
                        : null;
                    yield return (repo.GetProperty("name").GetString()!, commit.GetProperty("id").GetString()!, tree, files);
                }
            }
        }
    }

    public void Dispose() => System.IO.Directory.Delete(Directory, recursive: true);

    // The extraction of the runtime refuses links with absolute targets, which is what the tags are.
    private static void Unpack(string archive, string target)
    {
        using GZipStream stream = new(File.OpenRead(archive), CompressionMode.Decompress);
        using TarReader reader = new(stream);
        while (reader.GetNextEntry() is { } entry)
        {
            string path = Path.Combine(target, entry.Name);
            switch (entry.EntryType)
            {
                case TarEntryType.Directory:
                    System.IO.Directory.CreateDirectory(path);
                    break;
                case TarEntryType.SymbolicLink:
                    File.CreateSymbolicLink(path, entry.LinkName);
                    break;
                default:
                    using (FileStream file = File.Create(path))
                    {
                        entry.DataStream?.CopyTo(file);
                    }

                    break;
            }
        }
    }
}
