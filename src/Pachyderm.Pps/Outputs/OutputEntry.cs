using System.Runtime.CompilerServices;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Trees;

namespace Pachyderm.Pps.Outputs;

/// <summary>Something that a program left in <c>/pfs/out</c>.</summary>
/// <param name="Path">Where it is, from there.</param>
/// <param name="File">Its content; null if it is an empty directory.</param>
public readonly record struct OutputEntry(TreePath Path, FileContent? File)
{
    /// <summary>What is in the output of a datum: its files, and those directories that have nothing in them.</summary>
    /// <param name="entries">The whole tree, each directory before what is in it.</param>
    /// <param name="cancellationToken">Ends the walk.</param>
    public static async IAsyncEnumerable<OutputEntry> FromTreeAsync(
        IAsyncEnumerable<TreeEntry> entries, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(entries);
        TreePath? open = null;
        await foreach (TreeEntry entry in entries.WithCancellation(cancellationToken))
        {
            if (open is { IsRoot: false } directory && entry.Path.Parent != directory)
            {
                yield return new OutputEntry(directory, null);
            }
            open = entry.IsDirectory ? entry.Path : null;
            if (entry.File is { } file)
            {
                yield return new OutputEntry(entry.Path, file);
            }
        }
        if (open is { IsRoot: false } last)
        {
            yield return new OutputEntry(last, null);
        }
    }

    /// <summary>The write that puts it into a tree, behind what is there.</summary>
    internal TreeWrite ToWrite() => File is { } file ? new PutFile(Path, file, Overwrite: false) : new PutDirectory(Path);
}
