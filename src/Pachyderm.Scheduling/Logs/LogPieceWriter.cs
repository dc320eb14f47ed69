using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using ZstdSharp;

namespace Pachyderm.Scheduling;

/// <summary>
/// Collects lines into a piece of a log. Format 1: <c>'L' 'G'</c>, version 1, lowest version of a reader 1, the length of what follows
/// before its compression (32 bits, little-endian), and a zstd frame. In that: the number of contexts, each with the worker, a byte (1: of
/// a datum, 2: of the program, 4: of the scheduler), the 32 bytes of the datum if there is one, the number of files, each with path and 32
/// bytes of hash; then lines to the end, each with the number of its context, the time in ticks of 100 ns since the line before, and the
/// text. Numbers are LEB128, times zigzag; texts are UTF-8 behind their length. Not safe for concurrent use.
/// </summary>
internal sealed class LogPieceWriter
{
    private const int CompressionLevel = 1;

    private readonly Dictionary<LogContext, int> numbers = new(ReferenceEqualityComparer.Instance);
    private readonly ArrayBufferWriter<byte> contexts = new();
    private readonly ArrayBufferWriter<byte> lines = new();
    private long lastTicks;

    /// <summary>Bytes so far, before compression.</summary>
    public int Length => contexts.WrittenCount + lines.WrittenCount;

    /// <summary>Adds a line.</summary>
    public void Add(LogContext context, DateTimeOffset time, string message)
    {
        if (!numbers.TryGetValue(context, out int number))
        {
            number = numbers.Count;
            numbers.Add(context, number);
            AddContext(context);
        }
        Number(lines, (ulong)number);
        long ticks = time.UtcTicks - lastTicks;
        lastTicks = time.UtcTicks;
        Number(lines, (ulong)((ticks << 1) ^ (ticks >> 63)));
        Text(lines, message);
    }

    /// <summary>The piece.</summary>
    public byte[] ToPiece()
    {
        ArrayBufferWriter<byte> raw = new(Length + LogPieceReader.HeaderLength);
        Number(raw, (ulong)numbers.Count);
        raw.Write(contexts.WrittenSpan);
        raw.Write(lines.WrittenSpan);
        using Compressor compressor = new(CompressionLevel);
        Span<byte> compressed = compressor.Wrap(raw.WrittenSpan);
        byte[] piece = new byte[LogPieceReader.HeaderLength + compressed.Length];
        LogPieceReader.Header.CopyTo(piece);
        BinaryPrimitives.WriteInt32LittleEndian(piece.AsSpan(LogPieceReader.Header.Length), raw.WrittenCount);
        compressed.CopyTo(piece.AsSpan(LogPieceReader.HeaderLength));
        return piece;
    }

    private void AddContext(LogContext context)
    {
        Text(contexts, context.Worker);
        int flags = (context.Datum is null ? 0 : LogPieceReader.OfDatum)
            | (context.IsUser ? LogPieceReader.OfUser : 0)
            | (context.IsMaster ? LogPieceReader.OfMaster : 0);
        contexts.Write([(byte)flags]);
        if (context.Datum is { } datum)
        {
            contexts.Write(datum.ToArray());
        }
        Number(contexts, (ulong)context.Files.Count);
        foreach (LogFile file in context.Files)
        {
            Text(contexts, file.Path);
            contexts.Write(file.Hash.ToArray());
        }
    }

    private static void Text(ArrayBufferWriter<byte> target, string text)
    {
        int length = Encoding.UTF8.GetByteCount(text);
        Number(target, (ulong)length);
        Encoding.UTF8.GetBytes(text, target.GetSpan(Math.Max(1, length)));
        target.Advance(length);
    }

    private static void Number(ArrayBufferWriter<byte> target, ulong value)
    {
        while (value >= 0x80)
        {
            target.Write([(byte)(value | 0x80)]);
            value >>= 7;
        }
        target.Write([(byte)value]);
    }
}
