namespace Pachyderm.ObjectStores;

/// <summary>
/// Orders strings as the bytes of their UTF-8 form, which is how object stores list keys. It differs from the order of UTF-16 units
/// only where a surrogate pair meets a character from U+E000 on.
/// </summary>
public sealed class Utf8Order : IComparer<string>
{
    private Utf8Order()
    {
    }

    /// <summary>The only instance.</summary>
    public static Utf8Order Instance { get; } = new();

    /// <summary>Compares two strings; null is before everything.</summary>
    public int Compare(string? x, string? y)
    {
        if (x is null || y is null)
        {
            return (x is null ? 0 : 1) - (y is null ? 0 : 1);
        }

        ReadOnlySpan<char> left = x;
        ReadOnlySpan<char> right = y;
        int same = left.CommonPrefixLength(right);
        return same == left.Length || same == right.Length
            ? left.Length.CompareTo(right.Length)
            : Rank(left[same]).CompareTo(Rank(right[same]));
    }

    // Surrogates stand for code points above all others, yet their units lie below U+E000..U+FFFF.
    private static int Rank(char unit) => char.IsSurrogate(unit) ? unit + 0x10000 : unit;
}
