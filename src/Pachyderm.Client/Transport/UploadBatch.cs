using System.Buffers;
using Google.Protobuf;
using Pachyderm.Wire.Native;
using Pachyderm.Wire.Pfs;

namespace Pachyderm.Client.Transport;

/// <summary>One message of a bulk upload: parts of files, whose bytes lie side by side in one pooled buffer.</summary>
internal sealed class UploadBatch : IDisposable
{
    // Names count, too: a million empty files must not become one message.
    private const int MaxParts = 4096;

    // Of many small files, each of which is an array of its own to the receiver.
    private const int BatchSize = 1024 * 1024;

    private readonly byte[] _buffer = ArrayPool<byte>.Shared.Rent(BatchSize);
    private int _used;

    /// <summary>The message.</summary>
    public PutFilesRequest Message { get; } = new();

    /// <summary>Files whose last part is in this message, and bytes of content in it.</summary>
    public Transfer Content { get; private set; }

    /// <summary>Whether another part would not fit.</summary>
    public bool IsFull => _used == BatchSize || Message.Parts.Count == MaxParts;

    /// <summary>Room for content.</summary>
    public Memory<byte> Free => _buffer.AsMemory(_used, BatchSize - _used);

    /// <summary>Names the commit, in the first message.</summary>
    public void Open(Commit commit) => Message.Commit = commit;

    /// <summary>Adds a part whose bytes were written to the start of <see cref="Free"/>.</summary>
    /// <param name="file">The file if this is its first part.</param>
    /// <param name="length">Number of bytes.</param>
    /// <param name="last">Whether this is the file's last part.</param>
    public void Add(LocalFile? file, int length, bool last)
    {
        Message.Parts.Add(new FilePart
        {
            Path = file?.Path ?? "",
            Overwrite = file?.Overwrite ?? false,
            Value = length == 0 ? ByteString.Empty : UnsafeByteOperations.UnsafeWrap(_buffer.AsMemory(_used, length)),
            Last = last,
        });
        _used += length;
        Content += new Transfer(last ? 1 : 0, length);
    }

    /// <inheritdoc/>
    public void Dispose() => ArrayPool<byte>.Shared.Return(_buffer);
}
