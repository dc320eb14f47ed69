using System.Buffers;
using Microsoft.AspNetCore.Connections;

namespace Pachyderm.Pachd.Hosting;

/// <summary>
/// Gives connections memory in larger pieces than the server's own 4 KiB: one system call takes in as much as a piece holds, and a put of a
/// gigabyte would need a quarter of a million of them.
/// </summary>
internal sealed class ConnectionMemory : MemoryPool<byte>, IMemoryPoolFactory<byte>
{
    private const int PieceSize = 64 << 10;

    /// <inheritdoc/>
    public override int MaxBufferSize => Shared.MaxBufferSize;

    /// <inheritdoc/>
    public MemoryPool<byte> Create(MemoryPoolOptions? options = null) => this;

    /// <inheritdoc/>
    public override IMemoryOwner<byte> Rent(int minBufferSize = -1) => Shared.Rent(Math.Max(minBufferSize, PieceSize));

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        // Each connection's end disposes the pool that it was given, which is everybody's.
    }
}
