using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Pachyderm.Pachctl.Output;

/// <summary>
/// Standard output as bytes and as text. When its reader has gone, writing fails with <see cref="OutputClosedException"/>.
/// </summary>
/// <remarks>The console's own stream passes over a closed pipe in silence, so that a download would go on for nobody.</remarks>
internal static class StandardOutput
{
    private const int TextBuffer = 32 * 1024;

    /// <summary>Opens it for bytes.</summary>
    public static Stream OpenBytes()
    {
        if (!Console.IsOutputRedirected || OperatingSystem.IsWindows())
        {
            return Console.OpenStandardOutput();
        }

        // A file keeps its offset with the kernel, where the next program of a shell's list looks for it; FileStream keeps its own.
        FileStream pipe = new(new SafeFileHandle(1, ownsHandle: false), FileAccess.Write, bufferSize: 0, isAsync: false);
        return pipe.CanSeek ? Console.OpenStandardOutput() : new PipeStream(pipe);
    }

    /// <summary>Opens it for text, buffered: dispose of it, or flush it, to see the text.</summary>
    public static StreamWriter OpenText() => new(OpenBytes(), new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), TextBuffer)
    {
        NewLine = "\n",
    };

    private sealed class PipeStream(FileStream pipe) : Stream
    {
        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            try
            {
                pipe.Write(buffer);
            }
            catch (IOException exception)
            {
                throw new OutputClosedException(exception);
            }
        }

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Write(buffer.Span);
            return ValueTask.CompletedTask;
        }

        public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override void Flush()
        {
        }

        public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}

/// <summary>Nobody reads standard output any more.</summary>
internal sealed class OutputClosedException(Exception inner) : IOException("standard output is closed", inner);
