using System.Buffers.Binary;
using Pachyderm.Storage.Adoption;
using Pachyderm.Storage.Content;

namespace Pachyderm.Storage.Packs;

/// <summary>How the bytes of a chunk are stored.</summary>
internal enum ChunkEncoding : byte
{
    /// <summary>As they are.</summary>
    Plain = 0,

    /// <summary>One zstd frame.</summary>
    Zstd = 1,

    /// <summary>Not here: a reference to bytes of an adopted object (<see cref="AdoptedReference"/>). In adopted packs only.</summary>
    Reference = 2,
}

/// <summary>Which hash checks a payload.</summary>
internal enum ChunkHash : byte
{
    /// <summary>The SHA-256 of the bytes is the identifier.</summary>
    Sha256 = 0,

    /// <summary>
    /// The identifier is made of the SHA-512 that names an object of an older release (<see cref="AdoptedChunks"/>). Of a reference: or
    /// is that of a slice of one.
    /// </summary>
    Sha512 = 1,

    /// <summary>
    /// The identifier is that of a slice of an object of an older release; a <see cref="SliceSeal"/> precedes what is stored.
    /// </summary>
    Slice = 2,
}

/// <summary>What is stored for a chunk.</summary>
/// <param name="StoredLength">Bytes in the pack; unless they are a reference, at most <paramref name="RawLength"/> and a seal.</param>
/// <param name="RawLength">Bytes of the chunk.</param>
/// <param name="Encoding">How they are stored.</param>
/// <param name="Hash">What checks them.</param>
internal readonly record struct ChunkPayload(int StoredLength, int RawLength, ChunkEncoding Encoding, ChunkHash Hash)
{
    /// <summary>Bytes that <see cref="Write"/> writes.</summary>
    public const int Length = 10;

    /// <summary>Bytes that precede what is stored of the chunk itself.</summary>
    public int SealLength => Hash == ChunkHash.Slice ? SliceSeal.Length : 0;

    /// <summary>Whether lengths and codes are ones that this release writes.</summary>
    public bool IsValid => StoredLength >= SealLength && RawLength is >= 0 and <= IChunkStore.MaximumLength && (Encoding, Hash) switch
    {
        (ChunkEncoding.Plain, ChunkHash.Sha256 or ChunkHash.Sha512 or ChunkHash.Slice) => StoredLength - SealLength == RawLength,
        (ChunkEncoding.Zstd, ChunkHash.Sha256 or ChunkHash.Sha512 or ChunkHash.Slice) => StoredLength - SealLength < RawLength,
        (ChunkEncoding.Reference, ChunkHash.Sha512) => RawLength > 0
            && StoredLength is >= AdoptedReference.MinimumLength and <= AdoptedReference.MaximumLength,
        _ => false,
    };

    /// <summary>Writes stored length 4, raw length 4, encoding 1, hash 1.</summary>
    public void Write(Span<byte> target)
    {
        BinaryPrimitives.WriteInt32LittleEndian(target, StoredLength);
        BinaryPrimitives.WriteInt32LittleEndian(target[4..], RawLength);
        target[8] = (byte)Encoding;
        target[9] = (byte)Hash;
    }

    /// <summary>Reads what <see cref="Write"/> wrote.</summary>
    /// <returns>Whether it is valid.</returns>
    public static bool TryRead(ReadOnlySpan<byte> source, out ChunkPayload payload)
    {
        payload = new ChunkPayload(
            BinaryPrimitives.ReadInt32LittleEndian(source), BinaryPrimitives.ReadInt32LittleEndian(source[4..]),
            (ChunkEncoding)source[8], (ChunkHash)source[9]);
        return payload.IsValid;
    }
}
