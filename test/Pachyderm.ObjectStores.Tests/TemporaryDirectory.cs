namespace Pachyderm.ObjectStores.Tests;

/// <summary>A directory of its own for one test; in memory where the system has a place for that, since flushes cost nothing there.</summary>
public sealed class TemporaryDirectory : IDisposable
{
    private const string MemoryFileSystem = "/dev/shm";

    public string Path { get; } = Create();

    public string this[string relative] => System.IO.Path.Combine(Path, relative);

    public void Dispose() => Directory.Delete(Path, recursive: true);

    private static string Create()
    {
        if (!Directory.Exists(MemoryFileSystem))
        {
            return Directory.CreateTempSubdirectory("pachyderm-test-").FullName;
        }

        string path = System.IO.Path.Combine(MemoryFileSystem, "pachyderm-test-" + Guid.NewGuid().ToString("N"));
        return Directory.CreateDirectory(path).FullName;
    }
}
