namespace Pachyderm.Formats.Content;

/// <summary>Paths of tree nodes: empty for the root, else <c>/</c> and segments joined by <c>/</c>.</summary>
public static class NodePath
{
    /// <summary>
    /// Brings a path or a pattern to the form of node paths: a leading slash, no empty, <c>.</c> or <c>..</c> segments, no trailing slash
    /// (Go's <c>path.Clean</c> of an absolute path; the root becomes the empty string).
    /// </summary>
    public static string Clean(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        List<string> kept = [];
        foreach (string segment in path.Split('/'))
        {
            if (segment is "..")
            {
                if (kept.Count > 0)
                {
                    kept.RemoveAt(kept.Count - 1);
                }
            }
            else if (segment is not ("" or "."))
            {
                kept.Add(segment);
            }
        }

        return string.Concat(kept.Select(segment => "/" + segment));
    }
}
