using Pachyderm.Errors;

namespace Pachyderm.ObjectStores;

/// <summary>The rules for keys, the same for every store.</summary>
public static class ObjectKey
{
    /// <summary>Longest key in UTF-16 units; what the clouds allow (1,024 bytes of UTF-8) for keys of ASCII.</summary>
    public const int MaxLength = 1024;

    /// <summary>Longest segment; what file systems allow for ASCII names.</summary>
    public const int MaxSegmentLength = 255;

    /// <summary>How the names of files under construction begin. No key may use it.</summary>
    public const string TemporaryPrefix = ".pachyderm-tmp-";

    /// <summary>Refuses a key that is no relative path of ordinary segments.</summary>
    /// <exception cref="OperatorException"><c>object-key-refused</c>.</exception>
    public static void Check(string key)
    {
        ArgumentNullException.ThrowIfNull(key);
        if (FindFault(key) is { } fault)
        {
            throw new OperatorException(
                "object-key-refused", Printable(key), fault, "use a relative path of ordinary segments joined by '/'");
        }
    }

    /// <summary>Whether <see cref="Check"/> accepts the key.</summary>
    public static bool IsValid(string key) => FindFault(key) is null;

    private static string? FindFault(string key)
    {
        if (key.Length is 0 or > MaxLength)
        {
            return $"a key must have 1 to {MaxLength} characters";
        }

        foreach (Range range in key.AsSpan().Split('/'))
        {
            ReadOnlySpan<char> segment = key.AsSpan(range);
            if (segment is "" or "." or ".." || segment.Length > MaxSegmentLength)
            {
                return "a key must not have empty, '.', '..' or overlong segments";
            }

            if (segment.StartsWith(TemporaryPrefix, StringComparison.Ordinal))
            {
                return $"names that begin with '{TemporaryPrefix}' are reserved";
            }
        }

        foreach (char unit in key)
        {
            // A backslash separates directories on one system and is an ordinary character on others.
            if (char.IsControl(unit) || unit is '\\' or '\uFFFD')
            {
                return "a key must not have control characters, backslashes or undecodable bytes";
            }
        }

        return HasLoneSurrogate(key) ? "a key must be well-formed Unicode" : null;
    }

    private static bool HasLoneSurrogate(string key)
    {
        for (int i = 0; i < key.Length; i++)
        {
            if (char.IsSurrogate(key[i]))
            {
                if (i + 1 == key.Length || !char.IsSurrogatePair(key[i], key[i + 1]))
                {
                    return true;
                }

                i++;
            }
        }

        return false;
    }

    private static string Printable(string key)
    {
        string cut = key.Length > 200 ? key[..200] + "..." : key;
        return $"object key \"{string.Create(cut.Length, cut, Blank)}\"";

        static void Blank(Span<char> target, string source)
        {
            source.CopyTo(target);
            foreach (ref char unit in target)
            {
                unit = char.IsControl(unit) || char.IsSurrogate(unit) ? '?' : unit;
            }
        }
    }
}
