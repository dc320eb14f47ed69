using Microsoft.Win32.SafeHandles;
using Pachyderm.Storage.Packs;

namespace Pachyderm.Storage.Tests.Packs;

/// <summary>Real files whose calls fail while a test says so, with the error numbers of Linux.</summary>
internal sealed class FailingSpoolFiles : SpoolFiles
{
    public const int NoSpace = 28;
    public const int InputOutput = 5;

    public int WriteError { get; set; }

    public int FlushError { get; set; }

    /// <summary>Bytes that still reach the disk before a write fails.</summary>
    public int Room { get; set; }

    public override void Write(SafeFileHandle file, IReadOnlyList<ReadOnlyMemory<byte>> pieces, long offset)
    {
        if (WriteError == 0)
        {
            base.Write(file, pieces, offset);
            return;
        }

        byte[] all = [.. pieces.SelectMany(static piece => piece.ToArray())];
        RandomAccess.Write(file, all.AsSpan(0, Math.Min(Room, all.Length)), offset);
        throw new IOException("injected", WriteError);
    }

    public override void Flush(SafeFileHandle file)
    {
        if (FlushError != 0)
        {
            throw new IOException("injected", FlushError);
        }

        base.Flush(file);
    }
}
