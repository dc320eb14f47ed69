using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Pachyderm.Migration.Steps.Native;

/// <summary>
/// Chooses files evenly among all of all commits, the same for the same source: so that a second run reads the same, and nobody can say
/// beforehand which they are without having seen it all.
/// </summary>
internal sealed class FileSampler
{
    private readonly Queue<long> chosen;
    private long position;
    private long next;

    /// <summary>Chooses.</summary>
    /// <param name="seed">The same seed chooses the same files.</param>
    /// <param name="total">Number of files of all commits together.</param>
    /// <param name="wanted">How many to choose, at most.</param>
    public FileSampler(string seed, long total, long wanted)
    {
        long number = Math.Min(total, wanted);
        // One of each of as many stretches of equal length.
        List<long> places = [];
        for (long i = 0; i < number; i++)
        {
            long from = (long)((Int128)total * i / number);
            long length = (long)((Int128)total * (i + 1) / number) - from;
            byte[] hash = SHA256.HashData(Encoding.UTF8.GetBytes($"{seed} {i}"));
            places.Add(from + (long)(BinaryPrimitives.ReadUInt64BigEndian(hash) % (ulong)length));
        }
        chosen = new Queue<long>(places);
    }

    /// <summary>Whether a file is chosen among the next so many.</summary>
    public bool Hits(long count) => chosen.TryPeek(out long first) && first < position + count;

    /// <summary>Whether the next file of the commit is chosen.</summary>
    public bool Take()
    {
        bool taken = chosen.TryPeek(out long first) && first == next;
        if (taken)
        {
            chosen.Dequeue();
        }
        next++;
        return taken;
    }

    /// <summary>Goes on to the next commit.</summary>
    public void Pass(long count) => next = position += count;
}
