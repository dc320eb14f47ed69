using Pachyderm.Wire.Pps;

namespace Pachyderm.Pachctl.Pps;

/// <summary>
/// Draws repos and pipelines as a tree of text. What several repos lead to is drawn below the first of them, with an arrow below the
/// others:
/// <code>
/// images
/// ├─ edges  images:/*  running
/// │  └─ montage  (edges:/ ⨯ images:/)  running
/// └─ montage ↑
/// </code>
/// </summary>
internal static class PipelineGraph
{
    private const string Seen = " \u2191";

    /// <summary>Draws pipelines with what they read.</summary>
    /// <param name="pipelines">All pipelines.</param>
    /// <param name="focus">Leaves out what neither leads to this pipeline nor comes from it; null to draw everything.</param>
    /// <returns>The lines; names are in byte order.</returns>
    public static IReadOnlyList<string> Draw(IEnumerable<PipelineInfo> pipelines, string? focus = null)
    {
        SortedDictionary<string, PipelineInfo> byName = new(StringComparer.Ordinal);
        foreach (PipelineInfo pipeline in pipelines)
        {
            byName[pipeline.Pipeline?.Name ?? ""] = pipeline;
        }
        SortedDictionary<string, SortedSet<string>> readers = new(StringComparer.Ordinal);
        foreach ((string name, PipelineInfo pipeline) in byName)
        {
            foreach (string repo in InputShorthand.Repos(pipeline.Input))
            {
                if (!readers.TryGetValue(repo, out SortedSet<string>? names))
                {
                    readers.Add(repo, names = new SortedSet<string>(StringComparer.Ordinal));
                }
                names.Add(name);
            }
        }
        HashSet<string>? kept = focus is not null ? Related(focus, byName, readers) : null;
        bool IsKept(string node) => kept?.Contains(node) != false;

        List<string> lines = [];
        HashSet<string> drawn = new(StringComparer.Ordinal);

        // Repos that no pipeline makes come first. A pipeline that is then missing is part of a circle, which only damage can make.
        foreach (string root in readers.Keys.Where(repo => !byName.ContainsKey(repo)).Concat(byName.Keys).Where(IsKept))
        {
            if (!drawn.Contains(root))
            {
                DrawFrom(root);
            }
        }
        return lines;

        void DrawFrom(string root)
        {
            Stack<(string Node, string Lead, string Indent)> open = new([(root, "", "")]);
            while (open.TryPop(out var next))
            {
                bool isNew = drawn.Add(next.Node);
                lines.Add(next.Lead + (isNew ? Label(next.Node, byName) : next.Node + Seen));
                if (!isNew || !readers.TryGetValue(next.Node, out SortedSet<string>? below))
                {
                    continue;
                }
                string[] children = [.. below.Where(IsKept)];
                for (int i = children.Length - 1; i >= 0; i--)
                {
                    bool isLast = i == children.Length - 1;
                    (string corner, string line) = isLast ? ("\u2514\u2500 ", "   ") : ("\u251c\u2500 ", "\u2502  ");
                    open.Push((children[i], next.Indent + corner, next.Indent + line));
                }
            }
        }
    }

    private static string Label(string node, SortedDictionary<string, PipelineInfo> pipelines) =>
        pipelines.TryGetValue(node, out PipelineInfo? pipeline)
            ? $"{node}  {InputShorthand.Of(pipeline.Input)}  {States.Of(pipeline.State)}"
            : node;

    private static HashSet<string> Related(
        string focus, SortedDictionary<string, PipelineInfo> pipelines, SortedDictionary<string, SortedSet<string>> readers)
    {
        HashSet<string> related = Reach(focus, repo => readers.TryGetValue(repo, out SortedSet<string>? names) ? names : []);
        related.UnionWith(
            Reach(focus, name => pipelines.TryGetValue(name, out PipelineInfo? pipeline) ? InputShorthand.Repos(pipeline.Input) : []));
        return related;
    }

    private static HashSet<string> Reach(string from, Func<string, IEnumerable<string>> next)
    {
        HashSet<string> reached = new([from], StringComparer.Ordinal);
        Queue<string> open = new([from]);
        while (open.TryDequeue(out string? node))
        {
            foreach (string neighbour in next(node).Where(reached.Add))
            {
                open.Enqueue(neighbour);
            }
        }
        return reached;
    }
}
