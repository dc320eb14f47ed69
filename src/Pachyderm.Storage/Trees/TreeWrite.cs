using System.Collections.Immutable;
using Pachyderm.Storage.Content;

namespace Pachyderm.Storage.Trees;

/// <summary>One write to a tree, as an open commit collects them; they are applied in order.</summary>
/// <param name="Path">What is written. <see cref="TreePath.Root"/> not for <see cref="PutFile"/>.</param>
public abstract record TreeWrite(TreePath Path);

/// <summary>Appends to a file, or creates it with the directories above.</summary>
/// <param name="Path">The file.</param>
/// <param name="Content">What is appended.</param>
/// <param name="Overwrite">Whether what was at the path, file or directory, is removed first.</param>
public sealed record PutFile(TreePath Path, FileContent Content, bool Overwrite) : TreeWrite(Path);

/// <summary>
/// Adds files to a directory, named by 16 lower-case hexadecimal digits that go on after the directory's last child (spec/pfs.md section
/// 4). Without contents nothing happens, except the removal if <paramref name="Overwrite"/> is set.
/// </summary>
/// <param name="Path">The directory; created if missing.</param>
/// <param name="Contents">The files in order.</param>
/// <param name="Overwrite">Whether what was at the path is removed first.</param>
public sealed record PutSplit(TreePath Path, ImmutableArray<FileContent> Contents, bool Overwrite) : TreeWrite(Path);

/// <summary>Makes a directory, with those above; one that is there stays as it is.</summary>
/// <param name="Path">The directory.</param>
public sealed record PutDirectory(TreePath Path) : TreeWrite(Path);

/// <summary>
/// Removes a file or a whole directory; removing what is not there is no error. Of the root, everything in it is removed.
/// </summary>
/// <param name="Path">What is removed.</param>
public sealed record DeletePath(TreePath Path) : TreeWrite(Path);
