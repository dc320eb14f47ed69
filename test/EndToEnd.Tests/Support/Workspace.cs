using System.Security.Cryptography;
using Pachyderm.Tests;

namespace Pachyderm.EndToEnd.Tests.Support;

/// <summary>A directory of its own for one test, with copies of a genuine cluster's stores. Goes with the test.</summary>
public sealed class Workspace : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("pachyderm-e2e-");
    private FixtureContent? _content;

    /// <summary>Copies the snapshot of a set.</summary>
    /// <param name="set">The set, such as <see cref="Sets.Small"/>.</param>
    /// <param name="withStorage">Whether the storage root is unpacked, too.</param>
    public Workspace(string set = Sets.Small, bool withStorage = false)
    {
        Set = set;
        File.Copy(Sets.Snapshot(set), Source);
        if (withStorage)
        {
            _content = new FixtureContent(set);
        }
    }

    /// <summary>The set that was copied.</summary>
    public string Set { get; }

    /// <summary>The directory.</summary>
    public string Root => _directory.FullName;

    /// <summary>The source snapshot.</summary>
    public string Source => this["etcd.snap"];

    /// <summary>Where migrated snapshots go.</summary>
    public string Output => this["migrated.snap"];

    /// <summary>The backup repository.</summary>
    public string Backups => this["backups"];

    /// <summary>The storage root.</summary>
    public string Storage => _content?.Root ?? throw new InvalidOperationException("this workspace was made without a storage root");

    /// <summary>A path in the directory.</summary>
    public string this[string name] => Path.Combine(Root, name);

    /// <summary>What a migration of the snapshot is called with.</summary>
    public string[] SnapshotArguments => ["--snapshot", Source, "--out", Output, "--backup", Backups];

    /// <summary>What a migration of a live store is called with.</summary>
    public string[] EtcdArguments(string endpoint) => ["--etcd", endpoint, "--backup", Backups];

    /// <summary>What every file of a tree is: its path, and the SHA-256 of its content or the target of the link.</summary>
    public static SortedDictionary<string, string> FilesOf(string directory)
    {
        SortedDictionary<string, string> files = new(StringComparer.Ordinal);
        foreach (string path in Directory.EnumerateFileSystemEntries(directory, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.None }))
        {
            FileInfo file = new(path);
            files[Path.GetRelativePath(directory, path)] = file switch
            {
                { LinkTarget: { } target } => $"-> {target}",
                { Exists: true } => Hash(path),
                _ => "directory",
            };
        }

        return files;
    }

    /// <summary>SHA-256 of a file and when it was last written.</summary>
    public static string Stamp(string path) => $"{Hash(path)} {File.GetLastWriteTimeUtc(path):O}";

    /// <summary>SHA-256 of a file.</summary>
    public static string Hash(string path)
    {
        using FileStream stream = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _content?.Dispose();
        _content = null;
        _directory.Delete(recursive: true);
    }
}
