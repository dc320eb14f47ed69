using System.Buffers;
using Google.Protobuf.Reflection;
using Pachyderm.Formats;

namespace Pachyderm.Migration.Survey;

/// <summary>Brings the value of a stored record, text of 1.4 or binary of 1.5, into wire form. Not safe for concurrent use: one for each worker.</summary>
public sealed class RecordDecoder
{
    private static readonly ProtoTextTranscoder RepoText = ProtoTextTranscoder.For(Formats.V1_4.RepoInfo.Descriptor);
    private static readonly ProtoTextTranscoder CommitText = ProtoTextTranscoder.For(Formats.V1_4.CommitInfo.Descriptor);
    private static readonly ProtoTextTranscoder BranchText = ProtoTextTranscoder.For(Formats.V1_4.Commit.Descriptor);
    private static readonly ProtoTextTranscoder PipelineText = ProtoTextTranscoder.For(Formats.V1_4.PipelineInfo.Descriptor);
    private static readonly ProtoTextTranscoder JobText = ProtoTextTranscoder.For(Formats.V1_4.JobInfo.Descriptor);

    private readonly ArrayBufferWriter<byte> _buffer = new(4096);

    /// <summary>Whether records of this kind are messages that changed their encoding between 1.4 and 1.5.</summary>
    public static bool IsMessage(RecordKind kind) =>
        kind is RecordKind.Repo or RecordKind.Commit or RecordKind.Branch or RecordKind.Pipeline or RecordKind.Job;

    /// <summary>The message type of 1.4 that a record of this kind holds.</summary>
    public static MessageDescriptor DescriptorOf14(RecordKind kind) => kind switch
    {
        RecordKind.Repo => Formats.V1_4.RepoInfo.Descriptor,
        RecordKind.Commit => Formats.V1_4.CommitInfo.Descriptor,
        RecordKind.Branch => Formats.V1_4.Commit.Descriptor,
        RecordKind.Pipeline => Formats.V1_4.PipelineInfo.Descriptor,
        RecordKind.Job => Formats.V1_4.JobInfo.Descriptor,
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "no message of 1.4"),
    };

    /// <summary>Decodes a record of a kind for which <see cref="IsMessage"/> holds.</summary>
    /// <param name="kind">The kind.</param>
    /// <param name="value">The stored value.</param>
    /// <param name="wire">The wire form. Valid until the next call.</param>
    /// <param name="problem">Why the record cannot be read, if it cannot.</param>
    public RecordEncoding Decode(RecordKind kind, ReadOnlySpan<byte> value, out ReadOnlySpan<byte> wire, out string? problem)
    {
        problem = null;
        wire = value;
        if (value.IsEmpty)
        {
            problem = "the value is empty";
            return RecordEncoding.Unreadable;
        }

        // Binary records of these kinds begin with the tag of a field number below 12 (under 0x61), text with the letter of a field's name.
        return IsLetter(value[0]) ? DecodeText(kind, value, out wire, out problem) : RecordEncoding.Binary;
    }

    private RecordEncoding DecodeText(RecordKind kind, ReadOnlySpan<byte> value, out ReadOnlySpan<byte> wire, out string? problem)
    {
        ProtoTextTranscoder transcoder = kind switch
        {
            RecordKind.Repo => RepoText,
            RecordKind.Commit => CommitText,
            RecordKind.Branch => BranchText,
            RecordKind.Pipeline => PipelineText,
            _ => JobText,
        };
        _buffer.ResetWrittenCount();
        if (transcoder.TryTranscode(value, _buffer, out var error))
        {
            wire = _buffer.WrittenSpan;
            problem = null;
            return RecordEncoding.Text;
        }

        wire = default;
        problem = error.ToString();
        return RecordEncoding.Unreadable;
    }

    private static bool IsLetter(byte first) => first is >= (byte)'a' and <= (byte)'z';
}
