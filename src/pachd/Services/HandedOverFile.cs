using System.Buffers;
using Grpc.Core;
using Microsoft.Win32.SafeHandles;

namespace Pachyderm.Pachd.Services;

/// <summary>Reads a file that a client has handed over. The client may change it meanwhile, so every read is looked at.</summary>
internal static class HandedOverFile
{
    private const int PieceLength = 1 << 20;

    /// <summary>Delivers a range of a file in pieces, the next one being read while one is used.</summary>
    /// <param name="file">The file.</param>
    /// <param name="offset">Where it begins.</param>
    /// <param name="length">Bytes.</param>
    /// <param name="append">Takes the pieces, and does not keep them.</param>
    /// <param name="cancellationToken">Stops.</param>
    /// <exception cref="RpcException">It is no regular file of this length, or cannot be read.</exception>
    public static async Task ReadAsync(
        SafeFileHandle file, ulong offset, ulong length, Func<ReadOnlyMemory<byte>, ValueTask> append, CancellationToken cancellationToken)
    {
        try
        {
            // All that is no regular file is empty by this measure.
            if ((UInt128)offset + length > (UInt128)RandomAccess.GetLength(file))
            {
                throw Invalid($"bytes {offset} to {(UInt128)offset + length} are not in the file that was handed over");
            }
            await ReadAsync(file, (long)offset, (long)length, append, cancellationToken);
        }
        catch (Exception exception) when (exception is IOException or NotSupportedException or UnauthorizedAccessException)
        {
            throw Invalid($"the file that was handed over cannot be read ({exception.Message.TrimEnd('.')})");
        }
    }

    private static async Task ReadAsync(
        SafeFileHandle file, long position, long left, Func<ReadOnlyMemory<byte>, ValueTask> append, CancellationToken cancellationToken)
    {
        byte[] current = ArrayPool<byte>.Shared.Rent(PieceLength);
        byte[] next = ArrayPool<byte>.Shared.Rent(PieceLength);
        Task<int> reading = ReadPieceAsync(current);
        try
        {
            while (left > 0)
            {
                int read = await reading;
                if (read == 0)
                {
                    throw Invalid($"the file that was handed over ended {left} bytes early");
                }
                (current, next) = (next, current);
                position += read;
                left -= read;
                reading = ReadPieceAsync(current);
                await append(next.AsMemory(0, read));
            }
        }
        finally
        {
            // It writes into the buffer as long as it runs.
            await ((Task)reading).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            ArrayPool<byte>.Shared.Return(current);
            ArrayPool<byte>.Shared.Return(next);
        }

        Task<int> ReadPieceAsync(byte[] buffer) =>
            RandomAccess.ReadAsync(file, buffer.AsMemory(0, (int)Math.Min(PieceLength, left)), position, cancellationToken).AsTask();
    }

    private static RpcException Invalid(string problem) => new(new Status(StatusCode.InvalidArgument, problem));
}
