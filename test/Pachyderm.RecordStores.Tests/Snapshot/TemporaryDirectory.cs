namespace Pachyderm.RecordStores.Tests.Snapshot;

/// <summary>A directory that lives as long as a test.</summary>
internal sealed class TemporaryDirectory : IDisposable
{
    private readonly string _path = Directory.CreateTempSubdirectory("snapshot-test-").FullName;

    public string this[string name] => Path.Combine(_path, name);

    public IEnumerable<string?> Names => Directory.EnumerateFileSystemEntries(_path).Select(Path.GetFileName);

    public void Dispose() => Directory.Delete(_path, recursive: true);
}
