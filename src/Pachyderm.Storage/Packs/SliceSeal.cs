using System.Buffers.Binary;
using System.Security.Cryptography;
using Pachyderm.Storage.Adoption;
using Pachyderm.Storage.Content;

namespace Pachyderm.Storage.Packs;

/// <summary>
/// What precedes the bytes of a slice of an older object in the pack that they were copied to. The name of a slice says which object it
/// is a part of, and where; it cannot be computed from the bytes, so their own hash, learnt when the whole object was compared with its
/// name, stands with them.
/// </summary>
/// <param name="ObjectSha512">The object.</param>
/// <param name="ObjectLength">Its length in bytes.</param>
/// <param name="Offset">The slice's first byte in it.</param>
/// <param name="Sha256">The hash of the slice's bytes.</param>
internal sealed record SliceSeal(byte[] ObjectSha512, long ObjectLength, long Offset, byte[] Sha256)
{
    /// <summary>Bytes of a seal: SHA-512 of the object 64, its length 8, offset 8, SHA-256 of the slice 32.</summary>
    public const int Length = SHA512.HashSizeInBytes + 16 + SHA256.HashSizeInBytes;

    /// <summary>Writes the seal.</summary>
    public void Write(Span<byte> target)
    {
        ObjectSha512.CopyTo(target);
        BinaryPrimitives.WriteInt64LittleEndian(target[64..], ObjectLength);
        BinaryPrimitives.WriteInt64LittleEndian(target[72..], Offset);
        Sha256.CopyTo(target[80..]);
    }

    /// <summary>Reads the seal of a chunk.</summary>
    /// <param name="id">The chunk.</param>
    /// <param name="rawLength">Its length.</param>
    /// <param name="stored">What is stored for it; at least <see cref="Length"/> bytes.</param>
    /// <returns>The seal, or null if it is that of another chunk.</returns>
    public static SliceSeal? TryRead(ChunkId id, int rawLength, ReadOnlySpan<byte> stored)
    {
        long objectLength = BinaryPrimitives.ReadInt64LittleEndian(stored[64..]);
        long offset = BinaryPrimitives.ReadInt64LittleEndian(stored[72..]);
        return objectLength is > 0 and <= AdoptedChunks.MaximumObjectLength && offset >= 0 && offset < objectLength
            && rawLength == AdoptedChunks.LengthAt(objectLength, offset)
            && AdoptedChunks.SliceId(stored[..64], objectLength, offset) == id
            ? new SliceSeal(stored[..64].ToArray(), objectLength, offset, stored[80..Length].ToArray())
            : null;
    }
}
