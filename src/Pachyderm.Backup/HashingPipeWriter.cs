using System.IO.Pipelines;
using System.Security.Cryptography;

namespace Pachyderm.Backup;

/// <summary>
/// Hashes and counts what is written through it, on the writer's side of a pipe: while the other side stores a piece, this one hashes the
/// next.
/// </summary>
/// <param name="inner">The pipe's writer.</param>
/// <param name="algorithm">The hash function.</param>
internal sealed class HashingPipeWriter(PipeWriter inner, HashAlgorithmName algorithm) : PipeWriter, IDisposable
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(algorithm);
    private Memory<byte> _lent;

    /// <summary>Bytes that were written.</summary>
    public long Count { get; private set; }

    /// <inheritdoc/>
    public override bool CanGetUnflushedBytes => inner.CanGetUnflushedBytes;

    /// <inheritdoc/>
    public override long UnflushedBytes => inner.UnflushedBytes;

    /// <summary>The digest of what was written; called once, at the end.</summary>
    public byte[] GetDigest() => _hash.GetHashAndReset();

    /// <inheritdoc/>
    public override Memory<byte> GetMemory(int sizeHint = 0) => _lent = inner.GetMemory(sizeHint);

    /// <inheritdoc/>
    public override Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    /// <inheritdoc/>
    public override void Advance(int bytes)
    {
        _hash.AppendData(_lent.Span[..bytes]);
        _lent = _lent[bytes..];
        Count += bytes;
        inner.Advance(bytes);
    }

    /// <inheritdoc/>
    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) => inner.FlushAsync(cancellationToken);

    /// <inheritdoc/>
    public override void CancelPendingFlush() => inner.CancelPendingFlush();

    /// <inheritdoc/>
    public override void Complete(Exception? exception = null) => inner.Complete(exception);

    /// <inheritdoc/>
    public override ValueTask CompleteAsync(Exception? exception = null) => inner.CompleteAsync(exception);

    /// <inheritdoc/>
    public void Dispose() => _hash.Dispose();
}
