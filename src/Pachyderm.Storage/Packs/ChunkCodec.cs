using System.Buffers;
using System.Security.Cryptography;
using Pachyderm.Storage.Adoption;
using Pachyderm.Storage.Content;
using ZstdSharp;

namespace Pachyderm.Storage.Packs;

/// <summary>Compresses chunks where it pays, and decodes them without trusting a byte.</summary>
internal static class ChunkCodec
{
    // What is saved must be worth the decoding of every later read.
    private const int MinimumSavingShift = 4;
    private const int SmallestCompressed = 64;
    private const int SampleSlices = 4;
    private const int SliceLength = 256;
    private const int CompressionLevel = 1;

    [ThreadStatic]
    private static Compressor? _compressor;

    [ThreadStatic]
    private static Decompressor? _decompressor;

    /// <summary>Compresses a chunk if at least a sixteenth of it is saved.</summary>
    /// <param name="content">The chunk.</param>
    /// <param name="length">Length of the result.</param>
    /// <returns>An array of the shared pool with the result at its beginning, or null if the chunk is better stored as it is.</returns>
    public static byte[]? TryCompress(ReadOnlySpan<byte> content, out int length)
    {
        length = 0;
        if (content.Length < SmallestCompressed || LooksRandom(content))
        {
            return null;
        }

        _compressor ??= new Compressor(CompressionLevel);
        int budget = content.Length - (content.Length >> MinimumSavingShift) - 1;
        byte[] target = ArrayPool<byte>.Shared.Rent(budget);
        if (_compressor.TryWrap(content, target.AsSpan(0, budget), out length))
        {
            return target;
        }

        ArrayPool<byte>.Shared.Return(target);
        return null;
    }

    /// <summary>Decodes a payload and checks it against the name of its chunk.</summary>
    /// <param name="id">The chunk.</param>
    /// <param name="payload">What is stored.</param>
    /// <param name="stored">Its bytes.</param>
    /// <param name="raw">Takes the bytes of the chunk: exactly its length.</param>
    /// <returns>Whether these are the bytes of the chunk.</returns>
    public static bool TryDecode(ChunkId id, ChunkPayload payload, ReadOnlySpan<byte> stored, Span<byte> raw)
    {
        ReadOnlySpan<byte> body = stored[payload.SealLength..];
        if (payload.Encoding == ChunkEncoding.Plain)
        {
            body.CopyTo(raw);
            return IsNamed(id, payload.Hash, stored, raw);
        }

        _decompressor ??= new Decompressor();
        try
        {
            return _decompressor.TryUnwrap(body, raw, out int written) && written == raw.Length && IsNamed(id, payload.Hash, stored, raw);
        }
        catch (ZstdException)
        {
            // Not a zstd frame: to the caller the same as a wrong hash.
            return false;
        }
    }

    /// <summary>Whether stored bytes are those of their chunk.</summary>
    public static bool IsIntact(ChunkId id, ChunkPayload payload, ReadOnlySpan<byte> stored)
    {
        if (payload.Encoding == ChunkEncoding.Plain)
        {
            return IsNamed(id, payload.Hash, stored, stored[payload.SealLength..]);
        }

        byte[] raw = ArrayPool<byte>.Shared.Rent(payload.RawLength);
        try
        {
            return TryDecode(id, payload, stored, raw.AsSpan(0, payload.RawLength));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(raw);
        }
    }

    /// <summary>Whether bytes are those that a chunk's name stands for.</summary>
    /// <param name="id">The chunk.</param>
    /// <param name="hash">What checks it.</param>
    /// <param name="stored">What is stored for it; of a slice, its seal at least.</param>
    /// <param name="raw">The bytes.</param>
    public static bool IsNamed(ChunkId id, ChunkHash hash, ReadOnlySpan<byte> stored, ReadOnlySpan<byte> raw)
    {
        if (hash == ChunkHash.Sha256)
        {
            return ChunkId.Of(raw) == id;
        }

        Span<byte> digest = stackalloc byte[SHA512.HashSizeInBytes];
        if (hash == ChunkHash.Sha512)
        {
            SHA512.HashData(raw, digest);
            return AdoptedChunks.WholeId(digest) == id;
        }

        SHA256.HashData(raw, digest);
        return SliceSeal.TryRead(id, raw.Length, stored) is { } seal && digest[..SHA256.HashSizeInBytes].SequenceEqual(seal.Sha256);
    }

    // How often two bytes of a sample agree: 1 in 256 for random, encrypted or compressed bytes, far more for whatever zstd can shorten.
    // It costs less than a microsecond, where asking zstd itself would cost a tenth of storing a small chunk.
    private static bool LooksRandom(ReadOnlySpan<byte> content)
    {
        Span<int> counts = stackalloc int[256];
        counts.Clear();
        int total = 0;
        if (content.Length <= SampleSlices * SliceLength)
        {
            total = Count(content, counts);
        }
        else
        {
            int step = (content.Length - SliceLength) / (SampleSlices - 1);
            for (int i = 0; i < SampleSlices; i++)
            {
                total += Count(content.Slice(i * step, SliceLength), counts);
            }
        }

        long squares = 0;
        foreach (int count in counts)
        {
            squares += (long)count * count;
        }

        long expected = total + ((long)total * (total - 1) / 256);
        return total >= 256 && squares < expected + (expected / 8);
    }

    private static int Count(ReadOnlySpan<byte> bytes, Span<int> counts)
    {
        foreach (byte value in bytes)
        {
            counts[value]++;
        }

        return bytes.Length;
    }
}
