using System.Buffers.Binary;
using System.Text;
using Pachyderm.Errors;
using Pachyderm.Pps;
using Pachyderm.Storage.Content;
using ZstdSharp;

namespace Pachyderm.Scheduling;

/// <summary>Reads the pieces that <see cref="LogPieceWriter"/> makes, without trusting a byte.</summary>
internal sealed class LogPieceReader
{
    internal const byte Version = 1;
    internal const int HeaderLength = 8;
    internal const int OfDatum = 1;
    internal const int OfUser = 2;
    internal const int OfMaster = 4;

    // A piece is ended at 64 KiB of lines; the files of the datums that printed them come on top.
    private const int MaxLength = 256 << 20;

    private readonly string thing;
    private readonly byte[] raw;
    private int at;

    private LogPieceReader(string thing, byte[] raw)
    {
        this.thing = thing;
        this.raw = raw;
    }

    internal static ReadOnlySpan<byte> Header => [(byte)'L', (byte)'G', Version, Version];

    /// <summary>The lines of a piece.</summary>
    /// <param name="piece">The piece.</param>
    /// <param name="pipeline">The pipeline that it belongs to.</param>
    /// <param name="job">The job that it belongs to.</param>
    /// <exception cref="OperatorException">A later release wrote it.</exception>
    /// <exception cref="CorruptionException">It is damaged.</exception>
    public static IReadOnlyList<LogMessage> Read(ReadOnlyMemory<byte> piece, PipelineName pipeline, JobId job)
    {
        string log = $"log of job {job}";
        ReadOnlySpan<byte> bytes = piece.Span;
        if (bytes.Length < HeaderLength || !bytes[..2].SequenceEqual(Header[..2]))
        {
            throw Damaged(log, "a piece of it is none");
        }
        if (bytes[3] > Version)
        {
            throw new OperatorException(
                "log-version", log, $"it has format {bytes[2]}, and this release reads up to {Version}", "use a later release");
        }
        int length = BinaryPrimitives.ReadInt32LittleEndian(bytes[4..]);
        if (length is < 1 or > MaxLength)
        {
            throw Damaged(log, $"a piece of it claims {length} bytes");
        }
        byte[] content = new byte[length];
        using Decompressor decompressor = new();
        try
        {
            if (!decompressor.TryUnwrap(bytes[HeaderLength..], content, out int written) || written != length)
            {
                throw Damaged(log, "a piece of it has not the length that it claims");
            }
        }
        catch (ZstdException exception)
        {
            throw Damaged(log, "a piece of it cannot be decompressed", exception);
        }
        return new LogPieceReader(log, content).Lines(pipeline, job);
    }

    private List<LogMessage> Lines(PipelineName pipeline, JobId job)
    {
        LogMessage[] contexts = new LogMessage[Count(2)];
        for (int i = 0; i < contexts.Length; i++)
        {
            contexts[i] = Context(pipeline, job);
        }
        List<LogMessage> lines = [];
        long ticks = 0;
        while (at < raw.Length)
        {
            int number = Count(0);
            if (number >= contexts.Length)
            {
                throw Damaged(thing, "a line of it belongs to no context");
            }
            ulong zigzag = Number();
            ticks += (long)(zigzag >> 1) ^ -(long)(zigzag & 1);
            if (ticks < 0 || ticks > DateTimeOffset.MaxValue.UtcTicks)
            {
                throw Damaged(thing, "a line of it has no time");
            }
            lines.Add(contexts[number] with { Time = new DateTimeOffset(ticks, TimeSpan.Zero), Message = Text() });
        }
        return lines;
    }

    private LogMessage Context(PipelineName pipeline, JobId job)
    {
        string worker = Text();
        int flags = Bytes(1)[0];
        string datum = (flags & OfDatum) == 0 ? "" : new ChunkId(Bytes(ChunkId.Length)).ToString();
        LogFile[] files = new LogFile[Count(1 + ChunkId.Length)];
        for (int i = 0; i < files.Length; i++)
        {
            files[i] = new LogFile(Text(), new ChunkId(Bytes(ChunkId.Length)));
        }
        return new LogMessage(
            pipeline, job, worker, datum, (flags & OfMaster) != 0, (flags & OfUser) != 0, files.ToValueList(), default, "");
    }

    private string Text() => Encoding.UTF8.GetString(Bytes(Count(1)));

    private ReadOnlySpan<byte> Bytes(int length)
    {
        if (length > raw.Length - at)
        {
            throw Damaged(thing, "a piece of it ends too early");
        }
        at += length;
        return raw.AsSpan(at - length, length);
    }

    // A number of things that take at least so many bytes each, so that none is allocated that cannot be there.
    private int Count(int bytesEach)
    {
        ulong count = Number();
        return count <= (ulong)(raw.Length - at) / (ulong)Math.Max(1, bytesEach) || (bytesEach == 0 && count <= int.MaxValue)
            ? (int)count
            : throw Damaged(thing, "a piece of it ends too early");
    }

    private ulong Number()
    {
        ulong value = 0;
        for (int shift = 0; shift < 64; shift += 7)
        {
            byte next = Bytes(1)[0];
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
            {
                return value;
            }
        }
        throw Damaged(thing, "a number in it has no end");
    }

    private static CorruptionException Damaged(string thing, string problem, Exception? inner = null) =>
        new("log-damaged", thing, problem, "delete the job, or restore the metadata from a backup", inner);
}
