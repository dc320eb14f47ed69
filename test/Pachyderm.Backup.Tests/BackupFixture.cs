using System.Text.Json;
using Pachyderm.Formats.Content;
using Pachyderm.ObjectStores;
using Pachyderm.ObjectStores.Tests;
using Pachyderm.Tests;

namespace Pachyderm.Backup.Tests;

/// <summary>A genuine cluster and an empty place for a repository.</summary>
public sealed class BackupFixture : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public BackupFixture(string set = "pachyderm-1.4.8-small", string archive = "object-store.tar.gz")
    {
        Content = new FixtureContent(set, archive);
        Snapshot = Path.Combine(FixtureContent.FixtureDirectory(set), "etcd.snap");
        Store = new LocalObjectStore(_directory["repository"]);
    }

    public FixtureContent Content { get; }

    public string Snapshot { get; }

    public LocalObjectStore Store { get; }

    public static CancellationToken Token => TestContext.Current.CancellationToken;

    public string this[string relative] => _directory[relative];

    public Task<BackupRepository> OpenAsync(string? passphrase = null, IObjectStore? store = null, TimeProvider? time = null) =>
        BackupRepository.OpenOrCreateAsync(store ?? Store, passphrase, time, Token);

    public async Task<BackupRequest> RequestAsync(string? name = null) => new()
    {
        Name = name,
        Source = "a genuine cluster",
        Metadata = new MetadataSource("snapshot etcd.snap", 1234, 99, async (stream, token) =>
        {
            await using FileStream file = File.OpenRead(Snapshot);
            await file.CopyToAsync(stream, token);
        }),
        Content = await LegacyContentStore.OpenAsync(Content.Root, Token),
    };

    /// <summary>The trees of every commit that the real client reported.</summary>
    public async IAsyncEnumerable<ObjectReference> TreesAsync()
    {
        using JsonDocument expected = FixtureContent.Expected(Content.Set);
        foreach ((string repo, string id, string? tree, _) in FixtureContent.Commits(expected))
        {
            if (tree is not null)
            {
                yield return new ObjectReference(tree, $"commit {repo}@{id}");
            }
        }

        await Task.CompletedTask;
    }

    /// <summary>Every file, link and directory below a directory, with its content or target.</summary>
    public static SortedDictionary<string, string> Describe(string directory)
    {
        SortedDictionary<string, string> entries = new(StringComparer.Ordinal);
        foreach (FileSystemInfo entry in new DirectoryInfo(directory).EnumerateFileSystemInfos("*", SearchOption.AllDirectories))
        {
            entries[Path.GetRelativePath(directory, entry.FullName)] =
                entry.LinkTarget is { } target ? "-> " + target
                : entry is DirectoryInfo ? "directory"
                : Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(entry.FullName)));
        }

        return entries;
    }

    public string[] RepositoryFiles(string below = "") =>
        [.. Directory.GetFiles(Path.Combine(Store.RootPath, below), "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];

    public void Dispose()
    {
        Content.Dispose();
        _directory.Dispose();
    }
}
