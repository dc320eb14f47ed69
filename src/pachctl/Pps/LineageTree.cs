using Google.Protobuf.Collections;
using Pachyderm.Client;
using Pachyderm.Pachctl.Output;
using Pachyderm.Wire.Native;
using File = Pachyderm.Wire.Pfs.File;

namespace Pachyderm.Pachctl.Pps;

/// <summary>
/// Draws where something comes from as a tree of files and jobs:
/// <code>
/// montage/master:/collage.png
/// └─ ← montage, job 5f6a1c…, 2 minutes ago
///    ├─ edges/77aa…:/x.png
///    │  └─ ← edges, job 91bd…, 3 minutes ago
///    │     └─ images/90fe…:/x.png
///    └─ images/90fe…:/x.png
/// </code>
/// </summary>
internal static class LineageTree
{
    private const int ShortId = 12;
    private const string Seen = " \u2191";

    /// <summary>Draws the steps.</summary>
    /// <param name="root">What was asked about.</param>
    /// <param name="steps">The steps, nearest first.</param>
    /// <param name="downstream">Whether they lead to what was made from it.</param>
    /// <param name="now">The present.</param>
    public static IReadOnlyList<string> Draw(string root, IReadOnlyList<LineageStep> steps, bool downstream, DateTimeOffset now)
    {
        List<string> lines = [root];
        bool[] drawn = new bool[steps.Count];
        ILookup<string, int> byNear = steps
            .SelectMany((step, index) => Near(step, downstream).Select(file => (Commit: CommitOf(file), Index: index)).Distinct())
            .ToLookup(pair => pair.Commit, pair => pair.Index, StringComparer.Ordinal);
        Stack<(object Node, string Lead, string Indent)> open = new();
        Push([.. Enumerable.Range(0, steps.Count).Where(index => steps[index].Depth <= 1).Cast<object>()], "");
        while (open.TryPop(out var next))
        {
            if (next.Node is File file)
            {
                lines.Add(next.Lead + Describe(file));
                Push(
                    [.. byNear[CommitOf(file)]
                        .Where(index => Near(steps[index], downstream).Any(near => Meets(near, file)))
                        .Cast<object>()],
                    next.Indent);
                continue;
            }

            int index = (int)next.Node;
            string text = Describe(steps[index], downstream, now);
            lines.Add(next.Lead + (drawn[index] ? text + Seen : text));
            if (!drawn[index])
            {
                drawn[index] = true;
                Push([.. Far(steps[index], downstream)], next.Indent);
            }
        }

        return lines;

        void Push(IReadOnlyList<object> children, string indent)
        {
            for (int i = children.Count - 1; i >= 0; i--)
            {
                (string corner, string line) = i == children.Count - 1 ? ("\u2514\u2500 ", "   ") : ("\u251c\u2500 ", "\u2502  ");
                open.Push((children[i], indent + corner, indent + line));
            }
        }
    }

    private static RepeatedField<File> Near(LineageStep step, bool downstream) => downstream ? step.Inputs : step.Outputs;

    private static RepeatedField<File> Far(LineageStep step, bool downstream) => downstream ? step.Outputs : step.Inputs;

    private static string CommitOf(File file) => file.Commit is null ? "" : CommitRef.From(file.Commit).ToString();

    // A file meets the directories that it is in, and a directory what is in it.
    private static bool Meets(File left, File right) => IsIn(left.Path, right.Path) || IsIn(right.Path, left.Path);

    private static bool IsIn(string path, string directory)
    {
        string prefix = directory.TrimEnd('/');
        return prefix.Length == 0
            || path == prefix
            || (path.Length > prefix.Length && path.StartsWith(prefix, StringComparison.Ordinal) && path[prefix.Length] == '/');
    }

    private static string Describe(File file) => $"{CommitOf(file)}:{(file.Path.Length == 0 ? "/" : file.Path)}";

    private static string Describe(LineageStep step, bool downstream, DateTimeOffset now)
    {
        string id = step.Job?.Job?.Id ?? "";
        string datum = step.DatumId.Length == 0 ? "" : $", datum {Short(step.DatumId)}";
        return $"{(downstream ? '\u2192' : '\u2190')} {step.Job?.Pipeline?.Name}, job {id}{datum}, {Ages.Since(step.Finished ?? step.Job?.Started, now)}";
    }

    private static string Short(string id) => id.Length > ShortId ? id[..ShortId] : id;
}
