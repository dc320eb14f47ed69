using System.Buffers;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Pachyderm.Errors;
using Pachyderm.Formats.Schema;
using Pachyderm.Formats.Text;

namespace Pachyderm.Formats;

/// <summary>
/// Writes the compact text form of messages exactly as Go's protobuf library does, the trailing space included: 1.4's records, and the
/// values in the keys of the indexes of 1.4 and 1.5. Immutable and safe for concurrent use.
/// </summary>
/// <remarks>
/// Fields come in the order of declaration; scalars equal to the default are left out; enumerations are written by name; map entries are
/// sorted by key and have both fields. Unknown fields are left out. Strings are quoted byte by byte, everything outside printable ASCII as
/// three octal digits.
/// </remarks>
public sealed class ProtoTextFormatter
{
    private readonly MessageShape _shape;

    private ProtoTextFormatter(MessageShape shape) => _shape = shape;

    /// <summary>The formatter of a message type.</summary>
    /// <param name="descriptor">A type of <c>Pachyderm.Formats.V1_4</c> or <c>V1_5</c>, such as <c>Input.Descriptor</c>.</param>
    public static ProtoTextFormatter For(MessageDescriptor descriptor)
    {
        ArgumentNullException.ThrowIfNull(descriptor);
        return new ProtoTextFormatter(MessageShape.Of(descriptor));
    }

    /// <summary>The text form of a message, such as <c>repo:&lt;name:"images" &gt; id:"4e5e" </c>.</summary>
    /// <param name="message">A message of <c>Pachyderm.Formats.V1_4</c> or <c>V1_5</c>.</param>
    /// <returns>ASCII bytes. Empty for a message without content.</returns>
    public static byte[] Format(IMessage message)
    {
        ArgumentNullException.ThrowIfNull(message);
        return For(message.Descriptor).Format(message.ToByteArray(), message.Descriptor.Name);
    }

    /// <summary>The text form of wire bytes.</summary>
    /// <param name="wire">A message of this type in wire form.</param>
    /// <param name="thing">What the bytes are the value of, such as their key: for the error message.</param>
    /// <exception cref="CorruptionException">The bytes are not a message of this type.</exception>
    public byte[] Format(ReadOnlySpan<byte> wire, string thing)
    {
        var output = new ArrayBufferWriter<byte>(Math.Max(wire.Length * 2, 16));
        return TryFormat(wire, output)
            ? output.WrittenSpan.ToArray()
            : throw new CorruptionException(
                "record-not-binary",
                thing,
                $"the value is not a {_shape.Name} in binary form",
                "restore this key from a backup, or delete it if it is not needed");
    }

    /// <summary>Appends the text form of wire bytes to <paramref name="output"/>.</summary>
    /// <param name="wire">A message of this type in wire form; it need not be canonical.</param>
    /// <param name="output">Receives the text. Untouched when the bytes are not a message of this type.</param>
    /// <returns>Whether the bytes are a message of this type, nested at most 100 deep.</returns>
    public bool TryFormat(ReadOnlySpan<byte> wire, IBufferWriter<byte> output)
    {
        ArgumentNullException.ThrowIfNull(output);
        var text = new ArrayBufferWriter<byte>(Math.Max(wire.Length * 2, 16));
        if (!TextPrinter.TryPrint(_shape, wire, text, depth: 0))
        {
            return false;
        }

        output.Write(text.WrittenSpan);
        return true;
    }
}
