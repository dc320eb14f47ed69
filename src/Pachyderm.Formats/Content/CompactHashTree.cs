using System.IO.Hashing;
using System.Numerics;
using Pachyderm.Errors;

namespace Pachyderm.Formats.Content;

/// <summary>
/// A tree as 1.4 and 1.5 store it, of which only the nodes are read that somebody asks for. Nodes are found by their paths in an index of
/// 28 bytes each over the bytes of the tree. Immutable, and safe for concurrent use.
/// </summary>
public sealed class CompactHashTree
{
    private const int BytesOfEntry = 128;

    private readonly ReadOnlyMemory<byte> bytes;
    private readonly Entry[] entries;
    private readonly int[] slots;

    private CompactHashTree(ReadOnlyMemory<byte> bytes, Entry[] entries, int[] slots, int count, int files)
    {
        this.bytes = bytes;
        this.entries = entries;
        this.slots = slots;
        Count = count;
        Files = files;
    }

    /// <summary>Number of nodes, whether a directory lists them or not.</summary>
    public int Count { get; }

    /// <summary>Number of those that are files.</summary>
    public int Files { get; }

    /// <summary>Reads a tree.</summary>
    /// <param name="serialized">The bytes of a <c>HashTreeProto</c>; kept.</param>
    /// <param name="thing">What the bytes are, for messages.</param>
    /// <exception cref="OperatorException"><c>hashtree-version</c>.</exception>
    /// <exception cref="CorruptionException"><c>hashtree-damaged</c>.</exception>
    public static CompactHashTree Parse(ReadOnlyMemory<byte> serialized, string thing) =>
        // What is encoded in another way than upstream does, or damaged, is for the thorough reader.
        TryScan(serialized) ?? TryScan(HashTree.Parse(serialized, thing).ToBytes()) ?? throw new CorruptionException(
            "hashtree-damaged", thing, "its nodes cannot be found", "restore the object from a backup");

    /// <summary>The node of a path in its stored form; null if there is none.</summary>
    public CompactHashTreeNode? Find(ReadOnlySpan<byte> path)
    {
        uint hash = (uint)XxHash3.HashToUInt64(path);
        for (int slot = (int)hash & (slots.Length - 1); slots[slot] > 0; slot = (slot + 1) & (slots.Length - 1))
        {
            ref readonly Entry entry = ref entries[slots[slot] - 1];
            if (entry.Hash == hash && bytes.Span.Slice(entry.Key, entry.KeyLength).SequenceEqual(path))
            {
                return CompactHashTreeNode.Read(bytes.Slice(entry.Value, entry.ValueLength));
            }
        }

        return null;
    }

    // Null if anything is not as upstream writes it.
    private static CompactHashTree? TryScan(ReadOnlyMemory<byte> memory)
    {
        ReadOnlySpan<byte> all = memory.Span;
        Entry[] found = new Entry[Math.Max(4, all.Length / BytesOfEntry)];
        int count = 0;
        int files = 0;
        bool hasVersion = false;
        WireReader outer = new(all);
        while (!outer.IsAtEnd)
        {
            switch (outer.ReadTag())
            {
                case 0x08 when !hasVersion && outer.TryReadVarint(out ulong version) && version == HashTree.SupportedVersion:
                    hasVersion = true;
                    break;
                case 0x12 when outer.TryReadLength(out int length):
                    if (count == found.Length)
                    {
                        Array.Resize(ref found, count * 2);
                    }

                    if (!TryReadEntry(all.Slice(outer.Position, length), outer.Position, ref found[count], out bool isFile))
                    {
                        return null;
                    }

                    count++;
                    files += isFile ? 1 : 0;
                    outer.Skip(length);
                    break;
                default:
                    return null;
            }
        }

        return hasVersion && TryIndex(all, found.AsSpan(0, count)) is { } index
            ? new CompactHashTree(memory, found, index, count, files)
            : null;
    }

    private static bool TryReadEntry(ReadOnlySpan<byte> span, int start, ref Entry entry, out bool isFile)
    {
        WireReader reader = new(span);
        int keyLength = 0;
        isFile = false;
        byte tag = reader.ReadTag();
        if (tag == 0x0A)
        {
            if (!reader.TryReadLength(out keyLength))
            {
                return false;
            }

            entry.Key = start + reader.Position;
            reader.Skip(keyLength);
            tag = reader.ReadTag();
        }

        if (tag != 0x12 || !reader.TryReadLength(out int valueLength))
        {
            return false;
        }

        entry.KeyLength = keyLength;
        entry.Value = start + reader.Position;
        entry.ValueLength = valueLength;
        entry.Hash = (uint)XxHash3.HashToUInt64(span.Slice(keyLength == 0 ? 0 : entry.Key - start, keyLength));
        ReadOnlySpan<byte> value = span.Slice(reader.Position, valueLength);
        reader.Skip(valueLength);
        return reader.IsAtEnd && CompactHashTreeNode.IsPlain(value, out isFile);
    }

