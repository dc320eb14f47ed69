using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Pachyderm.Migration.Releases;

/// <summary>A release of Pachyderm: <c>1.4.8</c>, or <c>1.4.8-RC1</c> with a suffix, which does not change how data is stored.</summary>
/// <param name="Major">First number.</param>
/// <param name="Minor">Second number.</param>
/// <param name="Patch">Third number.</param>
/// <param name="Suffix">What follows the first hyphen; empty for a plain release.</param>
public readonly record struct ReleaseVersion(int Major, int Minor, int Patch, string Suffix = "") : IComparable<ReleaseVersion>
{
    /// <summary>Whether both belong to one release line, such as 1.4.</summary>
    public bool IsSameLineAs(ReleaseVersion other) => Major == other.Major && Minor == other.Minor;

    /// <summary>The release without its suffix.</summary>
    public ReleaseVersion Plain => this with { Suffix = "" };

    /// <summary>Reads <c>X.Y.Z</c> or <c>X.Y.Z-SUFFIX</c>, with or without a leading <c>v</c>.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out ReleaseVersion version)
    {
        version = default;
        if (string.IsNullOrWhiteSpace(text))
        {
            return false;
        }

        string rest = text.Trim();
        if (rest[0] == 'v')
        {
            rest = rest[1..];
        }

        int hyphen = rest.IndexOf('-', StringComparison.Ordinal);
        string suffix = hyphen < 0 ? "" : rest[(hyphen + 1)..];
        string[] numbers = (hyphen < 0 ? rest : rest[..hyphen]).Split('.');
        if (numbers.Length != 3
            || (hyphen >= 0 && suffix.Length == 0)
            || !TryNumber(numbers[0], out int major)
            || !TryNumber(numbers[1], out int minor)
            || !TryNumber(numbers[2], out int patch))
        {
            return false;
        }

        version = new ReleaseVersion(major, minor, patch, suffix);
        return true;
    }

    /// <summary>Orders by the three numbers. A suffix does not count: it does not change the stored format.</summary>
    public int CompareTo(ReleaseVersion other) => (Major, Minor, Patch).CompareTo((other.Major, other.Minor, other.Patch));

    /// <summary>Whether <paramref name="left"/> is older.</summary>
    public static bool operator <(ReleaseVersion left, ReleaseVersion right) => left.CompareTo(right) < 0;

    /// <summary>Whether <paramref name="left"/> is newer.</summary>
    public static bool operator >(ReleaseVersion left, ReleaseVersion right) => left.CompareTo(right) > 0;

    /// <summary>Whether <paramref name="left"/> is older or of the same number.</summary>
    public static bool operator <=(ReleaseVersion left, ReleaseVersion right) => left.CompareTo(right) <= 0;

    /// <summary>Whether <paramref name="left"/> is newer or of the same number.</summary>
    public static bool operator >=(ReleaseVersion left, ReleaseVersion right) => left.CompareTo(right) >= 0;

    /// <inheritdoc/>
    public override string ToString() => Suffix.Length == 0
        ? string.Create(CultureInfo.InvariantCulture, $"{Major}.{Minor}.{Patch}")
        : string.Create(CultureInfo.InvariantCulture, $"{Major}.{Minor}.{Patch}-{Suffix}");

    private static bool TryNumber(string text, out int number) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
}
