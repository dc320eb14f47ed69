using System.Buffers;
using System.Text;

namespace Pachyderm.Storage.Trees.Globs;

/// <summary>A class of characters in a glob, such as <c>[a-z]</c>.</summary>
/// <param name="Negated">Whether the characters that are not in a range match.</param>
/// <param name="Ranges">Lowest and highest code point of each range; one that is the wrong way round matches nothing.</param>
internal sealed record GlobClass(bool Negated, IReadOnlyList<(int Low, int High)> Ranges)
{
    internal bool Matches(int character)
    {
        bool within = false;
        foreach ((int low, int high) in Ranges)
        {
            within |= character >= low && character <= high;
        }
        return within != Negated;
    }

    /// <summary>Takes the first character. A byte that begins none counts as one, U+FFFD.</summary>
    internal static (int Character, int Length) First(ReadOnlySpan<byte> text) =>
        Rune.DecodeFromUtf8(text, out Rune rune, out int length) == OperationStatus.Done
            ? (rune.Value, length)
            : (Rune.ReplacementChar.Value, 1);
}
