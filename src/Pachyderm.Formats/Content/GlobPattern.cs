using System.Buffers;
using System.Text;
using Pachyderm.Errors;

namespace Pachyderm.Formats.Content;

/// <summary>
/// A glob of upstream: a pattern of Go's <c>path.Match</c> against a whole node path, after the pattern was given a leading slash and
/// cleaned (spec/pfs.md section 6). <c>*</c> matches a run without <c>/</c>, <c>?</c> one character but <c>/</c>, <c>[a-z]</c> and
/// <c>[^a-z]</c> one character, <c>\</c> takes the next one literally. There is no <c>**</c> and no <c>{a,b}</c>.
/// </summary>
public sealed class GlobPattern
{
    private readonly List<Token> _tokens;

    /// <summary>Cleans and splits a pattern. A malformed one is noticed only when a match reaches the bad part, as upstream does.</summary>
    public GlobPattern(string pattern)
    {
        ArgumentNullException.ThrowIfNull(pattern);
        Text = pattern;
        _tokens = Split(Encoding.UTF8.GetBytes(NodePath.Clean(pattern)));
    }

    private enum TokenKind
    {
        Literal,
        AnyRun,
        AnyOne,
        Class,
        Malformed,
    }

    /// <summary>The pattern as it was given.</summary>
    public string Text { get; }

    /// <summary>Whether a node path matches.</summary>
    /// <param name="path">The path: empty for the root, else with a leading slash.</param>
    /// <exception cref="OperatorException"><c>glob-malformed</c>: the match reached a malformed part.</exception>
    public bool Matches(ReadOnlySpan<byte> path)
    {
        int token = 0;
        int at = 0;
        int starToken = -1;
        int starAt = 0;
        while (true)
        {
            if (token == _tokens.Count && at == path.Length)
            {
                return true;
            }

            if (token < _tokens.Count && _tokens[token].Kind == TokenKind.AnyRun)
            {
                starToken = token++;
                starAt = at;
                continue;
            }

            if (token < _tokens.Count && at < path.Length && TryStep(_tokens[token], path[at..], out int width))
            {
                token++;
                at += width;
                continue;
            }

            // Let the last star take one byte more, but never a slash.
            if (starToken < 0 || starAt == path.Length || path[starAt] == (byte)'/')
            {
                return false;
            }

            at = ++starAt;
            token = starToken + 1;
        }
    }

    private static List<Token> Split(ReadOnlySpan<byte> pattern)
    {
        List<Token> tokens = [];
        while (!pattern.IsEmpty)
        {
            Token token = Next(ref pattern);
            tokens.Add(token);
            if (token.Kind == TokenKind.Malformed)
            {
                break;
            }
        }

        return tokens;
    }

    private static Token Next(ref ReadOnlySpan<byte> pattern)
    {
        byte first = pattern[0];
        pattern = pattern[1..];
        switch (first)
        {
            case (byte)'*':
                return new Token(TokenKind.AnyRun);
            case (byte)'?':
                return new Token(TokenKind.AnyOne);
            case (byte)'[':
                return ReadClass(ref pattern);
            case (byte)'\\':
                if (pattern.IsEmpty)
                {
                    return new Token(TokenKind.Malformed);
                }

                first = pattern[0];
                pattern = pattern[1..];
                return new Token(TokenKind.Literal, first);
            default:
                return new Token(TokenKind.Literal, first);
        }
    }

    private static Token ReadClass(ref ReadOnlySpan<byte> pattern)
    {
        bool negated = !pattern.IsEmpty && pattern[0] == (byte)'^';
        pattern = negated ? pattern[1..] : pattern;
        List<(int Low, int High)> ranges = [];
        while (ranges.Count == 0 || pattern.IsEmpty || pattern[0] != (byte)']')
        {
            if (!TryReadBound(ref pattern, out int low))
            {
                return new Token(TokenKind.Malformed);
            }

            int high = low;
            if (pattern[0] == (byte)'-')
            {
                pattern = pattern[1..];
                if (!TryReadBound(ref pattern, out high))
                {
                    return new Token(TokenKind.Malformed);
                }
            }

            ranges.Add((low, high));
        }

        pattern = pattern[1..];
        return new Token(TokenKind.Class, Ranges: [.. ranges], Negated: negated);
    }

    // One character of a class; something must follow it, at least the closing bracket.
    private static bool TryReadBound(ref ReadOnlySpan<byte> pattern, out int value)
    {
        value = 0;
        if (pattern.IsEmpty || pattern[0] is (byte)'-' or (byte)']')
        {
            return false;
        }

        if (pattern[0] == (byte)'\\')
        {
            pattern = pattern[1..];
        }

        if (Rune.DecodeFromUtf8(pattern, out Rune rune, out int width) != OperationStatus.Done)
        {
            return false;
        }

        value = rune.Value;
        pattern = pattern[width..];
        return !pattern.IsEmpty;
    }

    private bool TryStep(Token token, ReadOnlySpan<byte> path, out int width)
    {
        width = 1;
        switch (token.Kind)
        {
            case TokenKind.Literal:
                return path[0] == token.Literal;
            case TokenKind.AnyOne:
                width = Decode(path, out _);
                return path[0] != (byte)'/';
            case TokenKind.Class:
                width = Decode(path, out int value);
                return Array.Exists(token.Ranges!, range => range.Low <= value && value <= range.High) != token.Negated;
            default:
                throw new OperatorException(
                    "glob-malformed", $"glob \"{Text}\"", "is malformed", "close its brackets and escape its backslashes");
        }
    }

    private static int Decode(ReadOnlySpan<byte> path, out int value)
    {
        // A byte that is no UTF-8 counts as one replacement character.
        bool valid = Rune.DecodeFromUtf8(path, out Rune rune, out int width) == OperationStatus.Done;
        value = rune.Value;
        return valid ? width : 1;
    }

    private sealed record Token(TokenKind Kind, byte Literal = 0, (int Low, int High)[]? Ranges = null, bool Negated = false);
}
