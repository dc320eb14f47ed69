using Pachyderm.Storage.Content;

namespace Pachyderm.Storage.Trees;

/// <summary>A file or a directory in a tree. Exactly one of <see cref="File"/> and <see cref="Directory"/> is set.</summary>
/// <param name="Path">Where it is, from the root of the tree.</param>
/// <param name="File">The content, if it is a file.</param>
/// <param name="Directory">The directory, if it is one.</param>
public sealed record TreeEntry(TreePath Path, FileContent? File, DirectoryReference? Directory)
{
    /// <summary>Whether it is a directory.</summary>
    public bool IsDirectory => Directory is not null;

    /// <summary>Bytes of the file, or of all files below the directory.</summary>
    public long Size => File?.Size ?? Directory!.Value.Size;

    /// <summary>Identifies the content.</summary>
    public ChunkId Hash => File?.Hash ?? Directory!.Value.Hash;
}
