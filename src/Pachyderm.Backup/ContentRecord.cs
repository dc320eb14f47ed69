using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using Pachyderm.Errors;

namespace Pachyderm.Backup;

/// <summary>
/// One record of the list of files: kind (1 byte), length of the path (2), of the data (2), size (8, all little-endian), path in UTF-8,
/// data. Records are in byte order of the paths, and an end record closes the list.
/// </summary>
/// <param name="Kind">How the content is told.</param>
/// <param name="Path">Path below the storage root.</param>
/// <param name="SizeBytes">Size of the file; of a link 0.</param>
/// <param name="Data">See <paramref name="Kind"/>.</param>
internal readonly record struct ContentRecord(ContentRecordKind Kind, string Path, long SizeBytes, ReadOnlyMemory<byte> Data)
{
    public const int HeaderBytes = 13;
    public const int MaxPathBytes = 4096;
    public const int MaxDataBytes = 4096;
    public const int Sha256Bytes = 32;

    public static ContentRecord EndOf(long count) => new(ContentRecordKind.End, "", count, default);

    public void Write(IBufferWriter<byte> target)
    {
        int pathBytes = Encoding.UTF8.GetByteCount(Path);
        if (pathBytes > MaxPathBytes || Data.Length > MaxDataBytes)
        {
            throw new OperatorException(
                "content-path-too-long", Path[..Math.Min(Path.Length, 200)], "the path or link target is too long",
                "move it out of the storage root");
        }

        Span<byte> bytes = target.GetSpan(HeaderBytes + pathBytes + Data.Length);
        bytes[0] = (byte)Kind;
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[1..], (ushort)pathBytes);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[3..], (ushort)Data.Length);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[5..], SizeBytes);
        Encoding.UTF8.GetBytes(Path, bytes[HeaderBytes..]);
        Data.Span.CopyTo(bytes[(HeaderBytes + pathBytes)..]);
        target.Advance(HeaderBytes + pathBytes + Data.Length);
    }

    /// <summary>Reads a record from the beginning of <paramref name="bytes"/>; 0 when more bytes are needed.</summary>
    public static int TryRead(ReadOnlySpan<byte> bytes, string thing, out ContentRecord record)
    {
        record = default;
        if (bytes.Length < HeaderBytes)
        {
            return 0;
        }

        int pathBytes = BinaryPrimitives.ReadUInt16LittleEndian(bytes[1..]);
        int dataBytes = BinaryPrimitives.ReadUInt16LittleEndian(bytes[3..]);
        long size = BinaryPrimitives.ReadInt64LittleEndian(bytes[5..]);
        ContentRecordKind kind = (ContentRecordKind)bytes[0];
        bool dataFits = kind switch
        {
            ContentRecordKind.End => dataBytes == 0 && pathBytes == 0,
            ContentRecordKind.Object => dataBytes == 0,
            ContentRecordKind.Block or ContentRecordKind.Blob or ContentRecordKind.Pack => dataBytes == Sha256Bytes,
            ContentRecordKind.Inline => dataBytes == size,
            ContentRecordKind.Link => dataBytes > 0 && size == 0,
            _ => false,
        };
        if (!dataFits || size < 0 || pathBytes > MaxPathBytes || dataBytes > MaxDataBytes)
        {
            throw SealedFormat.Damaged(thing, "a record of it is malformed");
        }

        int total = HeaderBytes + pathBytes + dataBytes;
        if (bytes.Length < total)
        {
            return 0;
        }

        record = new ContentRecord(
            kind, Encoding.UTF8.GetString(bytes.Slice(HeaderBytes, pathBytes)), size,
            bytes.Slice(HeaderBytes + pathBytes, dataBytes).ToArray());
        return total;
    }
}

/// <summary>How a record of the list of files tells the content.</summary>
internal enum ContentRecordKind : byte
{
    /// <summary>End of the list; <see cref="ContentRecord.SizeBytes"/> is the number of records before it.</summary>
    End = 0,

    /// <summary>An object whose name is the SHA-512 of its content.</summary>
    Object = 1,

    /// <summary>A block; the data is the SHA-256 of its content.</summary>
    Block = 2,

    /// <summary>A small file; the data is its content.</summary>
    Inline = 3,

    /// <summary>Another file; the data is the SHA-256 of its content.</summary>
    Blob = 4,

    /// <summary>A symbolic link; the data is its target in UTF-8.</summary>
    Link = 5,

    /// <summary>A sealed pack of 3.0; the data is the SHA-256 of its content.</summary>
    Pack = 6,
}
