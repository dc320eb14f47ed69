using System.Globalization;
using System.Text;
using Pachyderm.Storage.Trees;

namespace Pachyderm.Storage.Tests.Trees;

/// <summary>
/// What a tree is, said in the plainest way: texts by path, null for a directory. Each write is applied at once and by itself.
/// </summary>
internal sealed class TreeModel
{
    internal SortedDictionary<string, string?> Nodes { get; } = new(StringComparer.Ordinal) { [""] = null };

    internal TreeModel Copy()
    {
        TreeModel copy = new();
        foreach ((string path, string? text) in Nodes)
        {
            copy.Nodes[path] = text;
        }
        return copy;
    }

    /// <summary>Applies a write whose contents are given as texts.</summary>
    /// <exception cref="TreeConflictException">It is in conflict with what is there.</exception>
    internal void Apply(ModelWrite write)
    {
        switch (write.Kind)
        {
            case 'd':
                Remove(write.Path);
                break;
            case 'p':
                if (write.Overwrite)
                {
                    Remove(write.Path);
                }
                Put(write.Path, write.Texts[0]);
                break;
            default:
                if (write.Overwrite)
                {
                    Remove(write.Path);
                }
                Split(write);
                break;
        }
    }

    internal IEnumerable<string> ChildrenOf(string directory) =>
        Nodes.Keys.Where(path => path.Length > directory.Length && path.StartsWith(directory + "/", StringComparison.Ordinal)
            && !path[(directory.Length + 1)..].Contains('/', StringComparison.Ordinal));

    /// <summary>The same text that <see cref="TreeHarness.DescribeAsync"/> gives.</summary>
    internal string Describe()
    {
        StringBuilder text = new();
        foreach ((string path, string? file) in InOrder())
        {
            text.Append(path).Append(file is null ? "/" : "").Append(' ').Append(SizeOf(path)).Append(' ')
                .AppendLine(file is null ? "" : string.Join("", TreeHarness.Text(file).Chunks.Select(chunk => chunk.Id.ToString()[..4])));
        }
        return text.ToString();
    }

    internal long SizeOf(string path) => Nodes[path] is { } file
        ? file.Length
        : Nodes.Where(node => node.Key.StartsWith(path + "/", StringComparison.Ordinal)).Sum(node => node.Value?.Length ?? 0);

    /// <summary>Paths and texts, each directory before its children, the children of each in order.</summary>
    internal IEnumerable<(string Path, string? Text)> InOrder(string start = "") =>
        ChildrenOf(start).OrderBy(child => child, StringComparer.Ordinal).SelectMany(child => InOrder(child)).Prepend((start, Nodes[start]));

    private void Remove(string path)
    {
        foreach (string below in Nodes.Keys.Where(other => other.StartsWith(path + "/", StringComparison.Ordinal)).ToList())
        {
            Nodes.Remove(below);
        }
        if (path.Length > 0)
        {
            Nodes.Remove(path);
        }
    }

    /// <summary>Makes a directory and those above, or throws before it changes anything.</summary>
    private void MakeDirectories(string directory, string target)
    {
        IEnumerable<int> ends = Enumerable.Range(1, directory.Length).Where(end => end == directory.Length || directory[end] == '/');
        List<string> paths = [.. ends.Select(end => directory[..end])];
        foreach (string path in paths)
        {
            if (Nodes.TryGetValue(path, out string? text) && text is not null)
            {
                int next = target.IndexOf('/', path.Length + 1);
                throw new TreeConflictException($"attempted to visit \"{(next < 0 ? target : target[..next])}\", but it's not a directory");
            }
        }
        paths.ForEach(path => Nodes[path] = null);
    }

    private void Put(string path, string text)
    {
        if (Nodes.TryGetValue(path, out string? there) && there is null)
        {
            throw new TreeConflictException($"could not put file at \"{path}\"; a node of type directory is already there");
        }
        MakeDirectories(path[..path.LastIndexOf('/')], path);
        Nodes[path] = there + text;
    }

    private void Split(ModelWrite write)
    {
        if (write.Texts.Length == 0)
        {
            return;
        }
        MakeDirectories(write.Path, $"{write.Path}/{0:x16}");
        string? last = ChildrenOf(write.Path).Max(StringComparer.Ordinal)?[(write.Path.Length + 1)..];
        long next = 0;
        if (last is not null)
        {
            next = long.TryParse(last, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out long number)
                ? number + 1
                : throw new TreeConflictException(
                    $"error parsing filename {last} as int, this likely means you're using split on a directory which contains "
                    + "other data that wasn't put with split");
        }
        foreach (string text in write.Texts)
        {
            Put($"{write.Path}/{next++:x16}", text);
        }
    }
}

/// <summary>A write to the model: kind 'p' puts, 's' splits, 'd' deletes.</summary>
internal sealed record ModelWrite(char Kind, string Path, string[] Texts, bool Overwrite)
{
    internal TreeWrite ToWrite() => Kind switch
    {
        'p' => TreeHarness.Put(Path, Texts[0], Overwrite),
        's' => TreeHarness.Split(Path, Overwrite, Texts),
        _ => TreeHarness.Delete(Path),
    };

    public override string ToString() => $"{Kind}{(Overwrite ? "!" : "")} {Path} {string.Join(',', Texts)}";
}
