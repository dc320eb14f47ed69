namespace Pachyderm.Bench.Measuring;

/// <summary>The files of a run, in a directory of their own that goes with it.</summary>
internal sealed class BenchFolder : IDisposable
{
    private readonly DirectoryInfo _directory;

    /// <summary>Makes the directory below <paramref name="parent"/>.</summary>
    public BenchFolder(string parent) => _directory = Directory.CreateDirectory(Path.Combine(parent, $"pachyderm-bench-{Guid.NewGuid():N}"));

    public string Root => _directory.FullName;

    /// <summary>The generated cluster.</summary>
    public string Snapshot => Path.Combine(Root, "cluster.snap");

    public string Output => Path.Combine(Root, "migrated.snap");

    public string Backup => Path.Combine(Root, "backup");

    public string Report => Path.Combine(Root, "report.json");

    /// <summary>Removes what a migration left, so that the next one begins anew.</summary>
    public void Clear()
    {
        foreach (FileInfo file in _directory.GetFiles("migrated.snap*"))
        {
            file.Delete();
        }

        if (Directory.Exists(Backup))
        {
            Directory.Delete(Backup, recursive: true);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _directory.Delete(recursive: true);
}
