using System.Buffers.Binary;
using Pachyderm.Storage.Content;

namespace Pachyderm.Storage.Packs;

/// <summary>One chunk in the footer of a pack.</summary>
/// <param name="Id">The chunk.</param>
/// <param name="Offset">Where its record begins in the pack.</param>
/// <param name="Payload">What the record holds.</param>
internal readonly record struct PackEntry(ChunkId Id, uint Offset, ChunkPayload Payload)
{
    /// <summary>Bytes of an entry: identifier 32, offset 4, payload 10, reserved 2.</summary>
    public const int Length = 48;

    /// <summary>Writes the entry.</summary>
    public void Write(Span<byte> target)
    {
        Id.CopyTo(target);
        BinaryPrimitives.WriteUInt32LittleEndian(target[32..], Offset);
        Payload.Write(target[36..]);
        target[46..Length].Clear();
    }

    /// <summary>Reads an entry.</summary>
    /// <returns>Whether it is valid in itself.</returns>
    public static bool TryRead(ReadOnlySpan<byte> source, out PackEntry entry)
    {
        bool valid = ChunkPayload.TryRead(source[36..], out ChunkPayload payload) && source[46] == 0 && source[47] == 0;
        entry = new PackEntry(new ChunkId(source), BinaryPrimitives.ReadUInt32LittleEndian(source[32..]), payload);
        return valid;
    }
}
