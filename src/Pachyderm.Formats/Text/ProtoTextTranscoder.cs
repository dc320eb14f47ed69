using System.Buffers;
using Google.Protobuf.Reflection;
using Pachyderm.Errors;
using Pachyderm.Formats.Schema;
using Pachyderm.Formats.Text;

namespace Pachyderm.Formats;

/// <summary>
/// Turns the text form of a message, as 1.4 keeps it in etcd, straight into its wire form, without message objects in between.
/// Immutable and safe for concurrent use.
/// </summary>
/// <remarks>
/// <para>
/// The grammar is that of Go's protobuf text parser: <c>name:value</c> pairs separated by white space, <c>,</c> or <c>;</c>; messages in
/// <c>&lt;&gt;</c> or <c>{}</c> with an optional colon before; repeated fields by repetition or as <c>[a,b]</c>; enumeration values by name
/// or number; integers in decimal, octal (<c>017</c>) or hexadecimal; adjacent strings joined. Bytes that are not UTF-8 pass through.
/// Comments and extensions are refused.
/// </para>
/// <para>
/// The output is canonical as Go's marshaller writes it: fields in ascending number, packed where the schema says so, scalars equal to the
/// default left out, but both fields of every map entry written.
/// </para>
/// <para>An empty text, or one of white space only, is a valid message without fields: callers decide whether it may be.</para>
/// </remarks>
public sealed class ProtoTextTranscoder
{
    private readonly MessageShape _shape;

    private ProtoTextTranscoder(MessageShape shape) => _shape = shape;

    /// <summary>
    /// The transcoder of a message type. The type's tables are compiled on first use and kept for the life of the process.
    /// </summary>
    /// <param name="descriptor">A type of <c>Pachyderm.Formats.V1_4</c> or <c>V1_5</c>, such as <c>PipelineInfo.Descriptor</c>.</param>
    public static ProtoTextTranscoder For(MessageDescriptor descriptor)
    {
        ArgumentNullException.ThrowIfNull(descriptor);
        return new ProtoTextTranscoder(MessageShape.Of(descriptor));
    }

    /// <summary>Appends the wire form of <paramref name="text"/> to <paramref name="output"/>.</summary>
    /// <param name="text">The stored text.</param>
    /// <param name="output">Receives the wire form. Untouched when the text is not valid.</param>
    /// <param name="error">What is wrong, when the result is false. Otherwise its reason is <see cref="TextErrorReason.None"/>.</param>
    /// <returns>Whether the text is valid for the message type.</returns>
    public bool TryTranscode(ReadOnlySpan<byte> text, IBufferWriter<byte> output, out TextError error)
    {
        ArgumentNullException.ThrowIfNull(output);
        return TryRun(text, output, out error);
    }

    /// <summary>Whether <paramref name="text"/> is valid for the message type.</summary>
    /// <param name="text">The stored text.</param>
    /// <param name="error">What is wrong, when the result is false.</param>
    public bool IsValid(ReadOnlySpan<byte> text, out TextError error) => TryRun(text, null, out error);

    /// <summary>The wire form of <paramref name="text"/>.</summary>
    /// <param name="text">The stored text.</param>
    /// <param name="thing">What the text is the value of, such as its key: for the error message.</param>
    /// <exception cref="CorruptionException">The text is not valid for the message type.</exception>
    public byte[] Transcode(ReadOnlySpan<byte> text, string thing)
    {
        var output = new ArrayBufferWriter<byte>(Math.Max(text.Length, 16));
        return TryRun(text, output, out var error)
            ? output.WrittenSpan.ToArray()
            : throw new CorruptionException(
                "record-not-text",
                thing,
                $"the value is not a {_shape.Name} of 1.4 in text form ({error})",
                "restore this key from a backup, or delete it if it is not needed");
    }

    private bool TryRun(ReadOnlySpan<byte> text, IBufferWriter<byte>? output, out TextError error)
    {
        var buffer = WireBuffer.Take();
        var parser = new TextParser(text, buffer);
        bool valid = parser.TryParse(_shape, out error);
        if (valid && output is not null && parser.Length > 0)
        {
            var target = output.GetSpan(parser.Length);
            buffer.Bytes.AsSpan(0, parser.Length).CopyTo(target);
            output.Advance(parser.Length);
        }

        WireBuffer.Return(buffer);
        return valid;
    }
}
