using System.Buffers.Binary;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Packs;

namespace Pachyderm.Storage.Index;

/// <summary>Where a chunk lies.</summary>
/// <param name="Pack">The number of the pack.</param>
/// <param name="Offset">Where its record begins.</param>
/// <param name="Payload">What the record holds.</param>
internal readonly record struct ChunkLocation(uint Pack, uint Offset, ChunkPayload Payload);

/// <summary>A chunk and where it lies.</summary>
/// <param name="Id">The chunk.</param>
/// <param name="Location">Where it lies.</param>
internal readonly record struct IndexEntry(ChunkId Id, ChunkLocation Location)
{
    /// <summary>
    /// Bytes of an entry: identifier 32, pack 4, offset 4, stored length (25 bits), encoding (3), hash (4), raw length 4.
    /// </summary>
    public const int Length = 48;

    private const int LengthBits = 25;
    private const int EncodingBits = 3;

    /// <summary>Writes the entry.</summary>
    public void Write(Span<byte> target)
    {
        ChunkPayload payload = Location.Payload;
        Id.CopyTo(target);
        BinaryPrimitives.WriteUInt32LittleEndian(target[32..], Location.Pack);
        BinaryPrimitives.WriteUInt32LittleEndian(target[36..], Location.Offset);
        uint packed = (uint)payload.StoredLength | ((uint)payload.Encoding << LengthBits)
            | ((uint)payload.Hash << (LengthBits + EncodingBits));
        BinaryPrimitives.WriteUInt32LittleEndian(target[40..], packed);
        BinaryPrimitives.WriteInt32LittleEndian(target[44..], payload.RawLength);
    }

    /// <summary>Reads an entry.</summary>
    public static IndexEntry Read(ReadOnlySpan<byte> source) => new(new ChunkId(source), ReadLocation(source));

    /// <summary>Reads the location of an entry.</summary>
    public static ChunkLocation ReadLocation(ReadOnlySpan<byte> source)
    {
        uint packed = BinaryPrimitives.ReadUInt32LittleEndian(source[40..]);
        ChunkPayload payload = new(
            (int)(packed & ((1u << LengthBits) - 1)), BinaryPrimitives.ReadInt32LittleEndian(source[44..]),
            (ChunkEncoding)((packed >> LengthBits) & ((1u << EncodingBits) - 1)), (ChunkHash)(packed >> (LengthBits + EncodingBits)));
        return new ChunkLocation(
            BinaryPrimitives.ReadUInt32LittleEndian(source[32..]), BinaryPrimitives.ReadUInt32LittleEndian(source[36..]), payload);
    }
}
