using Pachyderm.Storage.Trees;

namespace Pachyderm.Pfs;

/// <summary>Paths that callers want to write to.</summary>
internal static class WritePath
{
    private const char Replacement = '\uFFFD';

    /// <summary>The path of a file to be written, or a refusal in one line.</summary>
    public static TreePath ForFile(string path)
    {
        TreePath clean = ForDelete(path);
        return clean.IsRoot ? throw PfsErrors.InvalidPath(path, "the path has no file name") : clean;
    }

    /// <summary>The path of what is to be removed, or of a directory to be written to; it may be the root.</summary>
    public static TreePath ForDelete(string path)
    {
        TreePath clean = ForRead(path);
        // It stands for bytes that were not UTF-8: what the caller meant is not known any more.
        if (path.Contains(Replacement, StringComparison.Ordinal))
        {
            throw PfsErrors.InvalidPath(path, "the path is not valid UTF-8, or has the replacement character U+FFFD");
        }
        return TreeLimits.Check(clean) is { } problem ? throw PfsErrors.InvalidPath(path, problem) : clean;
    }

    /// <summary>The path of what is to be read.</summary>
    public static TreePath ForRead(string path) => TreePath.Clean(path) ?? throw PfsErrors.NullInPath(path);
}
