using Pachyderm.Errors;
using Pachyderm.ObjectStores;

namespace Pachyderm.Migration.Steps.Native;

/// <summary>Keeps a data directory for one import at a time, by a lock that goes with the process, however that ends.</summary>
internal sealed class DirectoryFence : IDisposable
{
    private const string Name = "import.lock";

    private readonly string path;
    private readonly FileStream file;

    private DirectoryFence(string path, FileStream file) => (this.path, this.file) = (path, file);

    /// <summary>Takes the fence, and creates the directory if it is missing.</summary>
    /// <exception cref="OperatorException"><c>fence-held</c>: another process has it; or the directory cannot be written.</exception>
    public static DirectoryFence Acquire(string data)
    {
        string lockFile = Path.Combine(data, Name);
        try
        {
            DurableFiles.CreateDirectory(data);
            return new DirectoryFence(lockFile, new FileStream(lockFile, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (IOException exception) when (File.Exists(lockFile))
        {
            throw new OperatorException(
                "fence-held", data, "another process imports into it, or undoes an import", "wait for it, or end it", exception);
        }
        catch (Exception exception) when (StorageErrors.IsStorageFailure(exception))
        {
            throw StorageErrors.Translate(exception, data);
        }
    }

    /// <summary>Whether a name in a data directory is the fence's.</summary>
    public static bool Is(string name) => name == Name;

    /// <inheritdoc/>
    public void Dispose()
    {
        File.Delete(path);
        file.Dispose();
    }
}
