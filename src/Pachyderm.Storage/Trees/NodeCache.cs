using System.Diagnostics.CodeAnalysis;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Trees.Nodes;

namespace Pachyderm.Storage.Trees;

/// <summary>
/// Decoded tree nodes that were used last, bounded in bytes. One is shared by all readers and editors of a store. Safe for concurrent use;
/// callers wait for each other only in the same of 16 parts, for a few instructions.
/// </summary>
public sealed class NodeCache
{
    private const int PartCount = 16;

    private readonly Part[] parts = new Part[PartCount];

    /// <summary>Creates an empty cache.</summary>
    /// <param name="capacity">Bytes that the nodes may take; 0 keeps none.</param>
    public NodeCache(long capacity = 32 << 20)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(capacity);
        for (int i = 0; i < PartCount; i++)
        {
            parts[i] = new Part(capacity / PartCount);
        }
    }

    /// <summary>Bytes that the nodes take now, roughly.</summary>
    public long Size => parts.Sum(part => part.Size);

    internal bool TryGet(ChunkId id, [NotNullWhen(true)] out TreeNode? node) => PartOf(id).TryGet(id, out node);

    internal void Add(TreeNode node) => PartOf(node.Id).Add(node);

    private Part PartOf(ChunkId id) => parts[id.Prefix >> 60];

    private sealed class Part(long capacity)
    {
        private readonly Lock gate = new();
        private readonly Dictionary<ChunkId, LinkedListNode<TreeNode>> byId = [];
        private readonly LinkedList<TreeNode> latestFirst = new();
        private long size;

        internal long Size => Interlocked.Read(ref size);

        internal bool TryGet(ChunkId id, [NotNullWhen(true)] out TreeNode? node)
        {
            lock (gate)
            {
                if (byId.TryGetValue(id, out LinkedListNode<TreeNode>? link))
                {
                    if (latestFirst.First != link)
                    {
                        latestFirst.Remove(link);
                        latestFirst.AddFirst(link);
                    }
                    node = link.Value;
                    return true;
                }
            }
            node = null;
            return false;
        }

        internal void Add(TreeNode node)
        {
            if (node.Weight > capacity)
            {
                return;
            }
            lock (gate)
            {
                if (!byId.TryAdd(node.Id, new LinkedListNode<TreeNode>(node)))
                {
                    return;
                }
                latestFirst.AddFirst(byId[node.Id]);
                long now = size + node.Weight;
                while (now > capacity)
                {
                    TreeNode oldest = latestFirst.Last!.Value;
                    latestFirst.RemoveLast();
                    byId.Remove(oldest.Id);
                    now -= oldest.Weight;
                }
                Interlocked.Exchange(ref size, now);
            }
        }
    }
}
