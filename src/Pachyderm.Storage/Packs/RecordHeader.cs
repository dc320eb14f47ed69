using System.Buffers.Binary;
using System.IO.Hashing;
using Pachyderm.Storage.Content;

namespace Pachyderm.Storage.Packs;

/// <summary>What precedes each payload in a pack, so that a pack without a footer can be read, too.</summary>
/// <param name="Id">The chunk.</param>
/// <param name="Payload">What follows.</param>
internal readonly record struct RecordHeader(ChunkId Id, ChunkPayload Payload)
{
    /// <summary>Bytes of a header: marker 4, payload 10, reserved 2, identifier 32, check 8.</summary>
    public const int Length = 56;

    /// <summary>What every record begins with.</summary>
    public static ReadOnlySpan<byte> Marker => "PRec"u8;

    /// <summary>Bytes of the whole record.</summary>
    public int RecordLength => Length + Payload.StoredLength;

    /// <summary>Writes the header.</summary>
    /// <param name="pack">The pack that it goes into.</param>
    /// <param name="offset">Where it goes.</param>
    /// <param name="target">At least <see cref="Length"/> bytes.</param>
    public void Write(PackId pack, long offset, Span<byte> target)
    {
        Marker.CopyTo(target);
        Payload.Write(target[4..]);
        target[14..16].Clear();
        Id.CopyTo(target[16..]);
        BinaryPrimitives.WriteUInt64LittleEndian(target[48..], Check(pack, offset, target));
    }

    /// <summary>Reads a header.</summary>
    /// <param name="pack">The pack that holds it.</param>
    /// <param name="offset">Where it lies.</param>
    /// <param name="source">At least <see cref="Length"/> bytes.</param>
    /// <param name="header">The header.</param>
    /// <returns>Whether it is intact.</returns>
    public static bool TryRead(PackId pack, long offset, ReadOnlySpan<byte> source, out RecordHeader header)
    {
        if (source.StartsWith(Marker) && BinaryPrimitives.ReadUInt64LittleEndian(source[48..]) == Check(pack, offset, source)
            && ChunkPayload.TryRead(source[4..], out ChunkPayload payload))
        {
            header = new RecordHeader(new ChunkId(source[16..]), payload);
            return true;
        }

        header = default;
        return false;
    }

    private static ulong Check(PackId pack, long offset, ReadOnlySpan<byte> header) =>
        XxHash3.HashToUInt64(header[..48], (long)(pack.Seed + (ulong)offset));
}
