using System.Security.Cryptography;

namespace Pachyderm.Backup;

/// <summary>Hashes and counts what is read through it, and can end with the hash itself or with a check of it.</summary>
/// <param name="inner">The stream to read; not owned.</param>
/// <param name="algorithm">The hash function.</param>
internal sealed class HashingStream(Stream inner, HashAlgorithmName algorithm) : ReadOnlyStream
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(algorithm);
    private byte[]? _digest;
    private int _trailerSent;

    /// <summary>Bytes of <c>inner</c> that were read.</summary>
    public long Count { get; private set; }

    /// <summary>Whether the digest follows the content.</summary>
    public bool AppendDigest { get; init; }

    /// <summary>Called once at the end of the content with the digest and the count; what it throws fails the read.</summary>
    public Action<byte[], long>? AtEnd { get; init; }

    /// <summary>The digest, once the end was reached.</summary>
    public byte[] Digest => _digest ?? throw new InvalidOperationException("The content was not read to its end.");

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.IsEmpty)
        {
            return 0;
        }

        if (_digest is null)
        {
            int read = await inner.ReadAsync(buffer, cancellationToken);
            if (read > 0)
            {
                _hash.AppendData(buffer.Span[..read]);
                Count += read;
                return read;
            }

            _digest = _hash.GetHashAndReset();
            AtEnd?.Invoke(_digest, Count);
        }

        if (!AppendDigest)
        {
            return 0;
        }

        int left = Math.Min(buffer.Length, _digest.Length - _trailerSent);
        _digest.AsMemory(_trailerSent, left).CopyTo(buffer);
        _trailerSent += left;
        return left;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _hash.Dispose();
        }

        base.Dispose(disposing);
    }
}
