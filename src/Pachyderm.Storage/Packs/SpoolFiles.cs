using Microsoft.Win32.SafeHandles;
using Pachyderm.ObjectStores;

namespace Pachyderm.Storage.Packs;

/// <summary>The calls by which the spool changes files, in one place so that tests let each of them fail.</summary>
internal class SpoolFiles
{
    /// <summary>Creates a file.</summary>
    public virtual SafeFileHandle Create(string path) =>
        File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);

    /// <summary>Writes pieces one after the other.</summary>
    public virtual void Write(SafeFileHandle file, IReadOnlyList<ReadOnlyMemory<byte>> pieces, long offset) =>
        RandomAccess.Write(file, pieces, offset);

    /// <summary>Cuts a file.</summary>
    public virtual void SetLength(SafeFileHandle file, long length) => RandomAccess.SetLength(file, length);

    /// <summary>Makes what was written durable.</summary>
    public virtual void Flush(SafeFileHandle file) => RandomAccess.FlushToDisk(file);

    /// <summary>Makes the names in a directory durable.</summary>
    public virtual void FlushDirectory(string path) => DurableFiles.FlushDirectory(path);
}
