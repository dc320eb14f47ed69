namespace Pachyderm.Storage.Trees;

/// <summary>
/// What a tree can hold. The readers of nodes refuse more, so whoever accepts a path from outside asks <see cref="Check"/> first.
/// </summary>
public static class TreeLimits
{
    /// <summary>Longest name in bytes.</summary>
    public const int MaximumNameLength = 65_535;

    /// <summary>Largest number of names in a path.</summary>
    public const int MaximumDepth = 1_024;

    /// <summary>Most chunks, or list nodes, that a file may name in place.</summary>
    public const int MaximumInlineChunks = 4_096;

    /// <summary>Most levels of list nodes below a file.</summary>
    public const int MaximumListDepth = 6;

    /// <summary>Largest encoded node in bytes, and the most bytes that all names in it may have together.</summary>
    internal const int MaximumNodeLength = 1 << 20;

    /// <summary>Highest level of an inner node; leaves have 0.</summary>
    internal const int MaximumLevel = 31;

    /// <summary>Tells whether a path can be stored.</summary>
    /// <param name="path">Any path.</param>
    /// <returns>Null if it can, else what is wrong with it, such as <c>it has a name of more than 65535 bytes</c>.</returns>
    public static string? Check(TreePath path)
    {
        int depth = 0;
        foreach (ReadOnlyMemory<byte> name in path.Names())
        {
            if (!IsName(name.Span))
            {
                return name.Length > MaximumNameLength
                    ? $"it has a name of more than {MaximumNameLength} bytes"
                    : "one of its names cannot be stored";
            }
            if (++depth > MaximumDepth)
            {
                return $"it has more than {MaximumDepth} names";
            }
        }
        return null;
    }

    /// <summary>
    /// Whether bytes can be the name of an entry: not empty, not too long, no slash, no null, and neither <c>.</c> nor <c>..</c>.
    /// </summary>
    internal static bool IsName(ReadOnlySpan<byte> name) =>
        name.Length is > 0 and <= MaximumNameLength
        && !name.ContainsAny((byte)'/', (byte)0)
        && !(name[0] == (byte)'.' && (name.Length == 1 || (name.Length == 2 && name[1] == (byte)'.')));
}
