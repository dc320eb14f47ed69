using System.Buffers.Binary;

namespace Pachyderm.RecordStores.Etcd;

/// <summary>
/// Guesses where to end the next request of a long read. etcd before 3.5 walks its index to the end of the requested range for every
/// page, which makes a read of n records cost n² steps; a nearer end bounds that. A bad guess costs time and nothing else.
/// </summary>
internal static class EtcdKeyHorizon
{
    /// <summary>How much further to look, in multiples of what was just read.</summary>
    private const int Factor = 8;

    /// <summary>A key after <paramref name="start"/>, as far from it as eight times its distance from <paramref name="anchor"/>.</summary>
    /// <param name="anchor">A key that was read, before <paramref name="start"/>.</param>
    /// <param name="start">Where the next request starts.</param>
    /// <param name="end">Where the whole read ends; empty for no end. The guess is never after it.</param>
    public static ReadOnlyMemory<byte> Guess(ReadOnlySpan<byte> anchor, ReadOnlySpan<byte> start, ReadOnlyMemory<byte> end)
    {
        int common = anchor.CommonPrefixLength(start);
        ulong from = Number(anchor[common..]);
        ulong to = Number(start[common..]);
        UInt128 target = to + ((UInt128)Math.Max(1, to - from) * Factor);
        ReadOnlyMemory<byte> guess;
        if (target <= ulong.MaxValue)
        {
            byte[] key = new byte[common + sizeof(ulong)];
            start[..common].CopyTo(key);
            BinaryPrimitives.WriteUInt64BigEndian(key.AsSpan(common), (ulong)target);
            guess = key;
        }
        else
        {
            guess = KeyRange.Prefix(start[..common].ToArray()).End;
        }

        return guess.IsEmpty || (!end.IsEmpty && guess.Span.SequenceCompareTo(end.Span) > 0) ? end : guess;
    }

    /// <summary>The first eight bytes as a number that is ordered as the bytes are.</summary>
    private static ulong Number(ReadOnlySpan<byte> key)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        bytes.Clear();
        key[..Math.Min(key.Length, bytes.Length)].CopyTo(bytes);
        return BinaryPrimitives.ReadUInt64BigEndian(bytes);
    }
}
