using System.Runtime.CompilerServices;
using Pachyderm.Pps.Outputs;
using Pachyderm.Storage.Trees;
using Pachyderm.Workers;

namespace Pachyderm.Scheduling;

/// <summary>The output of a datum's last run, with which the next one of an incremental pipeline begins.</summary>
/// <param name="trees">The store.</param>
/// <param name="root">The output.</param>
internal sealed class PreviousOutputTree(StoredTrees trees, DirectoryReference root) : IInputTree
{
    /// <inheritdoc/>
    public string Name => "out";

    /// <inheritdoc/>
    public bool Lazy => false;

    /// <inheritdoc/>
    public async IAsyncEnumerable<IInputFile> FilesAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (OutputEntry entry in EntriesAsync(cancellationToken))
        {
            if (entry.File is { } file)
            {
                yield return new StoredInputFile(trees.Contents, entry.Path.ToString(), file);
            }
        }
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<string> EmptyDirectoriesAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (OutputEntry entry in EntriesAsync(cancellationToken))
        {
            if (entry.File is null)
            {
                yield return entry.Path.ToString();
            }
        }
    }

    private IAsyncEnumerable<OutputEntry> EntriesAsync(CancellationToken cancellationToken) =>
        OutputEntry.FromTreeAsync(trees.Reader.WalkAsync(TreeReader.RootEntry(root), cancellationToken), cancellationToken);
}
