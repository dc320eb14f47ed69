namespace Pachyderm.Backup;

/// <summary>
/// Delivers the plaintext of sealed frames (see <see cref="SealedFormat"/>), each after it was authenticated, to the last. Owns the stream
/// and the cipher.
/// </summary>
/// <param name="inner">The frames, from frame <paramref name="firstFrame"/> on to the end of the sealed stream.</param>
/// <param name="cipher">The stream's cipher.</param>
/// <param name="firstFrame">Number of the first frame that <paramref name="inner"/> delivers.</param>
/// <param name="thing">What is read, for messages.</param>
internal sealed class UnsealingStream(Stream inner, SealedFormat.FrameCipher cipher, long firstFrame, string thing) : ReadOnlyStream
{
    private readonly byte[] _sealed = new byte[SealedFormat.SealedFrameBytes + 1];
    private readonly byte[] _plain = new byte[SealedFormat.FrameBytes];
    private int _carried;
    private int _plainStart;
    private int _plainEnd;
    private long _frame = firstFrame;
    private bool _last;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_plainStart == _plainEnd && !_last)
        {
            await FillAsync(cancellationToken);
        }

        int count = Math.Min(buffer.Length, _plainEnd - _plainStart);
        _plain.AsMemory(_plainStart, count).CopyTo(buffer);
        _plainStart += count;
        return count;
    }

    public override async ValueTask DisposeAsync()
    {
        await inner.DisposeAsync();
        await base.DisposeAsync();
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            inner.Dispose();
            cipher.Dispose();
        }

        base.Dispose(disposing);
    }

    private async Task FillAsync(CancellationToken cancellationToken)
    {
        int count = _carried + await inner.ReadAtLeastAsync(
            _sealed.AsMemory(_carried), _sealed.Length - _carried, throwOnEndOfStream: false, cancellationToken);
        if (count < SealedFormat.TagBytes)
        {
            throw SealedFormat.Damaged(thing, $"it is cut off before the end of its frame {_frame}");
        }

        _last = count <= SealedFormat.SealedFrameBytes;
        int length = Math.Min(count, SealedFormat.SealedFrameBytes);
        cipher.Unseal(_frame++, _last, _sealed.AsSpan(0, length), _plain.AsSpan(0, length - SealedFormat.TagBytes));
        _plainStart = 0;
        _plainEnd = length - SealedFormat.TagBytes;
        _carried = count - length;
        _sealed[0] = _sealed[SealedFormat.SealedFrameBytes];
    }
}
