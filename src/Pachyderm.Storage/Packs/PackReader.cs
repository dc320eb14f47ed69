using Microsoft.Win32.SafeHandles;
using Pachyderm.ObjectStores;

namespace Pachyderm.Storage.Packs;

/// <summary>What became of a read.</summary>
internal enum PackReadOutcome
{
    /// <summary>All bytes are there.</summary>
    Done,

    /// <summary>The pack ends before.</summary>
    Short,

    /// <summary>The pack is neither in the spool nor in the object store.</summary>
    Gone,
}

/// <summary>Reads pieces of packs, from local files through a bounded number of open handles, else from the object store.</summary>
/// <param name="objects">Where sealed packs are.</param>
/// <param name="handleLimit">Handles kept open at most.</param>
internal sealed class PackReader(IObjectStore objects, int handleLimit) : IDisposable
{
    private readonly ILocalFiles? _files = objects as ILocalFiles;
    private readonly Lock _gate = new();
    private readonly Queue<PackFile> _open = [];
    private bool _disposed;

    /// <summary>Reads a piece of a pack.</summary>
    /// <param name="pack">The pack.</param>
    /// <param name="offset">The first byte.</param>
    /// <param name="target">Takes the bytes.</param>
    /// <param name="cancellationToken">Ends a read from the object store.</param>
    /// <exception cref="Pachyderm.Errors.OperatorException">The device or the object store fails.</exception>
    public ValueTask<PackReadOutcome> ReadAsync(PackFile pack, long offset, Memory<byte> target, CancellationToken cancellationToken)
    {
        // A read of a local file is not worth a change of thread: mostly the page cache has it.
        while (true)
        {
            SafeFileHandle? handle = pack.Handle;
            try
            {
                handle ??= Open(pack);
                if (handle is not null)
                {
                    pack.Touched = true;
                    return new(ReadFully(handle, offset, target.Span) ? PackReadOutcome.Done : PackReadOutcome.Short);
                }

                return pack.SpoolPath is null && _files is null
                    ? new(ReadObjectAsync(pack, offset, target, cancellationToken))
                    : new(PackReadOutcome.Gone);
            }
            catch (ObjectDisposedException) when (!_disposed)
            {
                // The handle was closed to make room for another.
            }
            catch (Exception exception) when (StorageErrors.IsStorageFailure(exception))
            {
                throw StorageErrors.Translate(exception, pack.SpoolPath ?? $"pack {pack.Id} in {objects.Location}");
            }
        }
    }

    /// <summary>Reads from a file until the target is full.</summary>
    /// <returns>Whether there were enough bytes.</returns>
    public static bool ReadFully(SafeFileHandle handle, long offset, Span<byte> target)
    {
        while (!target.IsEmpty)
        {
            int read = RandomAccess.Read(handle, target, offset);
            if (read == 0)
            {
                return false;
            }

            offset += read;
            target = target[read..];
        }

        return true;
    }

    /// <summary>Counts a handle that somebody else opened, and has set on the pack, among those that may be closed.</summary>
    public void Adopt(PackFile pack)
    {
        lock (_gate)
        {
            Track(pack);
        }
    }

    /// <summary>Closes the handle of a pack; a later read opens it again.</summary>
    public void Close(PackFile pack)
    {
        lock (_gate)
        {
            SafeFileHandle? handle = pack.Handle;
            pack.Handle = null;
            handle?.Dispose();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            while (_open.TryDequeue(out PackFile? pack))
            {
                pack.Handle?.Dispose();
            }
        }
    }

    private SafeFileHandle? Open(PackFile pack)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            string? tried = null;
            while (pack.Handle is null)
            {
                string? path = pack.SpoolPath ?? _files?.GetPath(pack.Id.Key);
                if (path is null || path == tried)
                {
                    return null;
                }

                try
                {
                    pack.Handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
                    Track(pack);
                }
                catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
                {
                    // Moved into the object store since its path was read, or gone.
                    tried = path;
                }
            }

            return pack.Handle;
        }
    }

    private void Track(PackFile pack)
    {
        _open.Enqueue(pack);
        int chances = _open.Count;
        while (_open.Count > handleLimit)
        {
            PackFile oldest = _open.Dequeue();
            if (oldest.Handle is not { } handle)
            {
                continue;
            }

            if (oldest.Touched && chances-- > 0)
            {
                oldest.Touched = false;
                _open.Enqueue(oldest);
                continue;
            }

            oldest.Handle = null;
            handle.Dispose();
        }
    }

    private async Task<PackReadOutcome> ReadObjectAsync(
        PackFile pack, long offset, Memory<byte> target, CancellationToken cancellationToken)
    {
        await using Stream? stream = await objects.OpenReadAsync(pack.Id.Key, offset, target.Length, cancellationToken);
        if (stream is null)
        {
            return PackReadOutcome.Gone;
        }

        int read = await stream.ReadAtLeastAsync(target, target.Length, throwOnEndOfStream: false, cancellationToken);
        return read == target.Length ? PackReadOutcome.Done : PackReadOutcome.Short;
    }
}
