using System.Buffers.Binary;
using System.IO.Hashing;

namespace Pachyderm.Storage.Index;

/// <summary>
/// Format 1 of a run of the chunk index: a header block; blocks of sorted entries, each with its check; the first 64 bits of each
/// block's first identifier (the fences); a Bloom filter. Integers are little-endian. A run is derived data: one that does not read
/// is thrown away with its index, which is then built from the packs again.
/// </summary>
internal static class IndexRunFormat
{
    /// <summary>The version that is written.</summary>
    public const ushort Version = 1;

    /// <summary>The oldest release of the format whose readers understand what is written.</summary>
    public const ushort MinReader = 1;

    /// <summary>Bytes of a block: what a lookup reads, and never across two pages.</summary>
    public const int BlockLength = 1024;

    /// <summary>Entries of a full block; 8 reserved bytes and a check of 8 follow them.</summary>
    public const int EntriesPerBlock = 21;

    private const int CheckOffset = BlockLength - sizeof(ulong);

    private static ReadOnlySpan<byte> Magic => "PACHCIDX"u8;

    /// <summary>Number of blocks with entries.</summary>
    public static long BlockCount(long entries) => (entries + EntriesPerBlock - 1) / EntriesPerBlock;

    /// <summary>Completes a block.</summary>
    /// <param name="block">The block.</param>
    /// <param name="number">Its place in the file; the header is 0.</param>
    public static void Seal(Span<byte> block, long number) =>
        BinaryPrimitives.WriteUInt64LittleEndian(block[CheckOffset..], XxHash3.HashToUInt64(block[..CheckOffset], number));

    /// <summary>Whether a block is intact and lies where it was written.</summary>
    public static bool IsIntact(ReadOnlySpan<byte> block, long number) =>
        BinaryPrimitives.ReadUInt64LittleEndian(block[CheckOffset..]) == XxHash3.HashToUInt64(block[..CheckOffset], number);

    /// <summary>
    /// Writes the header: magic 8, version 2, oldest reader 2, reserved 4, entries 8, capacity of the filter 8, check of the fences 8, of
    /// the filter 8.
    /// </summary>
    public static void WriteHeader(Span<byte> block, long entries, long capacity, ulong fenceCheck, ulong filterCheck)
    {
        block.Clear();
        Magic.CopyTo(block);
        BinaryPrimitives.WriteUInt16LittleEndian(block[8..], Version);
        BinaryPrimitives.WriteUInt16LittleEndian(block[10..], MinReader);
        BinaryPrimitives.WriteInt64LittleEndian(block[16..], entries);
        BinaryPrimitives.WriteInt64LittleEndian(block[24..], capacity);
        BinaryPrimitives.WriteUInt64LittleEndian(block[32..], fenceCheck);
        BinaryPrimitives.WriteUInt64LittleEndian(block[40..], filterCheck);
        Seal(block, 0);
    }

    /// <summary>Reads a header.</summary>
    /// <returns>Whether it is intact and agrees with the length of the file.</returns>
    public static bool TryReadHeader(
        ReadOnlySpan<byte> block, long fileLength, out long entries, out long capacity, out ulong fenceCheck, out ulong filterCheck)
    {
        entries = BinaryPrimitives.ReadInt64LittleEndian(block[16..]);
        capacity = BinaryPrimitives.ReadInt64LittleEndian(block[24..]);
        fenceCheck = BinaryPrimitives.ReadUInt64LittleEndian(block[32..]);
        filterCheck = BinaryPrimitives.ReadUInt64LittleEndian(block[40..]);
        return IsIntact(block, 0) && block.StartsWith(Magic) && BinaryPrimitives.ReadUInt16LittleEndian(block[10..]) <= Version
            && entries >= 0 && capacity >= entries && entries <= fileLength && capacity <= fileLength
            && FileLength(entries, capacity) == fileLength;
    }

    /// <summary>Length of a whole run.</summary>
    public static long FileLength(long entries, long capacity) =>
        ((1 + BlockCount(entries)) * BlockLength) + (BlockCount(entries) * sizeof(ulong)) + BloomFilter.LengthFor(capacity);
}
