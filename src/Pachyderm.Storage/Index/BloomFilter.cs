using System.Runtime.InteropServices;

namespace Pachyderm.Storage.Index;

/// <summary>
/// Says of most absent chunks that they are absent, looking at one cache line. Identifiers are hashes, so their bits serve as they are.
/// About 1 in 150 absent ones passes.
/// </summary>
internal sealed class BloomFilter
{
    private const int WordsPerLine = 8;
    private const int BitsPerLine = 512;
    private const int BitsPerKey = 12;
    private const int Probes = 7;
    private const ulong Spread = 0x9E3779B97F4A7C15;

    private readonly ulong[] _words;

    /// <summary>Creates an empty filter.</summary>
    /// <param name="capacity">How many identifiers it will hold.</param>
    public BloomFilter(long capacity) => _words = new ulong[LengthFor(capacity) / sizeof(ulong)];

    /// <summary>The bytes, as stored by a machine of little-endian order.</summary>
    public Span<byte> Bytes => MemoryMarshal.AsBytes(_words.AsSpan());

    /// <summary>Bytes of a filter.</summary>
    public static long LengthFor(long capacity) =>
        Math.Max(1, ((capacity * BitsPerKey) + BitsPerLine - 1) / BitsPerLine) * WordsPerLine * sizeof(ulong);

    /// <summary>Adds an identifier.</summary>
    /// <param name="prefix">Its first 64 bits.</param>
    public void Add(ulong prefix)
    {
        Span<ulong> line = Line(prefix);
        ulong bits = prefix * Spread;
        for (int i = 0; i < Probes; i++, bits >>= 9)
        {
            line[(int)(bits >> 6) & (WordsPerLine - 1)] |= 1UL << (int)(bits & 63);
        }
    }

    /// <summary>False only if the identifier was never added.</summary>
    public bool MayContain(ulong prefix)
    {
        Span<ulong> line = Line(prefix);
        ulong bits = prefix * Spread;
        for (int i = 0; i < Probes; i++, bits >>= 9)
        {
            if ((line[(int)(bits >> 6) & (WordsPerLine - 1)] & (1UL << (int)(bits & 63))) == 0)
            {
                return false;
            }
        }

        return true;
    }

    private Span<ulong> Line(ulong prefix)
    {
        ulong line = Math.BigMul(prefix, (ulong)(_words.Length / WordsPerLine), out _);
        return _words.AsSpan((int)line * WordsPerLine, WordsPerLine);
    }
}
