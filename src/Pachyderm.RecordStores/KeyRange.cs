using System.Text;

namespace Pachyderm.RecordStores;

/// <summary>Keys from <paramref name="Start"/> up to, and without, <paramref name="End"/>, in byte order.</summary>
/// <param name="Start">First key of the range.</param>
/// <param name="End">First key after the range; empty for no end.</param>
public readonly record struct KeyRange(ReadOnlyMemory<byte> Start, ReadOnlyMemory<byte> End)
{
    /// <summary>Every key of the store.</summary>
    public static KeyRange All { get; } = new(ReadOnlyMemory<byte>.Empty, ReadOnlyMemory<byte>.Empty);

    /// <summary>All keys that begin with <paramref name="prefix"/> (encoded as UTF-8).</summary>
    public static KeyRange Prefix(string prefix) => Prefix(Encoding.UTF8.GetBytes(prefix));

    /// <summary>All keys that begin with <paramref name="prefix"/>.</summary>
    public static KeyRange Prefix(ReadOnlyMemory<byte> prefix)
    {
        byte[] end = prefix.ToArray();
        for (int last = end.Length - 1; last >= 0; last--)
        {
            if (end[last] != 0xff)
            {
                end[last]++;
                return new KeyRange(prefix, end.AsMemory(0, last + 1));
            }
        }

        return new KeyRange(prefix, ReadOnlyMemory<byte>.Empty);
    }

    /// <summary>Whether <paramref name="key"/> lies in the range.</summary>
    public bool Contains(ReadOnlySpan<byte> key) =>
        key.SequenceCompareTo(Start.Span) >= 0 && (End.IsEmpty || key.SequenceCompareTo(End.Span) < 0);
}
