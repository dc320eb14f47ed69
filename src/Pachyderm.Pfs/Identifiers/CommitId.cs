namespace Pachyderm.Pfs;

/// <summary>The identifier of a commit, unique within its repo: a random UUID (version 4) without dashes.</summary>
/// <param name="Value">32 hexadecimal digits in every commit of this release and of 1.4 and 1.5.</param>
public readonly record struct CommitId(string Value)
{
    /// <summary>Number of characters of an identifier.</summary>
    public const int Length = 32;

    /// <summary>Whether it is what <see cref="Create"/> could have made.</summary>
    public bool IsCanonical => IsIdentifier(Value ?? "") && Value!.All(char.IsAsciiHexDigitLower);

    /// <summary>A new identifier.</summary>
    public static CommitId Create() => new(Guid.NewGuid().ToString("N"));

    /// <summary>Whether a text has the form of an identifier: 32 characters with the UUID's version at its place.</summary>
    public static bool IsIdentifier(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return text.Length == Length && text[12] == '4';
    }

    /// <inheritdoc/>
    public override string ToString() => Value ?? "";
}
