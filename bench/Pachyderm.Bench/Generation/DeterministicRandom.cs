namespace Pachyderm.Bench.Generation;

/// <summary>
/// SplitMix64. Its numbers depend on nothing but the seed, while those of <see cref="Random"/> may change with the runtime: the same
/// command must give the same cluster everywhere.
/// </summary>
internal sealed class DeterministicRandom(ulong seed)
{
    private ulong _state = seed;

    public ulong Next()
    {
        unchecked
        {
            ulong mixed = _state += 0x9E3779B97F4A7C15;
            mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9;
            mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
            return mixed ^ (mixed >> 31);
        }
    }

    /// <summary>A number of 0 to <paramref name="limit"/> - 1.</summary>
    public int Below(int limit) => (int)(Next() % (ulong)limit);

    /// <summary>True in <paramref name="percent"/> of 100 cases.</summary>
    public bool Chance(int percent) => Below(100) < percent;

    /// <summary>A UUID without dashes, as commits have.</summary>
    public string CommitId() => $"{Next():x16}{Next():x16}";

    /// <summary>A UUID with dashes, as jobs have.</summary>
    public string JobId()
    {
        string digits = CommitId();
        return $"{digits[..8]}-{digits[8..12]}-{digits[12..16]}-{digits[16..20]}-{digits[20..]}";
    }

    /// <summary>128 hexadecimal digits, as the hash of an object has.</summary>
    public string ObjectHash() => $"{CommitId()}{CommitId()}{CommitId()}{CommitId()}";
}
