using System.Globalization;
using Pachyderm.Storage.Content;

namespace Pachyderm.Pps.Identity;

/// <summary>
/// Names the result of processing a datum: four hexadecimal digits that all datums of a pipeline share, and the hash of what identifies the
/// datum. Tags of releases before 1.4.7 lack the four digits. Ordered as the text is, but tags without the digits come first.
/// </summary>
public readonly struct DatumTag : IEquatable<DatumTag>, IComparable<DatumTag>
{
    private const int PrefixDigits = 4;
    private const int NoPrefix = -1;

    // One more than the number, so that the default has no prefix.
    private readonly int prefix;

    /// <summary>Makes a tag.</summary>
    /// <param name="prefix">The number that the four digits stand for, or null.</param>
    /// <param name="hash">The hash of what identifies the datum.</param>
    public DatumTag(ushort? prefix, ChunkId hash)
    {
        this.prefix = (prefix ?? NoPrefix) + 1;
        Hash = hash;
    }

    /// <summary>The number that the four digits stand for; null if there are none.</summary>
    public ushort? Prefix => prefix == 0 ? null : (ushort)(prefix - 1);

    /// <summary>The hash of what identifies the datum.</summary>
    public ChunkId Hash { get; }

    /// <summary>The name of the datum's statistics.</summary>
    public string StatsName => $"{this}_stats";

    /// <summary>Reads 64 or 68 hexadecimal digits.</summary>
    public static bool TryParse(string? text, out DatumTag tag)
    {
        tag = default;
        const int HashDigits = 2 * ChunkId.Length;
        if (text is not { Length: HashDigits or HashDigits + PrefixDigits })
        {
            return false;
        }
        ushort? digits = null;
        if (text.Length > HashDigits)
        {
            ReadOnlySpan<char> front = text.AsSpan(0, PrefixDigits);
            if (!ushort.TryParse(front, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ushort number))
            {
                return false;
            }
            digits = number;
        }
        if (!ChunkId.TryParse(text[^HashDigits..], out ChunkId hash))
        {
            return false;
        }
        tag = new DatumTag(digits, hash);
        return true;
    }

    /// <inheritdoc/>
    public bool Equals(DatumTag other) => prefix == other.prefix && Hash == other.Hash;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is DatumTag other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => Hash.GetHashCode();

    /// <inheritdoc/>
    public int CompareTo(DatumTag other) => prefix == other.prefix ? Hash.CompareTo(other.Hash) : prefix.CompareTo(other.prefix);

    /// <summary>64 or 68 lower-case hexadecimal digits.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Prefix:x4}{Hash}");

    /// <summary>Whether two tags are the same.</summary>
    public static bool operator ==(DatumTag left, DatumTag right) => left.Equals(right);

    /// <summary>Whether two tags differ.</summary>
    public static bool operator !=(DatumTag left, DatumTag right) => !left.Equals(right);

    /// <summary>Whether the left tag sorts first.</summary>
    public static bool operator <(DatumTag left, DatumTag right) => left.CompareTo(right) < 0;

    /// <summary>Whether the left tag sorts last.</summary>
    public static bool operator >(DatumTag left, DatumTag right) => left.CompareTo(right) > 0;

    /// <summary>Whether the left tag does not sort last.</summary>
    public static bool operator <=(DatumTag left, DatumTag right) => left.CompareTo(right) <= 0;

    /// <summary>Whether the left tag does not sort first.</summary>
    public static bool operator >=(DatumTag left, DatumTag right) => left.CompareTo(right) >= 0;
}
