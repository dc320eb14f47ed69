using Pachyderm.Storage.Content;

namespace Pachyderm.Storage.Trees.Editing;

/// <summary>
/// What writes did at one path. It says nothing about what is stored there unless <see cref="Gone"/> is set; a node without file that is no
/// directory either only leads to removals below it.
/// </summary>
internal sealed class OverlayNode(bool gone)
{
    /// <summary>No write.</summary>
    internal const int Never = int.MaxValue;

    private List<FileContent>? more;

    /// <summary>Whether what is stored at this path, and below, is removed.</summary>
    internal bool Gone { get; private set; } = gone;

    /// <summary>Whether something was put below, which makes this a directory.</summary>
    internal bool IsDirectory { get; private set; }

    /// <summary>What was put here first since the last removal, if anything.</summary>
    internal FileContent? First { get; private set; }

    /// <summary>What was put here after <see cref="First"/>.</summary>
    internal IReadOnlyList<FileContent> More => more ?? [];

    /// <summary>Number of the first write that is in conflict with a directory stored here.</summary>
    internal int FileUse { get; private set; } = Never;

    /// <summary>Number of the first write that is in conflict with a file stored here.</summary>
    internal int DirectoryUse { get; private set; } = Never;

    internal Dictionary<ReadOnlyMemory<byte>, OverlayNode>? Children { get; private set; }

    /// <summary>Where splits go on, once there was one into this directory.</summary>
    internal SplitPosition? Split { get; set; }

    /// <summary>Whether this exists whatever is stored.</summary>
    internal bool Exists => First is not null || IsDirectory;

    internal OverlayNode? Find(ReadOnlyMemory<byte> name) => Children?.GetValueOrDefault(name);

    internal OverlayNode GetOrAdd(ReadOnlyMemory<byte> name)
    {
        Children ??= new(NameComparer.Instance);
        if (!Children.TryGetValue(name, out OverlayNode? child))
        {
            child = new OverlayNode(Gone);
            Children.Add(name, child);
        }
        return child;
    }

    internal void BecomeDirectory(int write)
    {
        if (!IsDirectory)
        {
            IsDirectory = true;
            DirectoryUse = Gone ? DirectoryUse : Math.Min(DirectoryUse, write);
        }
    }

    internal void Append(FileContent content, int write)
    {
        if (First is null)
        {
            First = content;
            // Removals below were of nothing, as this is no directory.
            Children = null;
            FileUse = Gone ? FileUse : Math.Min(FileUse, write);
        }
        else
        {
            (more ??= []).Add(content);
        }
    }

    /// <summary>Removes what is here, stored or written.</summary>
    /// <returns>The children that writes made, whose uses of what is stored are still to be judged.</returns>
    internal Dictionary<ReadOnlyMemory<byte>, OverlayNode>? Remove()
    {
        Dictionary<ReadOnlyMemory<byte>, OverlayNode>? children = Children;
        Gone = true;
        IsDirectory = false;
        First = null;
        more = null;
        Children = null;
        Split = null;
        return children;
    }
}
