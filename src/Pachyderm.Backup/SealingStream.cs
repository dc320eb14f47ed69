namespace Pachyderm.Backup;

/// <summary>Delivers the sealed form (see <see cref="SealedFormat"/>) of the stream that it reads, which it does not own.</summary>
internal sealed class SealingStream : ReadOnlyStream
{
    private readonly Stream _inner;
    private readonly SealedFormat.FrameCipher _cipher;
    private readonly byte[] _plain = new byte[SealedFormat.FrameBytes + 1];
    private readonly byte[] _ready = new byte[SealedFormat.SealedFrameBytes];
    private int _carried;
    private int _readyStart;
    private int _readyEnd;
    private long _frame;
    private bool _last;

    public SealingStream(Stream inner, ReadOnlySpan<byte> repositoryKey, string name)
    {
        _inner = inner;
        byte[] header = SealedFormat.NewHeader();
        _cipher = SealedFormat.OpenCipher(repositoryKey, header, name, name);
        header.CopyTo(_ready, 0);
        _readyEnd = header.Length;
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_readyStart == _readyEnd && !_last)
        {
            await FillAsync(cancellationToken);
        }

        int count = Math.Min(buffer.Length, _readyEnd - _readyStart);
        _ready.AsMemory(_readyStart, count).CopyTo(buffer);
        _readyStart += count;
        return count;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _cipher.Dispose();
        }

        base.Dispose(disposing);
    }

    // One byte more than a frame is read, to know whether the frame is the last.
    private async Task FillAsync(CancellationToken cancellationToken)
    {
        int count = _carried + await _inner.ReadAtLeastAsync(
            _plain.AsMemory(_carried), _plain.Length - _carried, throwOnEndOfStream: false, cancellationToken);
        _last = count <= SealedFormat.FrameBytes;
        int length = Math.Min(count, SealedFormat.FrameBytes);
        _cipher.Seal(_frame++, _last, _plain.AsSpan(0, length), _ready);
        _readyStart = 0;
        _readyEnd = length + SealedFormat.TagBytes;
        _carried = count - length;
        _plain[0] = _plain[SealedFormat.FrameBytes];
    }
}
