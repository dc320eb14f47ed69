using Google.Protobuf.Reflection;
using Pachyderm.Formats.Schema;

namespace Pachyderm.Formats;

/// <summary>
/// Reads the values of one kind of record, whichever of the two forms they are in: text of 1.4 or binary of 1.5.
/// Immutable and safe for concurrent use.
/// </summary>
public sealed class RecordCodec
{
    private const byte MayBeText = 1;
    private const byte MayBeBinary = 2;

    private readonly MessageShape _binary;

    // What a value may be, by its first byte. Text starts with white space or with the first letter of a field name, binary with the tag
    // of a declared field; where only one is possible, the other reading is not tried.
    private readonly byte[] _byFirstByte = new byte[256];

    private RecordCodec(RecordKind kind, MessageDescriptor text, MessageDescriptor binary)
    {
        Kind = kind;
        Transcoder = ProtoTextTranscoder.For(text);
        _binary = MessageShape.Of(binary);
        foreach (byte b in " \t\r\n"u8)
        {
            _byFirstByte[b] |= MayBeText;
        }

        foreach (var field in MessageShape.Of(text).Fields)
        {
            _byFirstByte[field.Name[0]] |= MayBeText;
        }

        foreach (var field in _binary.Fields)
        {
            _byFirstByte[field.TagBytes[0]] |= MayBeBinary;
        }
    }

    /// <summary>Records under <c>repos/</c>: RepoInfo.</summary>
    public static RecordCodec Repo { get; } = new(RecordKind.Repo, V1_4.RepoInfo.Descriptor, V1_5.RepoInfo.Descriptor);

    /// <summary>Records under <c>commits/</c>: CommitInfo.</summary>
    public static RecordCodec Commit { get; } = new(RecordKind.Commit, V1_4.CommitInfo.Descriptor, V1_5.CommitInfo.Descriptor);

    /// <summary>Records under <c>branches/</c>: the Commit at the head.</summary>
    public static RecordCodec Branch { get; } = new(RecordKind.Branch, V1_4.Commit.Descriptor, V1_5.Commit.Descriptor);

    /// <summary>Records under <c>pipelines/</c>: PipelineInfo.</summary>
    public static RecordCodec Pipeline { get; } = new(RecordKind.Pipeline, V1_4.PipelineInfo.Descriptor, V1_5.PipelineInfo.Descriptor);

    /// <summary>Records under <c>jobs/</c>: JobInfo.</summary>
    public static RecordCodec Job { get; } = new(RecordKind.Job, V1_4.JobInfo.Descriptor, V1_5.JobInfo.Descriptor);

    /// <summary>The kind of record that this codec reads.</summary>
    public RecordKind Kind { get; }

    /// <summary>From 1.4's text to wire bytes of the V1_4 message.</summary>
    public ProtoTextTranscoder Transcoder { get; }

    /// <summary>The codec for a kind of record whose form differs between 1.4 and 1.5; null for every other kind.</summary>
    /// <param name="kind">Any kind.</param>
    public static RecordCodec? For(RecordKind kind) => kind switch
    {
        RecordKind.Repo => Repo,
        RecordKind.Commit => Commit,
        RecordKind.Branch => Branch,
        RecordKind.Pipeline => Pipeline,
        RecordKind.Job => Job,
        _ => null,
    };

    /// <summary>
    /// Whether the first byte rules out that <paramref name="value"/> is binary of this kind, while it can be text. A cheap first look;
    /// <see cref="Detect"/> is the judgement.
    /// </summary>
    /// <param name="value">The stored value.</param>
    public bool LooksLikeText(ReadOnlySpan<byte> value) => !value.IsEmpty && _byFirstByte[value[0]] == MayBeText;

    /// <summary>
    /// Whether <paramref name="value"/> is binary of 1.5, in the strict sense of <see cref="CanonicalWire"/>. Fields that 1.4 had and 1.5
    /// ignores (strategy, stopped, pipeline_id) are allowed, since upstream's own migration left them in.
    /// </summary>
    /// <param name="value">The stored value.</param>
    public bool IsBinary(ReadOnlySpan<byte> value) => !value.IsEmpty && CanonicalWire.IsCanonical(_binary, value, 0);

    /// <summary>Finds out which form <paramref name="value"/> is in.</summary>
    /// <param name="value">The stored value.</param>
    public RecordEncoding Detect(ReadOnlySpan<byte> value)
    {
        int possible = Possible(value);
        bool isText = (possible & MayBeText) != 0 && Transcoder.IsValid(value, out _);
        return Judge(value, isText, (possible & MayBeBinary) != 0 && IsBinary(value));
    }

    private static RecordEncoding Judge(ReadOnlySpan<byte> value, bool isText, bool isBinary) => (isText, isBinary) switch
    {
        (true, true) => RecordEncoding.Both,
        (false, true) => RecordEncoding.Binary,
        (true, false) => IsBlank(value) ? RecordEncoding.Empty : RecordEncoding.Text,
        (false, false) => value.IsEmpty ? RecordEncoding.Empty : RecordEncoding.Neither,
    };

    private static bool IsBlank(ReadOnlySpan<byte> value) => value.IndexOfAnyExcept(" \t\r\n"u8) < 0;

    private int Possible(ReadOnlySpan<byte> value) => value.IsEmpty ? 0 : _byFirstByte[value[0]];
}
