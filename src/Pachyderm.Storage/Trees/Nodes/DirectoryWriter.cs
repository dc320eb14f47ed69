using Pachyderm.Storage.Content;

namespace Pachyderm.Storage.Trees.Nodes;

/// <summary>
/// Writes the nodes of a directory from its entries in order of their names, keeping one open node of each level. Whole nodes that are
/// stored already can be taken over where nodes of their level and below end anyway.
/// </summary>
internal sealed class DirectoryWriter(NodeShape shape)
{
    private readonly List<NodeBuilder> spare = [];
    private readonly List<NodeBuilder> levels = [];
    private IChunkWriter? writer;
    private bool takenOver;

    /// <summary>Begins a directory; one that was not finished is forgotten.</summary>
    internal void Begin(IChunkWriter target)
    {
        writer = target;
        takenOver = false;
        levels.Clear();
        OpenLevel();
    }

    internal ValueTask AddAsync(ReadOnlySpan<byte> name, FileContent file, CancellationToken cancellationToken) =>
        levels[0].Add(name, file) ? CloseAsync(0, cancellationToken) : default;

    internal ValueTask AddAsync(ReadOnlySpan<byte> name, DirectoryReference directory, CancellationToken cancellationToken) =>
        levels[0].Add(name, directory) ? CloseAsync(0, cancellationToken) : default;

    /// <summary>Adds an entry with its value as a node holds it.</summary>
    internal ValueTask AddValueAsync(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, CancellationToken cancellationToken) =>
        levels[0].AddValue(name, value) ? CloseAsync(0, cancellationToken) : default;

    /// <summary>Whether a node of a level would begin here, so that a stored one with the same entries would be the same.</summary>
    internal bool CanTakeOver(int level)
    {
        for (int i = Math.Min(level, levels.Count - 1); i >= 0; i--)
        {
            if (levels[i].Count > 0)
            {
                return false;
            }
        }
        return true;
    }

    /// <summary>Takes a stored node over. It must end where a node of its level ends, or be the last of its level.</summary>
    internal ValueTask TakeOverAsync(int level, ReadOnlySpan<byte> lastName, in ChildReference node, CancellationToken cancellationToken)
    {
        takenOver = true;
        return AddChild(level + 1, lastName, node) ? CloseAsync(level + 1, cancellationToken) : default;
    }

    /// <summary>Writes what is open and returns the top node.</summary>
    /// <returns>
    /// The node, and whether it was taken over: then it may have a single child, which its directory would have as its top node instead.
    /// </returns>
    internal async ValueTask<(ChildReference Top, bool TakenOver)> FinishAsync(CancellationToken cancellationToken)
    {
        for (int level = 0; ; level++)
        {
            NodeBuilder builder = levels[level];
            if (level == levels.Count - 1)
            {
                return level > 0 && builder.Count == 1
                    ? (builder.LastChild, takenOver)
                    : (await WriteAsync(builder, cancellationToken).ConfigureAwait(false), false);
            }
            if (builder.Count > 0)
            {
                await CloseAsync(level, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private async ValueTask CloseAsync(int level, CancellationToken cancellationToken)
    {
        bool ends = true;
        for (; ends; level++)
        {
            NodeBuilder builder = levels[level];
            ChildReference node = await WriteAsync(builder, cancellationToken).ConfigureAwait(false);
            ends = AddChild(level + 1, builder.LastName, node);
            builder.Clear();
        }
    }

    private async ValueTask<ChildReference> WriteAsync(NodeBuilder builder, CancellationToken cancellationToken)
    {
        if (builder.Count == 0)
        {
            return new ChildReference(NodeSource.EmptyNode.Id, 0, 0, 0);
        }
        ChunkId id = await writer!.PutAsync(builder.Finish(), cancellationToken).ConfigureAwait(false);
        return new ChildReference(id, builder.Size, builder.Files, builder.Entries);
    }

    private bool AddChild(int level, ReadOnlySpan<byte> lastName, in ChildReference node)
    {
        while (levels.Count <= level)
        {
            OpenLevel();
        }
        return levels[level].Add(lastName, node);
    }

    private void OpenLevel()
    {
        if (spare.Count == levels.Count)
        {
            spare.Add(new NodeBuilder(shape, levels.Count));
        }
        NodeBuilder builder = spare[levels.Count];
        builder.Clear();
        levels.Add(builder);
    }
}
