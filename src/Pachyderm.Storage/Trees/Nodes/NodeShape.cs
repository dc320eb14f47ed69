using System.IO.Hashing;

namespace Pachyderm.Storage.Trees.Nodes;

/// <summary>
/// Where nodes end. The rule looks only at the entries since the node's first one, so the same entries are always cut alike. It looks at
/// names alone, until a node is so large that its bytes count: a change of values does not move ends in directories of ordinary files.
/// </summary>
/// <param name="Bits">A name ends a node with a probability of one in two to the power of this.</param>
/// <param name="LeafMinimum">A leaf with fewer entries does not end there, which makes sizes more even.</param>
/// <param name="InnerMinimum">The same for inner nodes; at least 2, so that each level is smaller than the one below.</param>
/// <param name="MaximumEntries">A node with as many entries ends, whatever the name.</param>
/// <param name="MaximumBytes">A node whose names and values together have as many bytes ends.</param>
internal sealed record NodeShape(int Bits, int LeafMinimum, int InnerMinimum, int MaximumEntries, int MaximumBytes)
{
    /// <summary>The shape of format 1. Part of the format: another one gives other nodes for the same directory.</summary>
    internal static NodeShape Format1 { get; } =
        new(Bits: 5, LeafMinimum: 64, InnerMinimum: 64, MaximumEntries: 1_024, MaximumBytes: 256 << 10);

    internal bool EndsAfter(ReadOnlySpan<byte> name, int level, int entries, int bytes)
    {
        int minimum = level == 0 ? LeafMinimum : InnerMinimum;
        if (level > 0 && entries < 2)
        {
            return false;
        }
        if (entries >= MaximumEntries || bytes >= MaximumBytes)
        {
            return true;
        }
        // Each level takes bits of its own; where they are used up, only size ends a node.
        int shift = level * Bits;
        return entries >= minimum && shift + Bits <= 64 && (XxHash3.HashToUInt64(name) >> shift & ((1UL << Bits) - 1)) == 0;
    }
}
