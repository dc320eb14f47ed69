using System.Buffers;

namespace Pachyderm.Storage.Content;

/// <summary>The verified bytes of a chunk in a rented buffer, which goes back when this is disposed.</summary>
public sealed class ChunkBuffer : IDisposable
{
    private byte[]? rented;
    private readonly int length;

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
            return rented.AsMemory(0, length);
        }
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
