using System.Diagnostics.CodeAnalysis;
using System.Text;
using Google.Protobuf;
using Pachyderm.Errors;
using Pachyderm.Formats.V1_5;
using Pachyderm.ObjectStores;

namespace Pachyderm.Formats.Content;

/// <summary>One index file of a cloud layout: the objects and tags whose names begin with its two characters.</summary>
internal sealed class ContentIndex
{
    private const int MaxIndexBytes = 1 << 30;

    public static ContentIndex Empty { get; } = new();

    public Dictionary<string, BlockRange> Objects { get; } = new(StringComparer.Ordinal);

    public Dictionary<string, string> Tags { get; } = new(StringComparer.Ordinal);

    public int Count => Objects.Count + Tags.Count;

    public static async Task<ContentIndex> ReadAsync(Stream content, ObjectProperties file, CancellationToken cancellationToken)
    {
        if (file.SizeBytes > MaxIndexBytes)
        {
            throw Damaged(file, $"{file.SizeBytes} bytes are too many for an index");
        }

        byte[] bytes = new byte[file.SizeBytes];
        int count = await content.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, cancellationToken);
        try
        {
            return Read(ObjectIndex.Parser.ParseFrom(bytes.AsSpan(0, count)), file);
        }
        catch (InvalidProtocolBufferException exception)
        {
            throw Damaged(file, "it is no ObjectIndex", exception);
        }
    }

    private static ContentIndex Read(ObjectIndex stored, ObjectProperties file)
    {
        ContentIndex index = new();
        foreach (ObjectIndex.Types.ObjectsEntry entry in stored.Objects)
        {
            string hash = Text(entry.Key);
            BlockRange range = BlockRange.From(entry.Value ?? new BlockRef());
            if (!LegacyContentStore.IsObjectHash(hash) || !range.IsValid)
            {
                throw Damaged(file, "an object in it is no reference to a block");
            }

            index.Objects[hash] = range;
        }

        foreach (ObjectIndex.Types.TagsEntry entry in stored.Tags)
        {
            string hash = Text(entry.Value?.Hash);
            if (!LegacyContentStore.IsObjectHash(hash))
            {
                throw Damaged(file, $"tag \"{Text(entry.Key)}\" in it names no object");
            }

            index.Tags[Text(entry.Key)] = hash;
        }

        return index;
    }

    private static string Text(ByteString? bytes) => bytes is null ? "" : Encoding.UTF8.GetString(bytes.Span);

    private static CorruptionException Damaged(ObjectProperties file, string problem, Exception? inner = null) => new(
        "index-damaged", file.Key, problem, "restore it from a backup", inner);
}

/// <summary>Where in a block an object's bytes are.</summary>
/// <param name="Block">Name of the block.</param>
/// <param name="Lower">First byte.</param>
/// <param name="Upper">First byte after it.</param>
internal readonly record struct BlockRange(string Block, ulong Lower, ulong Upper)
{
    public bool IsValid =>
        Lower <= Upper && Upper <= long.MaxValue && ObjectKey.IsValid(Block) && !Block.Contains('/', StringComparison.Ordinal);

    public static BlockRange From(BlockRef reference) => new(
        Encoding.UTF8.GetString((reference.Block?.Hash ?? ByteString.Empty).Span), reference.Range?.Lower ?? 0,
        reference.Range?.Upper ?? 0);
}

/// <summary>
/// Indexes that were read lately, bounded by the number of their entries; the one that was not used for longest goes first.
/// </summary>
internal sealed class ContentIndexCache
{
    private const int MaxEntries = 500_000;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, LinkedListNode<(string Shard, ContentIndex Index)>> _byShard = new(StringComparer.Ordinal);
    private readonly LinkedList<(string Shard, ContentIndex Index)> _byUse = new();
    private int _entries;

    public bool TryGet(string shard, [NotNullWhen(true)] out ContentIndex? index)
    {
        lock (_gate)
        {
            if (_byShard.TryGetValue(shard, out LinkedListNode<(string Shard, ContentIndex Index)>? node))
            {
                _byUse.Remove(node);
                _byUse.AddFirst(node);
                index = node.Value.Index;
                return true;
            }

            index = null;
            return false;
        }
    }

    public void Set(string shard, ContentIndex index)
    {
        lock (_gate)
        {
            if (_byShard.TryGetValue(shard, out LinkedListNode<(string Shard, ContentIndex Index)>? old))
            {
                Drop(old);
            }

            _byShard[shard] = _byUse.AddFirst((shard, index));
            _entries += index.Count + 1;
            while (_entries > MaxEntries && _byUse.Count > 1)
            {
                Drop(_byUse.Last!);
            }
        }
    }

    private void Drop(LinkedListNode<(string Shard, ContentIndex Index)> node)
    {
        _byUse.Remove(node);
        _byShard.Remove(node.Value.Shard);
        _entries -= node.Value.Index.Count + 1;
    }
}
