using Pachyderm.Errors;

namespace Pachyderm.Client;

/// <summary>Where files of a commit go on disk. Whatever a server says, nothing is written outside of the destination.</summary>
/// <param name="root">What was asked for: a file or directory of the commit.</param>
/// <param name="destination">Where that goes.</param>
internal sealed class DownloadPaths(string root, string destination)
{
    private readonly string _root = Clean(root);

    /// <summary>The path on disk of a file of the commit.</summary>
    /// <exception cref="OperatorException"><c>path-refused</c>.</exception>
    public string Local(string path)
    {
        string clean = Clean(path);
        if (clean == _root)
        {
            return destination;
        }

        bool below = _root.Length == 0 || (clean.StartsWith(_root, StringComparison.Ordinal) && clean[_root.Length] == '/');
        string relative = below ? clean[(_root.Length == 0 ? 0 : _root.Length + 1)..] : "";
        if (!below || relative.Split('/').Any(part => part is "" or "." or "..") || relative.Contains('\0', StringComparison.Ordinal)
            || (OperatingSystem.IsWindows() && relative.AsSpan().IndexOfAny('\\', ':') >= 0))
        {
            throw new OperatorException(
                "path-refused", $"file '{path}'", $"the server sent it for '/{_root}', but it does not belong below that",
                "do not trust this server");
        }

        return Path.Combine(destination, relative);
    }

    private static string Clean(string path) => path.Trim('/') is "." ? "" : path.Trim('/');
}
