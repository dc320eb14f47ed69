namespace Pachyderm.Storage.Trees.Globs;

/// <summary>The part of a glob that one name of a path has to match.</summary>
/// <param name="tokens">What it consists of.</param>
internal sealed class GlobName(IReadOnlyList<GlobToken> tokens)
{
    /// <summary>The bytes that a matching name begins with.</summary>
    internal byte[] Prefix { get; } = [.. tokens.TakeWhile(token => token.Kind == GlobTokenKind.Byte).Select(token => token.Literal)];

    /// <summary>Whether only one name matches, <see cref="Prefix"/>.</summary>
    internal bool IsLiteral => Prefix.Length == tokens.Count;

    /// <summary>Whether a name matches. Takes at most the product of the two lengths.</summary>
    internal bool Matches(ReadOnlySpan<byte> name)
    {
        int token = 0;
        int position = 0;
        int starToken = -1;
        int starEnd = 0;
        while (token < tokens.Count || position < name.Length)
        {
            if (token < tokens.Count && tokens[token].Kind == GlobTokenKind.Star)
            {
                // What follows the last star is tried first where the star takes nothing, then further on.
                (starToken, starEnd) = (token++, position);
            }
            else if (token < tokens.Count && tokens[token].Take(name[position..]) is > 0 and int taken)
            {
                token++;
                position += taken;
            }
            else if (starToken >= 0 && starEnd < name.Length)
            {
                position = ++starEnd;
                token = starToken + 1;
            }
            else
            {
                return false;
            }
        }
        return true;
    }
}

/// <summary>The kinds of <see cref="GlobToken"/>.</summary>
internal enum GlobTokenKind
{
    /// <summary>This byte.</summary>
    Byte,

    /// <summary>Any one character.</summary>
    Any,

    /// <summary>One character of a class.</summary>
    Class,

    /// <summary>Any bytes, or none.</summary>
    Star,
}

/// <summary>A piece of a glob.</summary>
/// <param name="Kind">What it matches.</param>
/// <param name="Literal">The byte, if it is one.</param>
/// <param name="Class">The class, if it is one.</param>
internal readonly record struct GlobToken(GlobTokenKind Kind, byte Literal = 0, GlobClass? Class = null)
{
    /// <summary>How many bytes this takes from the front of some text; 0 if it does not match there. Not for a star.</summary>
    internal int Take(ReadOnlySpan<byte> text)
    {
        if (text.IsEmpty)
        {
            return 0;
        }
        if (Kind == GlobTokenKind.Byte)
        {
            return text[0] == Literal ? 1 : 0;
        }
        (int character, int length) = GlobClass.First(text);
        return Class is null || Class.Matches(character) ? length : 0;
    }
}
