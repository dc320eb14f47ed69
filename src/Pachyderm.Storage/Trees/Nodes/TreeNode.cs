using Pachyderm.Storage.Content;

namespace Pachyderm.Storage.Trees.Nodes;

/// <summary>
/// A decoded node: a run of a directory's entries (level 0), or of nodes of the level below. Everything in it was checked when it was read,
/// so what is taken from it needs no more checks. Immutable.
/// </summary>
internal sealed class TreeNode
{
    private readonly byte[] names;
    private readonly byte[] values;
    private readonly (int Name, int Value)[] ends;

    internal TreeNode(ChunkId id, int level, byte[] names, byte[] values, (int Name, int Value)[] ends, long size, long files, long entries)
    {
        Id = id;
        Level = level;
        this.names = names;
        this.values = values;
        this.ends = ends;
        Size = size;
        Files = files;
        Entries = entries;
    }

    internal ChunkId Id { get; }

    /// <summary>0 for entries of the directory, else how many levels of nodes are below.</summary>
    internal int Level { get; }

    internal int Count => ends.Length;

    internal long Size { get; }

    internal long Files { get; }

    internal long Entries { get; }

    /// <summary>Memory that this takes, roughly.</summary>
    internal int Weight => 120 + names.Length + values.Length + 8 * ends.Length;

    internal ReadOnlySpan<byte> Name(int index)
    {
        int start = index == 0 ? 0 : ends[index - 1].Name;
        return names.AsSpan(start, ends[index].Name - start);
    }

    /// <summary>The encoded value of an entry.</summary>
    internal ReadOnlySpan<byte> Value(int index)
    {
        int start = index == 0 ? 0 : ends[index - 1].Value;
        return values.AsSpan(start, ends[index].Value - start);
    }

    internal ReadOnlySpan<byte> LastName => Count == 0 ? [] : Name(Count - 1);

    internal ChildReference Child(int index)
    {
        ByteReader reader = new(Value(index));
        return new ChildReference(reader.Id(), reader.Number(), reader.Number(), reader.Number());
    }

    internal ChunkId ChildId(int index) => new(Value(index));

    /// <summary>Index of the first entry whose name does not sort before this one; <see cref="Count"/> if all do.</summary>
    internal int LowerBound(ReadOnlySpan<byte> name)
    {
        int low = 0;
        int high = Count;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (Name(middle).SequenceCompareTo(name) < 0)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }
        return low;
    }
}
