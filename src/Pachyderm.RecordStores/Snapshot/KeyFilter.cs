namespace Pachyderm.RecordStores.Snapshot;

/// <summary>A Bloom filter: says for certain that a key was not added, or that it may have been. Safe for concurrent use.</summary>
internal sealed class KeyFilter
{
    private const int BitsPerKey = 10;
    private const int Probes = 4;

    private readonly ulong[] _bits;
    private readonly ulong _mask;

    /// <param name="expectedKeys">Number of keys at which about one wrong answer in a hundred is given.</param>
    public KeyFilter(long expectedKeys)
    {
        ulong bits = System.Numerics.BitOperations.RoundUpToPowerOf2(Math.Max(1024UL, (ulong)expectedKeys * BitsPerKey));
        _bits = new ulong[bits / 64];
        _mask = bits - 1;
    }

    public void Add(UInt128 hash)
    {
        for (uint probe = 0; probe < Probes; probe++)
        {
            ulong bit = Bit(hash, probe);
            Interlocked.Or(ref _bits[bit / 64], 1UL << (int)(bit % 64));
        }
    }

    public bool MayContain(UInt128 hash)
    {
        for (uint probe = 0; probe < Probes; probe++)
        {
            ulong bit = Bit(hash, probe);
            if ((_bits[bit / 64] >> (int)(bit % 64) & 1) == 0)
            {
                return false;
            }
        }

        return true;
    }

    private ulong Bit(UInt128 hash, uint probe) => ((ulong)hash + (probe * ((ulong)(hash >> 64) | 1))) & _mask;
}
