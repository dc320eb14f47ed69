using Pachyderm.Storage.Content;
using Pachyderm.Storage.Trees.Nodes;

namespace Pachyderm.Storage.Trees;

/// <summary>
/// Builds a tree from its entries in order: the one that <see cref="TreeEditor"/> makes of the same content. Takes memory for the
/// directories above the last entry, however many entries come. Each path must come after the one before: a directory before what is in it,
/// the children of one in byte order of their names. After an error the builder is of no more use. Not safe for concurrent use.
/// </summary>
public sealed class TreeBuilder
{
    private readonly IChunkWriter writer;
    private readonly NodeShape shape;
    private readonly List<OpenDirectory> open = [];
    private readonly Stack<DirectoryWriter> spareWriters = new();
    private ChunkId? rootHash;
    private bool begun;

    /// <summary>Begins an empty tree.</summary>
    /// <param name="writer">Takes the nodes.</param>
    public TreeBuilder(IChunkWriter writer)
        : this(writer, NodeShape.Format1)
    {
    }

    internal TreeBuilder(IChunkWriter writer, NodeShape shape)
    {
        ArgumentNullException.ThrowIfNull(writer);
        this.writer = writer;
        this.shape = shape;
        Open(default, null);
    }

    /// <summary>Adds a file, and the directories above that did not come yet.</summary>
    /// <param name="path">Where it is; not the root.</param>
    /// <param name="content">Its content, with the hash of an older release if it has one.</param>
    /// <param name="cancellationToken">Stops the work.</param>
    /// <exception cref="ArgumentException">
    /// The path does not come after the last one, cannot be stored, or the content does not fit its size.
    /// </exception>
    public async ValueTask AddFileAsync(TreePath path, FileContent content, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(content);
        EntryEncoding.Check(content);
        if (path.IsRoot)
        {
            throw new ArgumentException("A file cannot be put at the root.", nameof(path));
        }
        await EnterAsync(path.Parent, path, cancellationToken).ConfigureAwait(false);
        Claim(open[^1], path, path.Name);
        await open[^1].Writer.AddAsync(path.Name.Span, content, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// Adds a directory, and those above that did not come yet. Only an empty one, or one with a hash of its own, needs to be added.
    /// </summary>
    /// <param name="path">Where it is; the root only as the first of all.</param>
    /// <param name="hash">Its hash, if it has one from an older release; else null.</param>
    /// <param name="cancellationToken">Stops the work.</param>
    /// <exception cref="ArgumentException">The path does not come after the last one, or cannot be stored.</exception>
    public async ValueTask AddDirectoryAsync(TreePath path, ChunkId? hash, CancellationToken cancellationToken)
    {
        if (path.IsRoot)
        {
            rootHash = begun ? throw OutOfOrder(path) : hash;
            begun = true;
            return;
        }
        await EnterAsync(path.Parent, path, cancellationToken).ConfigureAwait(false);
        Claim(open[^1], path, path.Name);
        Open(path.Name, hash);
    }

    /// <summary>Adds a directory that is stored already, with everything in it, and the directories above that did not come yet.</summary>
    /// <param name="path">Where it is; not the root.</param>
    /// <param name="directory">The directory.</param>
    /// <param name="cancellationToken">Stops the work.</param>
    /// <exception cref="ArgumentException">The path does not come after the last one, or cannot be stored.</exception>
    public async ValueTask AddStoredAsync(TreePath path, DirectoryReference directory, CancellationToken cancellationToken)
    {
        if (path.IsRoot)
        {
            throw new ArgumentException("A stored directory cannot be put at the root.", nameof(path));
        }
        await EnterAsync(path.Parent, path, cancellationToken).ConfigureAwait(false);
        Claim(open[^1], path, path.Name);
        await open[^1].Writer.AddAsync(path.Name.Span, directory, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Ends the tree.</summary>
    /// <returns>The tree; an empty one if nothing was added.</returns>
    public async Task<DirectoryReference> FinishAsync(CancellationToken cancellationToken)
    {
        await CloseAsync(1, cancellationToken).ConfigureAwait(false);
        DirectoryReference root = await FinishAsync(open[0], cancellationToken).ConfigureAwait(false);
        return rootHash is { } hash ? root with { Hash = hash } : root;
    }

    /// <summary>Closes directories and opens others, until the last open one is at a path.</summary>
    private async ValueTask EnterAsync(TreePath directory, TreePath entry, CancellationToken cancellationToken)
    {
        if (TreeLimits.Check(entry) is { } problem)
        {
            throw new ArgumentException($"{entry}: {problem}", nameof(entry));
        }
        begun = true;
        int depth = 1;
        NameSequence names = directory.Names();
        bool more = names.MoveNext();
        for (; more && depth < open.Count && names.Current.Span.SequenceEqual(open[depth].Name.Span); depth++)
        {
            more = names.MoveNext();
        }
        await CloseAsync(depth, cancellationToken).ConfigureAwait(false);
        for (; more; more = names.MoveNext())
        {
            Claim(open[^1], entry, names.Current);
            Open(names.Current, null);
        }
    }

    private static void Claim(OpenDirectory directory, TreePath path, ReadOnlyMemory<byte> name)
    {
        if (name.Span.SequenceCompareTo(directory.LastName.Span) <= 0)
        {
            throw OutOfOrder(path);
        }
        directory.LastName = name;
    }

    private static ArgumentException OutOfOrder(TreePath path) => new($"\"{path}\" does not come after the entry before.", nameof(path));

    private void Open(ReadOnlyMemory<byte> name, ChunkId? hash)
    {
        DirectoryWriter directory = spareWriters.TryPop(out DirectoryWriter? spare) ? spare : new DirectoryWriter(shape);
        directory.Begin(writer);
        open.Add(new OpenDirectory(name, hash, directory));
    }

    private async ValueTask CloseAsync(int depth, CancellationToken cancellationToken)
    {
        while (open.Count > depth)
        {
            OpenDirectory closed = open[^1];
            open.RemoveAt(open.Count - 1);
            DirectoryReference reference = await FinishAsync(closed, cancellationToken).ConfigureAwait(false);
            await open[^1].Writer.AddAsync(closed.Name.Span, reference, cancellationToken).ConfigureAwait(false);
            spareWriters.Push(closed.Writer);
        }
    }

    private static async ValueTask<DirectoryReference> FinishAsync(OpenDirectory directory, CancellationToken cancellationToken)
    {
        (ChildReference top, _) = await directory.Writer.FinishAsync(cancellationToken).ConfigureAwait(false);
        return new DirectoryReference(top.Id, directory.Hash ?? top.Id, top.Size, top.Files);
    }

    private sealed class OpenDirectory(ReadOnlyMemory<byte> name, ChunkId? hash, DirectoryWriter writer)
    {
        internal ReadOnlyMemory<byte> Name { get; } = name;

        internal ChunkId? Hash { get; } = hash;

        internal DirectoryWriter Writer { get; } = writer;

        internal ReadOnlyMemory<byte> LastName { get; set; }
    }
}
