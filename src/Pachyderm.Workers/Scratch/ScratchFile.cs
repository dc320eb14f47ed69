using Microsoft.Win32.SafeHandles;
using Pachyderm.Workers.Native;

namespace Pachyderm.Workers.Scratch;

/// <summary>
/// Writes a new file of the scratch directory, mostly into memory: an asynchronous write completes at once, since handing each of a hundred
/// thousand small writes to another thread costs far more than the write.
/// </summary>
internal sealed class ScratchFile : Stream
{
    private readonly SafeFileHandle _file;
    private long _length;

    private ScratchFile(SafeFileHandle file) => _file = file;

    /// <inheritdoc/>
    public override bool CanRead => false;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => true;

    /// <summary>Bytes written.</summary>
    public override long Length => _length;

    /// <inheritdoc/>
    public override long Position
    {
        get => _length;
        set => throw new NotSupportedException();
    }

    /// <summary>Makes a file that its owner alone can use.</summary>
    /// <exception cref="IOException">There is one already, or the disk fails.</exception>
    internal static ScratchFile Make(string path) => new(Posix.Create(path, exclusive: true));

    /// <summary>
    /// Gives a file new content. It is never made empty on the way: ext4 takes a file that was empty, when it is closed, for one that replaces
    /// what must not be lost, and writes it to the disk at once.
    /// </summary>
    internal static void Replace(string path, ReadOnlySpan<byte> content)
    {
        using SafeFileHandle file = Posix.Create(path, exclusive: false);
        RandomAccess.Write(file, content, fileOffset: 0);
        if (RandomAccess.GetLength(file) != content.Length)
        {
            RandomAccess.SetLength(file, content.Length);
        }
    }

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        RandomAccess.Write(_file, buffer, _length);
        _length += buffer.Length;
    }

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled(cancellationToken);
        }

        Write(buffer.Span);
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc/>
    public override void Flush()
    {
        // Nothing is held back.
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _file.Dispose();
        }

        base.Dispose(disposing);
    }
}
