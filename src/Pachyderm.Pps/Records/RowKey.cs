using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Pachyderm.Pps.Identity;
using Pachyderm.Pps.Specs;
using Pachyderm.Storage.Content;

namespace Pachyderm.Pps.Records;

/// <summary>The spaces of the metadata store in which the records of this room are.</summary>
internal static class RowSpace
{
    /// <summary>Pipelines by name.</summary>
    public const int Pipelines = 1;

    /// <summary>Jobs by identifier.</summary>
    public const int Jobs = 2;

    /// <summary>Identifiers of jobs, last written first: of all under an empty name, and of each pipeline.</summary>
    public const int JobsByRevision = 3;

    /// <summary>Identifiers of jobs by pipeline and input.</summary>
    public const int JobsByInput = 4;

    /// <summary>Identifiers of the jobs that have not ended, by pipeline, first triggered first.</summary>
    public const int JobQueue = 5;

    /// <summary>Datums that jobs have processed, by job and place.</summary>
    public const int Datums = 6;

    /// <summary>Results by tag.</summary>
    public const int Results = 7;

    /// <summary>Commits that wait for others, by pipeline and repo, oldest first.</summary>
    public const int Waiting = 8;

    /// <summary>The last change of the feed that each pipeline has considered.</summary>
    public const int Cursors = 9;

    /// <summary>Pieces of logs, by pipeline and job, oldest first.</summary>
    public const int Logs = 10;

    /// <summary>Commits that a pipeline has considered, or never will, by pipeline and repo.</summary>
    public const int Arrived = 11;
}

/// <summary>
/// Keys of rows. Texts end with a null character and numbers are big-endian, so that the order of the bytes is that of the parts, and no
/// key is the beginning of another one by accident.
/// </summary>
internal sealed class RowKey
{
    private readonly List<byte> bytes = [];

    /// <summary>Appends a text.</summary>
    /// <exception cref="ArgumentException">It has a null character.</exception>
    public RowKey Text(string text)
    {
        if (text.Contains('\0', StringComparison.Ordinal))
        {
            throw new ArgumentException("A name with a null character is no key.", nameof(text));
        }
        bytes.AddRange(Encoding.UTF8.GetBytes(text));
        bytes.Add(0);
        return this;
    }

    /// <summary>Appends a number, so that smaller ones come first.</summary>
    public RowKey Ascending(long number)
    {
        Span<byte> buffer = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(buffer, number);
        bytes.AddRange(buffer);
        return this;
    }

    /// <summary>Appends a number that is not negative, so that larger ones come first.</summary>
    public RowKey Descending(long number) => Ascending(long.MaxValue - number);

    /// <summary>Appends the digest of an input.</summary>
    public RowKey Input(Input input)
    {
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(
            new PipelineDocument { Name = "", Version = 0, Created = 0, Input = input.ToDocument(), Workload = new() },
            RecordJson.Default.PipelineDocument);
        bytes.AddRange(SHA256.HashData(json));
        return this;
    }

    /// <summary>The key.</summary>
    public byte[] ToArray() => [.. bytes];

    /// <summary>The number at the end of a key.</summary>
    public static long LastNumber(ReadOnlySpan<byte> key) => BinaryPrimitives.ReadInt64BigEndian(key[^sizeof(long)..]);

    /// <summary>The key of a tag: two bytes of prefix and 32 of hash; a tag without prefix has the hash only.</summary>
    public static int Tag(DatumTag tag, Span<byte> key)
    {
        int at = 0;
        if (tag.Prefix is { } prefix)
        {
            BinaryPrimitives.WriteUInt16BigEndian(key, prefix);
            at = sizeof(ushort);
        }
        tag.Hash.CopyTo(key[at..]);
        return at + ChunkId.Length;
    }
}
