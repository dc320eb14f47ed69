using Microsoft.Win32.SafeHandles;

namespace Pachyderm.Backup.Native;

/// <summary>Reads the beginning of an open file, whatever becomes of its name or of what follows.</summary>
/// <param name="handle">The file; not owned.</param>
/// <param name="length">Bytes to read.</param>
internal sealed class HandleStream(SafeFileHandle handle, long length) : ReadOnlyStream
{
    private long _offset;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        int wanted = (int)Math.Min(buffer.Length, length - _offset);
        int read = wanted == 0 ? 0 : await RandomAccess.ReadAsync(handle, buffer[..wanted], _offset, cancellationToken);
        _offset += read;
        return read;
    }
}
