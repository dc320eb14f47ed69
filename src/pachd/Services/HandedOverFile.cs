using System.Buffers;
using Grpc.Core;
using Microsoft.Win32.SafeHandles;
using Pachyderm.Pfs;
using Pachyderm.Storage.Content;

namespace Pachyderm.Pachd.Services;

/// <summary>Reads and writes a file that a client has handed over, and may change meanwhile.</summary>
internal static class HandedOverFile
{
    private const int PieceLength = 1 << 20;

    /// <summary>Appends a range of a file to one that is put, the next piece being read while one is taken.</summary>
    /// <exception cref="RpcException">It is no regular file of this length, or cannot be read.</exception>
    public static async Task ReadAsync(
        SafeFileHandle file, Wire.Native.FileRange range, FilePut put, HandOverProgress progress, CancellationToken cancellationToken)
    {
        UInt128 end = (UInt128)range.Offset + range.Length;
        // All that is no regular file is empty by this measure.
        if (end > (UInt128)Guard(() => RandomAccess.GetLength(file), "read"))
        {
            throw Invalid($"bytes {range.Offset} to {end} are not in the file that was handed over");
        }
        byte[] current = ArrayPool<byte>.Shared.Rent(PieceLength);
        byte[] next = ArrayPool<byte>.Shared.Rent(PieceLength);
        long position = (long)range.Offset;
        long left = (long)range.Length;
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
                await put.AppendAsync(next.AsMemory(0, read), cancellationToken);
                await progress.AddAsync(read);
            }
        }
        finally
        {
            // It writes into the buffer as long as it runs.
            await ((Task)reading).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            ArrayPool<byte>.Shared.Return(current);
            ArrayPool<byte>.Shared.Return(next);
        }
        await progress.EndAsync();

        Task<int> ReadPieceAsync(byte[] buffer)
        {
            Memory<byte> piece = buffer.AsMemory(0, (int)Math.Min(PieceLength, left));
            long at = position;
            return Task.Run(() => Guard(() => RandomAccess.Read(file, piece.Span, at), "read"), CancellationToken.None);
        }
    }

    /// <summary>Writes pieces to a file, one after the other.</summary>
    /// <exception cref="RpcException">It cannot be written.</exception>
    public static async Task WriteAsync(
        SafeFileHandle file, ulong offset, IAsyncEnumerable<ChunkBuffer> pieces, HandOverProgress progress,
        CancellationToken cancellationToken)
    {
        // A pipe has no length: who reads from it slowly would hold a thread.
        if (offset > (ulong)Guard(() => RandomAccess.GetLength(file), "written"))
        {
            throw Invalid($"byte {offset} is behind the end of the file that was handed over");
        }
        long position = (long)offset;
        await foreach (ChunkBuffer piece in pieces.WithCancellation(cancellationToken))
        {
            using (piece)
            {
                int length = piece.Memory.Length;
                Guard(
                    () =>
                    {
                        RandomAccess.Write(file, piece.Memory.Span, position);
                        return true;
                    },
                    "written");
                position += length;
                await progress.AddAsync(length);
            }
        }
        await progress.EndAsync();
    }

    private static T Guard<T>(Func<T> access, string done)
    {
        try
        {
            return access();
        }
        catch (Exception exception) when (exception is IOException or NotSupportedException or UnauthorizedAccessException or ArgumentException)
        {
            throw Invalid($"the file that was handed over cannot be {done} ({exception.Message.TrimEnd('.')})");
        }
    }

    private static RpcException Invalid(string problem) => new(new Status(StatusCode.InvalidArgument, problem));
}

/// <summary>Tells how many bytes of a file were read or written, in few messages.</summary>
/// <param name="tell">Is told of those since the last time; never of none, which is no message of progress.</param>
internal sealed class HandOverProgress(Func<long, Task> tell)
{
    private const long Step = 16 << 20;
    private long _untold;

    /// <summary>So many more are done.</summary>
    public async ValueTask AddAsync(int bytes)
    {
        _untold += bytes;
        if (_untold >= Step)
        {
            await EndAsync();
        }
    }

    /// <summary>All are done.</summary>
    public async ValueTask EndAsync()
    {
        if (_untold > 0)
        {
            await tell(_untold);
            _untold = 0;
        }
    }
}
