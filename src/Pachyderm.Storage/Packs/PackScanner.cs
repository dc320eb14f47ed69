using System.Buffers;
using Microsoft.Win32.SafeHandles;
using Pachyderm.Storage.Adoption;

namespace Pachyderm.Storage.Packs;

/// <summary>What a scan found in one place of a pack.</summary>
/// <param name="Offset">Where it begins.</param>
/// <param name="Length">Its length.</param>
/// <param name="Header">The header of the record, or null where there is none that can be read.</param>
/// <param name="Intact">Whether it is a record whose payload agrees with its name; of a reference, whether it is intact in itself.</param>
internal readonly record struct ScannedPiece(long Offset, long Length, RecordHeader? Header, bool Intact)
{
    /// <summary>The entry of a record.</summary>
    public PackEntry Entry => new(Header!.Value.Id, (uint)Offset, Header.Value.Payload);
}

/// <summary>Reads a pack without its footer, record by record, and finds the next record after damage.</summary>
internal static class PackScanner
{
    private const int WindowLength = 256 * 1024;

    /// <summary>Walks the records.</summary>
    /// <param name="handle">The pack.</param>
    /// <param name="id">Its name.</param>
    /// <param name="end">Where the records end at the latest.</param>
    /// <param name="readPayloads">Whether payloads are decoded and hashed; if not, a record counts as intact when its header is.</param>
    /// <returns>Pieces that cover the pack from its header to <paramref name="end"/> without gap.</returns>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static IEnumerable<ScannedPiece> Scan(SafeFileHandle handle, PackId id, long end, bool readPayloads)
    {
        long offset = PackFormat.HeaderLength;
        while (offset < end)
        {
            if (ReadHeader(handle, id, offset, end) is not { } header)
            {
                long next = FindHeader(handle, id, offset + 1, end);
                yield return new ScannedPiece(offset, next - offset, Header: null, Intact: false);
                offset = next;
                continue;
            }

            bool whole = offset + header.RecordLength <= end;
            bool intact = whole && (!readPayloads || IsIntact(handle, id, offset, header));
            long length = whole ? header.RecordLength : end - offset;
            yield return new ScannedPiece(offset, length, header, intact);
            offset += length;
        }
    }

    /// <summary>Reads the header at an offset.</summary>
    /// <returns>The header, or null if there is none before <paramref name="end"/>.</returns>
    public static RecordHeader? ReadHeader(SafeFileHandle handle, PackId id, long offset, long end)
    {
        Span<byte> bytes = stackalloc byte[RecordHeader.Length];
        return offset + RecordHeader.Length <= end && PackReader.ReadFully(handle, offset, bytes)
            && RecordHeader.TryRead(id, offset, bytes, out RecordHeader header) ? header : null;
    }

    private static bool IsIntact(SafeFileHandle handle, PackId id, long offset, RecordHeader header)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(header.Payload.StoredLength);
        try
        {
            Span<byte> stored = buffer.AsSpan(0, header.Payload.StoredLength);
            return PackReader.ReadFully(handle, offset + RecordHeader.Length, stored)
                && (header.Payload.Encoding == ChunkEncoding.Reference
                    ? AdoptedReference.TryRead(id, new PackEntry(header.Id, (uint)offset, header.Payload), stored) is not null
                    : ChunkCodec.IsIntact(header.Id, header.Payload, stored));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static long FindHeader(SafeFileHandle handle, PackId id, long offset, long end)
    {
        byte[] window = ArrayPool<byte>.Shared.Rent(WindowLength);
        try
        {
            while (offset + RecordHeader.Length <= end)
            {
                int length = (int)Math.Min(WindowLength, end - offset);
                if (!PackReader.ReadFully(handle, offset, window.AsSpan(0, length)))
                {
                    return end;
                }

                int from = 0;
                while (window.AsSpan(from, length - from).IndexOf(RecordHeader.Marker) is var found and >= 0)
                {
                    from += found;
                    if (ReadHeader(handle, id, offset + from, end) is not null)
                    {
                        return offset + from;
                    }

                    from++;
                }

                // A marker may straddle the end of the window.
                offset += Math.Max(1, length - RecordHeader.Marker.Length + 1);
            }

            return end;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(window);
        }
    }
}
