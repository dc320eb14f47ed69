using System.Buffers.Binary;
using System.IO.Hashing;
using Pachyderm.Errors;
using Pachyderm.Storage.Content;

namespace Pachyderm.Portable;

/// <summary>
/// How a cluster is written as one stream, see doc/extract.md: a header of 64 bytes; frames; a last frame with the number of frames before
/// it and the SHA-256 of all bytes before it. Integers are little-endian. The check of a frame is seeded with the stream's identity and the
/// frame's number, so that frames can be neither swapped nor left out.
/// </summary>
internal static class StreamFormat
{
    /// <summary>The version that this release writes.</summary>
    public const ushort Version = 1;

    /// <summary>The oldest version whose readers may read what this release writes.</summary>
    public const ushort MinReader = 1;

    public const int HeaderLength = 64;
    public const int FrameHeaderLength = 8;
    public const int CheckLength = 8;
    public const int EndLength = sizeof(long) + 32;

    /// <summary>Longest payload: a chunk behind its name and what proves it, or a record.</summary>
    public const int MaximumPayload = IChunkStore.MaximumLength + ChunkId.Length + 1 + byte.MaxValue;

    private static ReadOnlySpan<byte> Magic => "PACHSTRM"u8;

    /// <summary>Writes magic 8, version 2, oldest reader 2, reserved 4, identity 16, time in UTC ticks 8, reserved 16, check 8.</summary>
    public static void WriteHeader(Guid id, DateTimeOffset time, Span<byte> header)
    {
        header = header[..HeaderLength];
        header.Clear();
        Magic.CopyTo(header);
        BinaryPrimitives.WriteUInt16LittleEndian(header[8..], Version);
        BinaryPrimitives.WriteUInt16LittleEndian(header[10..], MinReader);
        _ = id.TryWriteBytes(header[16..], bigEndian: true, out _);
        BinaryPrimitives.WriteInt64LittleEndian(header[32..], time.UtcTicks);
        BinaryPrimitives.WriteUInt64LittleEndian(header[56..], XxHash3.HashToUInt64(header[..56]));
    }

    /// <summary>Checks a header.</summary>
    /// <returns>The seed of the checks of frames.</returns>
    /// <exception cref="CorruptionException"><c>stream-foreign</c>, <c>stream-damaged</c>.</exception>
    /// <exception cref="OperatorException"><c>stream-format-unknown</c>: a later release wrote it.</exception>
    public static long ReadHeader(ReadOnlySpan<byte> header)
    {
        if (header.Length < HeaderLength || !header.StartsWith(Magic))
        {
            throw new CorruptionException(
                "stream-foreign", "the stream", "it does not begin as one that `pachctl extract` writes", "check which file it is");
        }

        if (BinaryPrimitives.ReadUInt64LittleEndian(header[56..]) != XxHash3.HashToUInt64(header[..56]))
        {
            throw Damaged(0, "its header is damaged");
        }

        int version = BinaryPrimitives.ReadUInt16LittleEndian(header[8..]);
        int minReader = BinaryPrimitives.ReadUInt16LittleEndian(header[10..]);
        return minReader <= Version ? Seed(header) : throw new OperatorException(
            "stream-format-unknown", "the stream",
            $"it has format {version}, readable from format {minReader} on, and this release knows {Version}",
            "restore it with the release that wrote it, or a later one");
    }

    /// <summary>The seed of the checks of frames.</summary>
    public static long Seed(ReadOnlySpan<byte> header) => (long)XxHash3.HashToUInt64(header[16..32]);

    /// <summary>The identity of the stream.</summary>
    public static Guid Identity(ReadOnlySpan<byte> header) => new(header[16..32], bigEndian: true);

    /// <summary>The check of a frame.</summary>
    public static ulong Check(ReadOnlySpan<byte> frameHeader, ReadOnlySpan<byte> payload, long seed, long number)
    {
        XxHash3 hash = new(seed ^ number);
        hash.Append(frameHeader);
        hash.Append(payload);
        return hash.GetCurrentHashAsUInt64();
    }

    /// <summary>Says that the stream is damaged, and where.</summary>
    public static CorruptionException Damaged(long offset, string problem, Exception? inner = null) => new(
        "stream-damaged", $"the stream at byte {offset}", problem, "nothing of it was restored; extract it again, or use another copy",
            inner);
}

/// <summary>What a frame holds.</summary>
internal enum FrameKind : byte
{
    /// <summary>The end: number of frames, SHA-256.</summary>
    End = 0,

    /// <summary>A chunk: its name (32 bytes), its bytes. Comes before whatever refers to it.</summary>
    Chunk = 1,

    /// <summary>A <see cref="RepoDocument"/>.</summary>
    Repo = 2,

    /// <summary>A <see cref="CommitDocument"/>, behind its parent.</summary>
    Commit = 3,

    /// <summary>A <see cref="WriteDocument"/>, behind its commit.</summary>
    Write = 4,

    /// <summary>A <see cref="BranchDocument"/>.</summary>
    Branch = 5,

    /// <summary>An <see cref="ObjectDocument"/>.</summary>
    Object = 6,

    /// <summary>A <see cref="TagDocument"/>.</summary>
    Tag = 7,

    /// <summary>A job that has not ended, in the order of the queue of its pipeline; it comes again as <see cref="Job"/>.</summary>
    QueuedJob = 8,

    /// <summary>A job as it is stored (doc/pps.md).</summary>
    Job = 9,

    /// <summary>A <see cref="DatumDocument"/>, behind its job.</summary>
    Datum = 10,

    /// <summary>A <see cref="LogDocument"/>, behind its job.</summary>
    Log = 11,

    /// <summary>A <see cref="ResultDocument"/>.</summary>
    Result = 12,

    /// <summary>A pipeline as it is stored (doc/pps.md), behind its jobs.</summary>
    Pipeline = 13,

    /// <summary>A <see cref="ArrivalDocument"/>: a commit that a pipeline has considered.</summary>
    Arrived = 14,

    /// <summary>A <see cref="ArrivalDocument"/>: a commit that waits for others.</summary>
    Waiting = 15,

    /// <summary>A chunk that was adopted from an older release: its name (32 bytes), the length of what proves the name (1), that, its
    /// bytes.</summary>
    NamedChunk = 16,
}
