using System.Buffers.Binary;
using Pachyderm.Errors;

namespace Pachyderm.RecordStores.Snapshot;

/// <summary>The constants of the bbolt file format that etcd stores its data in; every number is little endian.</summary>
internal static class BoltFormat
{
    public const uint Magic = 0xED0CDAED;
    public const uint Version = 2;
    public const int DefaultPageSize = 4096;
    public const int SmallestPageSize = 512;
    public const int LargestPageSize = 64 * 1024;

    /// <summary>Page header: id (8), flags (2), count (2), overflow (4).</summary>
    public const int PageHeaderSize = 16;

    /// <summary>
    /// Leaf element: flags (4), position (4), key size (4), value size (4). Branch element: position (4), key size (4), page (8).
    /// A position counts from the start of the element itself.
    /// </summary>
    public const int ElementSize = 16;

    /// <summary>Header of a bucket: root page (8; 0 if the page follows inline), sequence (8).</summary>
    public const int BucketHeaderSize = 16;

    /// <summary>
    /// Meta: magic (4), version (4), page size (4), flags (4), root bucket (16), freelist page (8), number of pages (8),
    /// transaction (8), FNV-1a of all that (8).
    /// </summary>
    public const int MetaSize = 64;

    public const ushort BranchFlag = 0x01;
    public const ushort LeafFlag = 0x02;
    public const ushort MetaFlag = 0x04;
    public const ushort FreelistFlag = 0x10;

    /// <summary>Flag of a leaf element whose value is the header of a nested bucket.</summary>
    public const uint BucketElementFlag = 0x01;

    /// <summary>No tree of a file that fits on a disk is deeper.</summary>
    public const int DeepestTree = 24;

    /// <summary>64-bit FNV-1a, the checksum of meta pages.</summary>
    public static ulong Checksum(ReadOnlySpan<byte> bytes)
    {
        ulong hash = 14695981039346656037;
        foreach (byte each in bytes)
        {
            hash = (hash ^ each) * 1099511628211;
        }

        return hash;
    }

    /// <summary>Writes the 16 bytes that every page begins with.</summary>
    public static void WritePageHeader(Span<byte> page, ulong id, ushort flags, int count, int overflow)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(page, id);
        BinaryPrimitives.WriteUInt16LittleEndian(page[8..], flags);
        BinaryPrimitives.WriteUInt16LittleEndian(page[10..], (ushort)count);
        BinaryPrimitives.WriteUInt32LittleEndian(page[12..], (uint)overflow);
    }

    /// <summary>The one way in which readers of this folder report damage.</summary>
    public static CorruptionException Damaged(string path, string problem, Exception? inner = null) =>
        new("snapshot-damaged", path, problem, "use another copy of the file, or take a new one with 'etcdctl snapshot save'", inner);
}
