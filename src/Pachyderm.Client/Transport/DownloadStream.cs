namespace Pachyderm.Client.Transport;

/// <summary>A download as a stream that can only be read forward.</summary>
internal sealed class DownloadStream(ContentDownload download) : Stream
{
    private Chunk? _chunk;
    private int _taken;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (_chunk is null || _taken == _chunk.Memory.Length)
        {
            if (buffer.IsEmpty)
            {
                return 0;
            }

            _chunk?.Dispose();
            (_chunk, _taken) = (await download.NextAsync().WaitAsync(cancellationToken), 0);
            if (_chunk is null)
            {
                return 0;
            }
        }

        int length = Math.Min(buffer.Length, _chunk.Memory.Length - _taken);
        _chunk.Memory.Slice(_taken, length).CopyTo(buffer);
        _taken += length;
        return length;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) =>
        throw new NotSupportedException("Content comes over the network: use ReadAsync or CopyToAsync.");

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override async ValueTask DisposeAsync()
    {
        _chunk?.Dispose();
        _chunk = null;
        await download.DisposeAsync();
        await base.DisposeAsync();
    }
}
