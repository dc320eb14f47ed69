using Pachyderm.Storage.Content;

namespace Pachyderm.Storage.Trees.Nodes;

/// <summary>Writes one node after the other of one level, entry by entry.</summary>
internal sealed class NodeBuilder
{
    private readonly ByteBuffer bytes = new(8 << 10);
    private readonly ByteBuffer lastName = new(64);
    private readonly NodeShape shape;
    private readonly int level;
    private int weight;

    internal NodeBuilder(NodeShape shape, int level)
    {
        this.shape = shape;
        this.level = level;
        Clear();
    }

    /// <summary>Entries of the node so far.</summary>
    internal int Count { get; private set; }

    /// <summary>The child that was added last.</summary>
    internal ChildReference LastChild { get; private set; }

    internal ReadOnlySpan<byte> LastName => lastName.Span;

    internal long Size { get; private set; }

    internal long Files { get; private set; }

    internal long Entries { get; private set; }

    /// <summary>The node's bytes, until it is cleared.</summary>
    internal ReadOnlyMemory<byte> Finish()
    {
        bytes.Fixed32At(NodeFormat.CountPosition, Count);
        return bytes.Memory;
    }

    internal void Clear()
    {
        bytes.Clear();
        NodeFormat.WriteHeader(bytes, level);
        lastName.Clear();
        Count = 0;
        weight = 0;
        (Size, Files, Entries) = (0, 0, 0);
    }

    /// <summary>Adds a file and tells whether the node ends with it.</summary>
    internal bool Add(ReadOnlySpan<byte> name, FileContent file)
    {
        int start = BeginEntry(name);
        EntryEncoding.Write(bytes, file);
        return EndEntry(start, name, file.Size, 1, 1);
    }

    /// <inheritdoc cref="Add(ReadOnlySpan{byte}, FileContent)"/>
    internal bool Add(ReadOnlySpan<byte> name, DirectoryReference directory)
    {
        int start = BeginEntry(name);
        EntryEncoding.Write(bytes, directory);
        return EndEntry(start, name, directory.Size, directory.Files, 1);
    }

    /// <inheritdoc cref="Add(ReadOnlySpan{byte}, FileContent)"/>
    internal bool AddValue(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        ByteReader reader = new(value);
        EntryEncoding.Skip(ref reader, out long size, out long files);
        int start = BeginEntry(name);
        bytes.Bytes(value);
        return EndEntry(start, name, size, files, 1);
    }

    /// <inheritdoc cref="Add(ReadOnlySpan{byte}, FileContent)"/>
    internal bool Add(ReadOnlySpan<byte> name, in ChildReference child)
    {
        int start = BeginEntry(name);
        bytes.Id(child.Id);
        bytes.Number(child.Size);
        bytes.Number(child.Files);
        bytes.Number(child.Entries);
        LastChild = child;
        return EndEntry(start, name, child.Size, child.Files, child.Entries);
    }

    private int BeginEntry(ReadOnlySpan<byte> name)
    {
        int shared = lastName.Span.CommonPrefixLength(name);
        bytes.Number(shared);
        bytes.Number(name.Length - shared);
        bytes.Bytes(name[shared..]);
        lastName.Clear();
        lastName.Bytes(name);
        return bytes.Length;
    }

    private bool EndEntry(int start, ReadOnlySpan<byte> name, long size, long files, long entries)
    {
        // Whole names count, not what they do not share, so that what a decoded node takes is bounded, too.
        weight += name.Length + (bytes.Length - start);
        Count++;
        Size = checked(Size + size);
        Files = checked(Files + files);
        Entries = checked(Entries + entries);
        return shape.EndsAfter(name, level, Count, weight);
    }
}
