using Pachyderm.Errors;

namespace Pachyderm.Pachctl.Pfs;

/// <summary>Where the content of an upload comes from.</summary>
internal enum SourceKind
{
    /// <summary>Standard input, named <c>-</c>.</summary>
    StandardInput,

    /// <summary>A URL, which the server fetches.</summary>
    Url,

    /// <summary>A file or directory of this machine.</summary>
    Local,
}

/// <summary>One source of an upload, and where it goes.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Source">As it was named.</param>
/// <param name="Target">The file in the commit, or with a directory as the source, the directory that its content goes to.</param>
internal readonly record struct UploadSource(SourceKind Kind, string Source, string Target)
{
    /// <summary>What is wrong when standard input is put without a path.</summary>
    public const string NoFilename = "no filename specified";

    /// <summary>Whether a text names a URL; that it could be read as one, such as <c>C:\x</c>, is not enough.</summary>
    public static bool IsUrl(string text)
    {
        int end = text.IndexOf("://", StringComparison.Ordinal);
        return end > 0
            && char.IsAsciiLetter(text[0])
            && text[..end].All(character => char.IsAsciiLetterOrDigit(character) || character is '+' or '-' or '.');
    }

    /// <summary>Says where each source goes.</summary>
    /// <param name="path">
    /// The path argument: with one source its whole target, with several the directory that they go to; null if there is none.
    /// </param>
    /// <param name="sources">The sources, as they were named.</param>
    /// <exception cref="OperatorException"><c>no-filename</c>: standard input has no name that it could go to.</exception>
    public static IReadOnlyList<UploadSource> Plan(string? path, IReadOnlyList<string> sources) =>
        [.. sources.Select(source => new UploadSource(KindOf(source), source, TargetOf(path, source, sources.Count)))];

    /// <summary>Cleans a path and removes what goes up and down again: <c>a/./b//c/../d</c> is <c>a/b/d</c>.</summary>
    public static string Clean(string path)
    {
        bool absolute = path.StartsWith('/');
        List<string> parts = [];
        foreach (string part in path.Split('/'))
        {
            if (part is "" or ".")
            {
                continue;
            }

            if (part == ".." && (parts.Count > 0 ? parts[^1] != ".." : absolute))
            {
                if (parts.Count > 0)
                {
                    parts.RemoveAt(parts.Count - 1);
                }

                continue;
            }

            parts.Add(part);
        }

        return (absolute ? "/" : "") + string.Join('/', parts);
    }

    private static SourceKind KindOf(string source) =>
        source == "-" ? SourceKind.StandardInput : IsUrl(source) ? SourceKind.Url : SourceKind.Local;

    private static string TargetOf(string? path, string source, int sources) => (path, sources) switch
    {
        (not null, 1) => path,
        (not null, _) => Clean($"{path}/{Name(source)}"),
        _ => Name(source),
    };

    private static string Name(string source) => KindOf(source) switch
    {
        SourceKind.StandardInput =>
            throw new OperatorException("no-filename", "standard input", NoFilename, "name the file after the branch"),
        SourceKind.Url => UrlPath(source),
        _ => Clean(source),
    };

    // Host, query and fragment name no file; the first two parts of a pfs URL are repo and commit.
    private static string UrlPath(string url)
    {
        string scheme = url[..url.IndexOf("://", StringComparison.Ordinal)];
        string rest = url[(scheme.Length + 3)..];
        int end = rest.AsSpan().IndexOfAny('?', '#');
        rest = end < 0 ? rest : rest[..end];
        int slash = rest.IndexOf('/', StringComparison.Ordinal);
        string path = slash < 0 ? "" : Uri.UnescapeDataString(rest[(slash + 1)..]);
        return scheme.Equals("pfs", StringComparison.OrdinalIgnoreCase) ? string.Join('/', path.Split('/').Skip(2)) : path;
    }
}
