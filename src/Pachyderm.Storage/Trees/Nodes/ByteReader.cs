using System.Buffers.Binary;
using Pachyderm.Errors;
using Pachyderm.Storage.Content;

namespace Pachyderm.Storage.Trees.Nodes;

/// <summary>Reads the encoding of nodes and file contents; whatever does not fit ends in a <see cref="CorruptionException"/>.</summary>
/// <param name="source">The bytes.</param>
/// <param name="node">The node that they are, if they are one: for messages.</param>
internal ref struct ByteReader(ReadOnlySpan<byte> source, ChunkId? node = null)
{
    private readonly ReadOnlySpan<byte> source = source;

    internal int Position { get; private set; }

    internal readonly int Remaining => source.Length - Position;

    internal readonly ReadOnlySpan<byte> Since(int start) => source[start..Position];

    internal byte Byte() => Remaining > 0 ? source[Position++] : throw Damaged("it ends too early");

    internal ReadOnlySpan<byte> Bytes(int count)
    {
        if (count < 0 || count > Remaining)
        {
            throw Damaged("it ends too early");
        }
        Position += count;
        return source.Slice(Position - count, count);
    }

    internal ChunkId Id() => new(Bytes(ChunkId.Length));

    internal int Fixed32()
    {
        uint value = BinaryPrimitives.ReadUInt32LittleEndian(Bytes(sizeof(uint)));
        return value <= int.MaxValue ? (int)value : throw Damaged("a count is out of range");
    }

    /// <summary>A number in groups of seven bits, lowest first, in as few bytes as it needs.</summary>
    internal long Number()
    {
        ulong value = 0;
        for (int shift = 0; shift < 63; shift += 7)
        {
            byte group = Byte();
            value |= (ulong)(group & 0x7f) << shift;
            if (group < 0x80)
            {
                return group == 0 && shift > 0 ? throw Damaged("a number is longer than it needs to be") : (long)value;
            }
        }
        throw Damaged("a number is out of range");
    }

    /// <summary>A number that must be within bounds.</summary>
    internal int Number(int minimum, int maximum)
    {
        long value = Number();
        return value >= minimum && value <= maximum
            ? (int)value
            : throw Damaged($"it holds {value} where {minimum} to {maximum} are possible");
    }

    internal readonly CorruptionException Damaged(string problem) =>
        node is { } id
            ? NodeDamage.Of(id, problem)
            : new CorruptionException("tree-record-damaged", "a stored reference to files", problem, NodeDamage.Remedy);
}

/// <summary>The exception for a damaged node.</summary>
internal static class NodeDamage
{
    internal const string Remedy = "restore the store from a backup";

    internal static CorruptionException Of(ChunkId id, string problem) => new("tree-node-damaged", $"tree node {id}", problem, Remedy);
}
