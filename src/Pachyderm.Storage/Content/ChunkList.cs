using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Security.Cryptography;
using Pachyderm.Errors;

namespace Pachyderm.Storage.Content;

/// <summary>
/// Nodes of long lists of chunks. Format 1: <c>'C' 'L'</c>, version 1, lowest version of a reader 1, the number of entries (32 bits), then
/// per
/// entry the 32 bytes of its identifier and its length (64 bits); integers are little-endian.
/// </summary>
internal static class ChunkList
{
    /// <summary>Lists up to this length stand in the file's entry itself.</summary>
    internal const int InPlace = 16;

    /// <summary>A node has no more entries than this.</summary>
    internal const int MaximumEntries = 1024;

    /// <summary>More levels cannot occur: 1024 to the power of 6 chunks exceed any file.</summary>
    internal const int MaximumDepth = 6;

    private const int HeaderLength = 8;
    private const int EntryLength = ChunkId.Length + sizeof(long);
    private const byte Version = 1;

    private static ReadOnlySpan<byte> Header => [(byte)'C', (byte)'L', Version, Version];

    /// <summary>Whether a node ends after this entry; one in 128 does.</summary>
    internal static bool EndsNode(ChunkReference entry) => (entry.Id.Prefix & 0x7F) == 0;

    /// <summary>The bytes of a node.</summary>
    internal static byte[] Encode(IReadOnlyList<ChunkReference> entries)
    {
        byte[] bytes = new byte[HeaderLength + entries.Count * EntryLength];
        Header.CopyTo(bytes);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(4), entries.Count);
        Span<byte> rest = bytes.AsSpan(HeaderLength);
        foreach (ChunkReference entry in entries)
        {
            entry.Id.CopyTo(rest);
            BinaryPrimitives.WriteInt64LittleEndian(rest[ChunkId.Length..], entry.Length);
            rest = rest[EntryLength..];
        }
        return bytes;
    }

    /// <summary>The entries of a node.</summary>
    /// <exception cref="CorruptionException">The bytes are no node, or their lengths do not add up to what the reference says.</exception>
    internal static ImmutableArray<ChunkReference> Decode(ReadOnlySpan<byte> bytes, ChunkReference node)
    {
        if (bytes.Length < HeaderLength || !bytes[..2].SequenceEqual(Header[..2]) || bytes[3] > Version)
        {
            throw Damaged(node, "is none");
        }
        int count = BinaryPrimitives.ReadInt32LittleEndian(bytes[4..]);
        if (count is < 1 or > MaximumEntries || bytes.Length != HeaderLength + count * EntryLength)
        {
            throw Damaged(node, $"has {bytes.Length} bytes, which its {count} entries do not fill");
        }
        var entries = ImmutableArray.CreateBuilder<ChunkReference>(count);
        long sum = 0;
        for (ReadOnlySpan<byte> rest = bytes[HeaderLength..]; !rest.IsEmpty; rest = rest[EntryLength..])
        {
            long length = BinaryPrimitives.ReadInt64LittleEndian(rest[ChunkId.Length..]);
            if (length <= 0 || length > node.Length - sum)
            {
                throw Damaged(node, "has lengths that do not add up");
            }
            sum += length;
            entries.Add(new ChunkReference(new ChunkId(rest), length));
        }
        return sum == node.Length ? entries.MoveToImmutable() : throw Damaged(node, "has lengths that do not add up");
    }

    /// <summary>What identifies a file of several chunks: the SHA-256 of its list, or of the list's top level.</summary>
    internal static ChunkId HashOf(IReadOnlyList<ChunkReference> top) => new(SHA256.HashData(Encode(top)));

    private static CorruptionException Damaged(ChunkReference node, string problem) =>
        new("chunk-list-damaged", $"list of chunks {node.Id}", problem, "run `pachctl fsck` to see what it belongs to");
}
