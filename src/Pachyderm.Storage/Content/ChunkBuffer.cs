using System.Buffers;

namespace Pachyderm.Storage.Content;

/// <summary>The verified bytes of a chunk, or a part of them, in a rented buffer, which goes back when this is disposed.</summary>
public sealed class ChunkBuffer : IDisposable
{
    private byte[]? rented;
    private int start;
    private int length;

    /// <summary>Takes a buffer over from the shared pool.</summary>
    /// <param name="rented">An array rented from <see cref="ArrayPool{T}.Shared"/>.</param>
    /// <param name="length">How many of its bytes, from the first on, are the chunk.</param>
    public ChunkBuffer(byte[] rented, int length)
    {
        this.rented = rented;
        this.length = length;
    }

    /// <summary>The bytes, until this is disposed.</summary>
    /// <exception cref="ObjectDisposedException">This was disposed.</exception>
    public ReadOnlyMemory<byte> Memory
    {
        get
        {
            ObjectDisposedException.ThrowIf(rented is null, this);
            return rented.AsMemory(start, length);
        }
    }

    /// <summary>Keeps a part of the bytes only.</summary>
    /// <param name="offset">The first byte kept.</param>
    /// <param name="count">How many are kept.</param>
    /// <exception cref="ArgumentOutOfRangeException">The part reaches beyond the bytes.</exception>
    public void Narrow(int offset, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, length - offset);
        start += offset;
        length = count;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        byte[]? buffer = Interlocked.Exchange(ref rented, null);
        if (buffer is not null)
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
