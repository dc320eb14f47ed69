using System.Buffers;
using Pachyderm.Formats;

namespace Pachyderm.Migration.Survey;

/// <summary>
/// Brings the value of a stored record, text of 1.4 or binary of 1.5, into wire form. Not safe for concurrent use: one for each worker.
/// </summary>
public sealed class RecordDecoder
{
    private readonly ArrayBufferWriter<byte> _buffer = new(4096);

    /// <summary>Decodes a record of a kind that has a <see cref="RecordCodec"/>.</summary>
    /// <param name="kind">The kind.</param>
    /// <param name="value">The stored value.</param>
    /// <param name="wire">The wire form. Valid until the next call.</param>
    /// <param name="problem">Why the record cannot be read, if it cannot.</param>
    /// <returns>
    /// Text, Binary or Neither. Binary is also the answer for what is not exactly what 1.5 writes but may be a later release's message
    /// with fields of its own: parsing decides, and keeps them.
    /// </returns>
    public RecordEncoding Decode(RecordKind kind, ReadOnlySpan<byte> value, out ReadOnlySpan<byte> wire, out string? problem)
    {
        RecordCodec codec = RecordCodec.For(kind)
            ?? throw new ArgumentOutOfRangeException(nameof(kind), kind, "records of this kind are no messages");
        problem = null;
        wire = value;
        if (value.IsEmpty)
        {
            problem = "the value is empty";
            return RecordEncoding.Neither;
        }

        if (!codec.LooksLikeText(value))
        {
            return RecordEncoding.Binary;
        }

        _buffer.ResetWrittenCount();
        if (codec.Transcoder.TryTranscode(value, _buffer, out TextError error))
        {
            wire = _buffer.WrittenSpan;
            return RecordEncoding.Text;
        }

        problem = error.ToString();
        return RecordEncoding.Neither;
    }
}
