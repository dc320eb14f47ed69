using System.Diagnostics.CodeAnalysis;
using System.Text;
using Pachyderm.Storage.Trees.Globs;

namespace Pachyderm.Storage.Trees;

/// <summary>
/// A pattern for whole paths, as Go's <c>path.Match</c> has it (spec/pfs.md section 6): <c>*</c> any characters of a name, <c>?</c> one,
/// <c>[a-z]</c> and <c>[^a-z]</c> one of a class, <c>\</c> takes the next character literally. No <c>**</c>, no <c>{a,b}</c>; no part
/// matches a slash.
/// </summary>
public sealed class GlobPattern
{
    private readonly string text;

    private GlobPattern(string text, List<GlobName> names)
    {
        this.text = text;
        Names = names;
    }

    /// <summary>What each name of a matching path has to match; empty for the pattern of the root.</summary>
    internal IReadOnlyList<GlobName> Names { get; }

    /// <summary>
    /// Reads a pattern. It is cleaned like a path first, whether or not it begins with a slash, so <c>""</c>, <c>/</c> and <c>.</c> are the
    /// root. All of it is checked here, also what no path would reach.
    /// </summary>
    /// <param name="text">Any text.</param>
    /// <param name="pattern">The pattern, unless it is malformed.</param>
    /// <param name="problem">One line for the caller if it is malformed.</param>
    public static bool TryParse(string text, [NotNullWhen(true)] out GlobPattern? pattern, [NotNullWhen(false)] out string? problem)
    {
        ArgumentNullException.ThrowIfNull(text);
        string[] cleaned = TreePath.CleanNames(text);
        List<GlobName> names = [];
        if (cleaned.Length > 0 && !new GlobParser(Encoding.UTF8.GetBytes(string.Join('/', cleaned))).TryParse(names))
        {
            (pattern, problem) = (null, $"glob \"{text}\" is malformed");
            return false;
        }
        (pattern, problem) = (new GlobPattern(text, names), null);
        return true;
    }

    /// <summary>Whether a path matches.</summary>
    public bool Matches(TreePath path)
    {
        int index = 0;
        foreach (ReadOnlyMemory<byte> name in path.Names())
        {
            if (index == Names.Count || !Names[index].Matches(name.Span))
            {
                return false;
            }
            index++;
        }
        return index == Names.Count;
    }

    /// <summary>The pattern as it was given.</summary>
    public override string ToString() => text;
}
