using System.Runtime.CompilerServices;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Trees.Nodes;

namespace Pachyderm.Storage.Trees.Editing;

/// <summary>
/// Merges folded writes with the stored tree, each directory in one pass in order of names, its subdirectories before itself. Nodes of
/// entries that nothing was written to are taken over unread.
/// </summary>
internal sealed class TreeMerge(
    NodeSource nodes,
    NodeShape shape,
    IChunkWriter writer,
    Func<IReadOnlyList<FileContent>, CancellationToken, ValueTask<FileContent>> concatAsync,
    IReadOnlyList<TreeWrite> writes,
    CancellationToken cancellationToken)
{
    private readonly Stack<DirectoryWriter> spareWriters = new();

    /// <summary>The first conflict that was met; the result is of no use if there is one.</summary>
    internal Conflict? Conflict { get; private set; }

    /// <summary>Writes a directory as it is after the writes.</summary>
    /// <param name="path">Its path.</param>
    /// <param name="overlay">What was written to it.</param>
    /// <param name="stored">What is stored, if that counts.</param>
    internal async ValueTask<DirectoryReference> DirectoryAsync(TreePath path, OverlayNode overlay, DirectoryReference? stored)
    {
        if (!RuntimeHelpers.TryEnsureSufficientExecutionStack())
        {
            // Deep trees go on with an empty stack.
            await Task.Yield();
        }
        if (stored is { } unchanged && overlay.Children is not { Count: > 0 })
        {
            return unchanged;
        }
        DirectoryWriter target = spareWriters.TryPop(out DirectoryWriter? spare) ? spare : new DirectoryWriter(shape);
        target.Begin(writer);
        await MergeAsync(path, SortedNames.Of(overlay), stored, target).ConfigureAwait(false);
        (ChildReference top, bool takenOver) = await target.FinishAsync(cancellationToken).ConfigureAwait(false);
        spareWriters.Push(target);

        DirectoryReference result = new(top.Id, top.Id, top.Size, top.Files);
        if (takenOver)
        {
            TreeNode node = await nodes.ReadAsync(result, cancellationToken).ConfigureAwait(false);
            while (node is { Level: > 0, Count: 1 })
            {
                node = await nodes.ReadChildAsync(node, 0, cancellationToken).ConfigureAwait(false);
            }
            result = result with { Node = node.Id, Hash = node.Id };
        }
        return stored is { } same && same.Node == result.Node ? same : result;
    }

    private async ValueTask MergeAsync(
        TreePath path, KeyValuePair<ReadOnlyMemory<byte>, OverlayNode>[] edits, DirectoryReference? stored, DirectoryWriter target)
    {
        int next = 0;
        if (stored is { } directory)
        {
            DirectoryCursor cursor = await DirectoryCursor.OpenAsync(nodes, directory, cancellationToken).ConfigureAwait(false);
            while (!cursor.AtEnd)
            {
                int order = next == edits.Length ? 1 : edits[next].Key.Span.SequenceCompareTo(cursor.Name);
                if (cursor.AtNode)
                {
                    // What comes after the last node continues it, since only the directory's end ended it.
                    bool untouched = next == edits.Length || (order > 0 && !cursor.AtLast);
                    if (untouched && target.CanTakeOver(cursor.Level))
                    {
                        await target.TakeOverAsync(cursor.Level, cursor.Name, cursor.Child, cancellationToken).ConfigureAwait(false);
                        cursor.Advance();
                    }
                    else
                    {
                        await cursor.ExpandAsync(cancellationToken).ConfigureAwait(false);
                    }
                }
                else if (order > 0)
                {
                    await target.AddValueAsync(cursor.Name, cursor.Value, cancellationToken).ConfigureAwait(false);
                    cursor.Advance();
                }
                else
                {
                    await AddAsync(path, edits[next++], order == 0 ? cursor : null, target).ConfigureAwait(false);
                    if (order == 0)
                    {
                        cursor.Advance();
                    }
                }
            }
        }
        for (; next < edits.Length; next++)
        {
            await AddAsync(path, edits[next], stored: null, target).ConfigureAwait(false);
        }
    }

    /// <summary>Adds what is at a path that was written to.</summary>
    private ValueTask AddAsync(
        TreePath path, KeyValuePair<ReadOnlyMemory<byte>, OverlayNode> edit, DirectoryCursor? stored, DirectoryWriter target)
    {
        (ReadOnlyMemory<byte> name, OverlayNode node) = edit;
        if (stored is null)
        {
            return node is { First: { } file, More.Count: 0 } ? target.AddAsync(name.Span, file, cancellationToken)
                : node.Exists ? AddAsync(path, name, node, null, null, target)
                : default;
        }
        ReadOnlySpan<byte> value = stored.Value;
        bool isDirectory = EntryEncoding.IsDirectory(value);
        if (node.FileUse != OverlayNode.Never || node.DirectoryUse != OverlayNode.Never)
        {
            Conflict = Overlay.Earlier(Conflict, Overlay.Judge(node, path.Child(name.Span), isDirectory, writes));
        }
        return node.Gone ? (node.Exists ? AddAsync(path, name, node, null, null, target) : default)
            : isDirectory ? AddAsync(path, name, node, null, EntryEncoding.Directory(value), target)
            : AddAsync(path, name, node, EntryEncoding.File(value), null, target);
    }

    private async ValueTask AddAsync(
        TreePath path,
        ReadOnlyMemory<byte> name,
        OverlayNode node,
        FileContent? storedFile,
        DirectoryReference? storedDirectory,
        DirectoryWriter target)
    {
        if (node.First is { } first)
        {
            List<FileContent> parts = storedFile is null ? [first, .. node.More] : [storedFile, first, .. node.More];
            FileContent file = parts.Count == 1 ? first : await concatAsync(parts, cancellationToken).ConfigureAwait(false);
            EntryEncoding.Check(file);
            await target.AddAsync(name.Span, file, cancellationToken).ConfigureAwait(false);
        }
        else if (storedFile is not null)
        {
            // Something was removed below a file, where nothing can be. (Or put there: then the conflict is known by now.)
            await target.AddAsync(name.Span, storedFile, cancellationToken).ConfigureAwait(false);
        }
        else
        {
            DirectoryReference directory = await DirectoryAsync(path.Child(name.Span), node, storedDirectory).ConfigureAwait(false);
            await target.AddAsync(name.Span, directory, cancellationToken).ConfigureAwait(false);
        }
    }
}
