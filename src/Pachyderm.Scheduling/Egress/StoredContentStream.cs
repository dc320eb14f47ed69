using Pachyderm.Storage.Content;

namespace Pachyderm.Scheduling;

/// <summary>A stored file as a stream that is read once, from its start.</summary>
/// <param name="contents">The store.</param>
/// <param name="content">The file.</param>
internal sealed class StoredContentStream(FileContents contents, FileContent content) : Stream
{
    private readonly IAsyncEnumerator<ChunkBuffer> pieces =
        contents.ReadAsync(content, 0, null, CancellationToken.None).GetAsyncEnumerator(CancellationToken.None);

    private ReadOnlyMemory<byte> rest;
    private ChunkBuffer? piece;

    /// <inheritdoc/>
    public override bool CanRead => true;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => false;

    /// <inheritdoc/>
    public override long Length => content.Size;

    /// <inheritdoc/>
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <inheritdoc/>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (rest.IsEmpty)
        {
            cancellationToken.ThrowIfCancellationRequested();
            piece?.Dispose();
            piece = null;
            if (!await pieces.MoveNextAsync())
            {
                return 0;
            }
            piece = pieces.Current;
            rest = piece.Memory;
        }
        int count = Math.Min(buffer.Length, rest.Length);
        rest[..count].CopyTo(buffer);
        rest = rest[count..];
        return count;
    }

    /// <inheritdoc/>
    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("Read asynchronously.");

    /// <inheritdoc/>
    public override void Flush()
    {
        // Nothing is ever written.
    }

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        piece?.Dispose();
        await pieces.DisposeAsync();
        await base.DisposeAsync();
    }
}
