using Pachyderm.Errors;
using Pachyderm.Formats.Content;

namespace Pachyderm.Migration.Steps.V15;

/// <summary>
/// Which nodes of commits' trees match the globs of inputs. A tree of a million files takes about a second and half a gigabyte to read,
/// so the last tree is kept, and of earlier ones the nodes that matched, least recently used out first, up to a million nodes.
/// </summary>
internal sealed class TreeGlobs(LegacyContentStore content)
{
    private const long MaxNodes = 1_000_000;
    private const int NodeHashBytes = 32;

    private readonly Dictionary<(string Tree, string Glob), LinkedListNode<Entry>> _entries = [];
    private readonly LinkedList<Entry> _byUse = [];
    private long _nodes;
    private (string Hash, HashTree? Tree, string? Problem) _last = ("", null, null);

    /// <summary>The nodes that match a glob, in byte order of their paths.</summary>
    /// <param name="treeHash">Object that holds the tree; null for a commit without a tree, which is empty.</param>
    /// <param name="glob">The glob.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    public async Task<GlobMatches> MatchAsync(string? treeHash, string glob, CancellationToken cancellationToken)
    {
        if (treeHash is null)
        {
            return GlobMatches.None;
        }

        if (_entries.TryGetValue((treeHash, glob), out LinkedListNode<Entry>? known))
        {
            _byUse.Remove(known);
            _byUse.AddFirst(known);
            return known.Value.Matches;
        }

        GlobMatches matches = await ReadAsync(treeHash, glob, cancellationToken);
        _entries.Add((treeHash, glob), _byUse.AddFirst(new Entry((treeHash, glob), matches)));
        _nodes += matches.Weight;
        while (_nodes > MaxNodes && _byUse.Last is { } oldest && oldest != _byUse.First)
        {
            _byUse.RemoveLast();
            _entries.Remove(oldest.Value.Key);
            _nodes -= oldest.Value.Matches.Weight;
        }

        return matches;
    }

    private async Task<GlobMatches> ReadAsync(string treeHash, string glob, CancellationToken cancellationToken)
    {
        if (!string.Equals(_last.Hash, treeHash, StringComparison.Ordinal))
        {
            // The old tree may go before the new one comes.
            _last = ("", null, null);
            try
            {
                _last = (treeHash, await content.ReadHashTreeAsync(treeHash, cancellationToken), null);
            }
            catch (OperatorException exception) when (exception is CorruptionException or { Id: "object-missing" or "hashtree-version" or "object-name-refused" })
            {
                _last = (treeHash, null, $"{exception.Thing}: {exception.Problem}");
            }
        }

        if (_last.Tree is not { } tree)
        {
            return new GlobMatches([], _last.Problem);
        }

        try
        {
            // Without the nodes themselves, which would keep the whole tree.
            MatchedNode[] nodes = [.. tree.Glob(glob).Select(node => new MatchedNode(node.PathBytes, node.Hash))];
            int odd = Array.FindIndex(nodes, node => node.Hash.Length != NodeHashBytes);
            return odd < 0
                ? new GlobMatches(nodes, null)
                : new GlobMatches([], $"object {treeHash}: a node has a hash of {nodes[odd].Hash.Length} bytes");
        }
        catch (OperatorException exception) when (exception.Id == "glob-malformed")
        {
            return new GlobMatches([], $"{exception.Thing}: {exception.Problem}");
        }
    }

    private sealed record Entry((string Tree, string Glob) Key, GlobMatches Matches);
}

/// <summary>A node of a tree, as far as it counts for a datum.</summary>
/// <param name="Path">Its path; empty for the root.</param>
/// <param name="Hash">Its hash, 32 bytes.</param>
internal readonly record struct MatchedNode(ReadOnlyMemory<byte> Path, ReadOnlyMemory<byte> Hash);

/// <summary>What matched a glob.</summary>
/// <param name="Nodes">The nodes.</param>
/// <param name="Problem">Why that cannot be said; null if it can.</param>
internal sealed record GlobMatches(IReadOnlyList<MatchedNode> Nodes, string? Problem)
{
    /// <summary>Nothing matched.</summary>
    public static GlobMatches None { get; } = new([], null);

    /// <summary>Memory that it takes, in nodes.</summary>
    public long Weight => Nodes.Count + 1;
}
