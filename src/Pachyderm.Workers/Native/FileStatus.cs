using System.Buffers.Binary;

namespace Pachyderm.Workers.Native;

/// <summary>What kind of thing a directory entry is.</summary>
internal enum FileKind
{
    Regular,
    Directory,
    SymbolicLink,
    Pipe,
    Socket,
    Device,
}

/// <summary>What is known of a file without opening it.</summary>
internal readonly record struct FileStatus(FileKind Kind, long Size, int Permissions)
{
    /// <summary>Reads what <c>statx</c> gives, which is laid out alike on every architecture.</summary>
    internal static FileStatus From(ReadOnlySpan<byte> statistics)
    {
        int mode = BinaryPrimitives.ReadUInt16LittleEndian(statistics[28..]);
        FileKind kind = (mode & 0xF000) switch
        {
            0x8000 => FileKind.Regular,
            0x4000 => FileKind.Directory,
            0xA000 => FileKind.SymbolicLink,
            0x1000 => FileKind.Pipe,
            0xC000 => FileKind.Socket,
            _ => FileKind.Device,
        };
        return new FileStatus(kind, BinaryPrimitives.ReadInt64LittleEndian(statistics[40..]), mode & 0xFFF);
    }
}