    private static int[]? TryIndex(ReadOnlySpan<byte> all, ReadOnlySpan<Entry> found)
    {
        int[] index = new int[BitOperations.RoundUpToPowerOf2((uint)(found.Length * 2) | 4)];
        for (int i = 0; i < found.Length; i++)
        {
            ref readonly Entry entry = ref found[i];
            int slot = (int)entry.Hash & (index.Length - 1);
            for (; index[slot] > 0; slot = (slot + 1) & (index.Length - 1))
            {
                ref readonly Entry other = ref found[index[slot] - 1];
                if (other.Hash == entry.Hash && all.Slice(other.Key, other.KeyLength).SequenceEqual(all.Slice(entry.Key, entry.KeyLength)))
                {
                    return null;
                }
            }

            index[slot] = i + 1;
        }

        return index;
    }

    private struct Entry
    {
        public uint Hash;
        public int Key;
        public int KeyLength;
        public int Value;
        public int ValueLength;
    }
}

/// <summary>One file or directory of a <see cref="CompactHashTree"/>.</summary>
public sealed class CompactHashTreeNode
{
    private CompactHashTreeNode()
    {
    }

    /// <summary>Whether it is a directory; else it is a file.</summary>
    public bool IsDirectory { get; private init; }

    /// <summary>Stored size of the file, or of all files below, in bytes.</summary>
    public long SizeBytes { get; private init; }

    /// <summary>Stored hash: 32 bytes in a sound tree.</summary>
    public ReadOnlyMemory<byte> Hash { get; private init; }

    /// <summary>For a directory the names of its children, for a file those of its objects (hashes in ASCII), in stored order.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> Parts { get; private init; } = [];

    /// <summary>Whether a node is written as upstream writes nodes: each field at most once, in order.</summary>
    internal static bool IsPlain(ReadOnlySpan<byte> value, out bool isFile)
    {
        isFile = false;
        bool isDirectory = false;
        byte before = 0;
        WireReader reader = new(value);
        while (!reader.IsAtEnd)
        {
            byte tag = reader.ReadTag();
            int length = 0;
            bool isSound = tag == 0x18 ? reader.TryReadVarint(out ulong size) && size <= long.MaxValue
                : tag is 0x0A or 0x12 or 0x22 or 0x2A && reader.TryReadLength(out length);
            if (!isSound || tag <= before)
            {
                return false;
            }

            isFile |= tag == 0x22;
            isDirectory |= tag == 0x2A;
            before = tag;
            reader.Skip(length);
        }

        return isFile != isDirectory;
    }

    /// <summary>Reads a node that <see cref="IsPlain"/> has accepted.</summary>
    /// <returns>Null if its parts are not what they should be.</returns>
    internal static CompactHashTreeNode? Read(ReadOnlyMemory<byte> value)
    {
        bool isDirectory = false;
        ulong size = 0;
        ReadOnlyMemory<byte> hash = default;
        List<ReadOnlyMemory<byte>> parts = [];
        WireReader reader = new(value.Span);
        while (!reader.IsAtEnd)
        {
            byte tag = reader.ReadTag();
            if (tag == 0x18)
            {
                reader.TryReadVarint(out size);
                continue;
            }

            reader.TryReadLength(out int length);
            ReadOnlyMemory<byte> field = value.Slice(reader.Position, length);
            reader.Skip(length);
            hash = tag == 0x12 ? field : hash;
            isDirectory |= tag == 0x2A;
            if ((tag == 0x22 && !TryReadObjects(field, parts)) || (tag == 0x2A && !TryReadNames(field, 0x1A, parts)))
            {
                return null;
            }
        }

        return new CompactHashTreeNode { IsDirectory = isDirectory, SizeBytes = (long)size, Hash = hash, Parts = parts };
    }

    private static bool TryReadObjects(ReadOnlyMemory<byte> list, List<ReadOnlyMemory<byte>> parts)
    {
        List<ReadOnlyMemory<byte>> objects = [];
        return TryReadNames(list, 0x22, objects) && objects.TrueForAll(one => TryReadNames(one, 0x0A, parts));
    }

    private static bool TryReadNames(ReadOnlyMemory<byte> list, byte expected, List<ReadOnlyMemory<byte>> names)
    {
        WireReader reader = new(list.Span);
        while (!reader.IsAtEnd)
        {
            if (reader.ReadTag() != expected || !reader.TryReadLength(out int length))
            {
                return false;
            }

            names.Add(list.Slice(reader.Position, length));
            reader.Skip(length);
        }

        return true;
    }
}

/// <summary>Reads fields of protobuf's wire format. Whoever calls it stops at the first failure.</summary>
internal ref struct WireReader(ReadOnlySpan<byte> bytes)
{
    private readonly ReadOnlySpan<byte> bytes = bytes;

    /// <summary>Where it is.</summary>
    public int Position { get; private set; }

    /// <summary>Whether nothing is left.</summary>
    public readonly bool IsAtEnd => Position >= bytes.Length;

    /// <summary>Reads a tag of one byte; 0, which is none, at the end.</summary>
    public byte ReadTag() => IsAtEnd ? (byte)0 : bytes[Position++];

    /// <summary>Reads a number.</summary>
    public bool TryReadVarint(out ulong value)
    {
        value = 0;
        for (int shift = 0; shift < 64 && Position < bytes.Length; shift += 7)
        {
            byte next = bytes[Position++];
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Reads a length, all of which is there.</summary>
    public bool TryReadLength(out int length)
    {
        bool isSound = TryReadVarint(out ulong value) && value <= (ulong)(bytes.Length - Position);
        length = isSound ? (int)value : 0;
        return isSound;
    }

    /// <summary>Goes on.</summary>
    public void Skip(int length) => Position += length;
}
