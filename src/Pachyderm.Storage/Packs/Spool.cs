using Microsoft.Win32.SafeHandles;
using Pachyderm.Errors;
using Pachyderm.ObjectStores;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Index;

namespace Pachyderm.Storage.Packs;

/// <summary>
/// Appends chunks to the open pack. All packs of one process together are a log: a position in it says what has to be flushed, and what
/// was lost by a flush that failed.
/// </summary>
internal sealed class Spool
{
    private readonly string _directory;
    private readonly SpoolFiles _files;
    private readonly PackSet _packs;
    private readonly ChunkIndex _index;
    private readonly long _packSize;
    private readonly Action<OpenPack> _full;
    private readonly Lock _gate = new();
    private readonly List<OpenPack> _dirty = [];
    private readonly List<(long From, long To, OperatorException Cause)> _lost = [];
    private readonly byte[] _header = new byte[PackFormat.HeaderLength];
    private readonly ReadOnlyMemory<byte>[] _pieces = new ReadOnlyMemory<byte>[2];
    private OpenPack? _open;
    private ushort _version = PackFormat.Version;
    private long _position;

    /// <summary>Creates a spool without an open pack.</summary>
    /// <param name="directory">Where packs are written.</param>
    /// <param name="files">How.</param>
    /// <param name="packs">Gets the new packs.</param>
    /// <param name="index">Gets the new chunks.</param>
    /// <param name="packSize">A pack that reaches this length is full.</param>
    /// <param name="full">Takes over packs that are full. Called under the lock: must return at once.</param>
    public Spool(string directory, SpoolFiles files, PackSet packs, ChunkIndex index, long packSize, Action<OpenPack> full)
    {
        _directory = directory;
        _files = files;
        _packs = packs;
        _index = index;
        _packSize = packSize;
        _full = full;
        Commit = new GroupCommit(() => Position, Flush);
    }

    /// <summary>Flushes.</summary>
    public GroupCommit Commit { get; }

    /// <summary>The end of the append log.</summary>
    public long Position => Volatile.Read(ref _position);

    /// <summary>Appends a chunk, unless somebody else has just done so.</summary>
    /// <param name="id">The chunk.</param>
    /// <param name="payload">What <paramref name="stored"/> is.</param>
    /// <param name="stored">The bytes.</param>
    /// <param name="end">The position that has to be flushed.</param>
    /// <returns>False if the chunk is in the index already, and not as a reference.</returns>
    /// <exception cref="OperatorException">The disk is full or fails; nothing has changed.</exception>
    public bool TryAppend(ChunkId id, ChunkPayload payload, ReadOnlyMemory<byte> stored, out long end)
    {
        end = 0;
        lock (_gate)
        {
            if (_index.TryGetRecent(id, out ChunkLocation found, out PackFile? recent) && !recent.Condemned
                && found.Payload.Encoding != ChunkEncoding.Reference)
            {
                return false;
            }

            OpenPack open = OpenFor(PackFormat.VersionFor(payload));
            new RecordHeader(id, payload).Write(open.Pack.Id, open.Tail, _header);
            Write(open, stored);
            PackEntry entry = new(id, (uint)open.Tail, payload);
            open.Entries.Add(entry);
            if (open.Tail == open.FlushedTail)
            {
                _dirty.Add(open);
            }

            open.Tail += RecordHeader.Length + payload.StoredLength;
            end = open.EndPosition;
            Volatile.Write(ref _position, end);
            _index.Add(id, new ChunkLocation(open.Pack.Number, entry.Offset, payload));
            if (open.Tail >= _packSize)
            {
                RollLocked();
            }
        }

        return true;
    }

    /// <summary>The open pack and a copy of what it holds now, or null.</summary>
    public (PackFile Pack, List<PackEntry> Entries)? GetOpen()
    {
        lock (_gate)
        {
            return _open is { } open ? (open.Pack, [.. open.Entries]) : null;
        }
    }

    /// <summary>Ends the open pack, if it holds anything.</summary>
    public void Roll()
    {
        lock (_gate)
        {
            RollLocked();
        }
    }

    /// <summary>Fails if a part of the log could not be made durable.</summary>
    /// <exception cref="OperatorException">What went wrong at that time.</exception>
    public void ThrowIfLost(long from, long to)
    {
        lock (_gate)
        {
            foreach ((long lostFrom, long lostTo, OperatorException cause) in _lost)
            {
                if (lostFrom < to && from < lostTo)
                {
                    throw new OperatorException(cause.Id, cause.Thing, cause.Problem, cause.Remedy, cause);
                }
            }
        }
    }

    /// <summary>Closes the open pack as a kill would.</summary>
    public void Abandon()
    {
        lock (_gate)
        {
            _open?.Handle.Dispose();
            _open = null;
        }
    }

    // A file without a durable record; the next start removes it if the disk does not let this one.
    private static void DeleteIfPossible(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception exception) when (StorageErrors.IsStorageFailure(exception))
        {
            // What made the writing fail is told already.
        }
    }

    // Records that an older reader does not know go to a pack that says so in its header from the beginning, since what was written of a
    // pack never changes. Later packs of this process say so, too: else each that begins with an ordinary chunk might end after it.
    private OpenPack OpenFor(ushort version)
    {
        _version = Math.Max(_version, version);
        if (_open is { Entries.Count: > 0 } old && old.Pack.Version < _version)
        {
            RollLocked();
        }

        OpenPack open = _open ??= Create();
        if (open.Pack.Version < _version)
        {
            // Its first record could not be written, so nothing is in it.
            WriteHeader(open);
        }

        return open;
    }

    private void WriteHeader(OpenPack open)
    {
        try
        {
            PackFormat.WriteHeader(open.Pack.Id, _header, _version);
            _files.Write(open.Handle, [_header.AsMemory(0, PackFormat.HeaderLength)], 0);
            open.Pack.Version = _version;
        }
        catch (Exception exception) when (StorageErrors.IsStorageFailure(exception))
        {
            throw StorageErrors.Translate(exception, _directory);
        }
    }

    private OpenPack Create()
    {
        PackId id = PackId.Create();
        string path = Path.Combine(_directory, id + PackRecovery.FileSuffix);
        try
        {
            SafeFileHandle handle = _files.Create(path);
            try
            {
                PackFormat.WriteHeader(id, _header, _version);
                _files.Write(handle, [_header.AsMemory(0, PackFormat.HeaderLength)], 0);
            }
            catch (IOException)
            {
                handle.Dispose();
                DeleteIfPossible(path);
                throw;
            }

            PackFile pack = _packs.Add(id, _position);
            pack.Version = _version;
            pack.SpoolPath = path;
            pack.Handle = handle;
            Volatile.Write(ref _position, _position + PackFormat.HeaderLength);
            OpenPack open = new(pack, handle, path, []) { Tail = PackFormat.HeaderLength };
            _dirty.Add(open);
            return open;
        }
        catch (Exception exception) when (StorageErrors.IsStorageFailure(exception))
        {
            throw StorageErrors.Translate(exception, _directory);
        }
    }

    private void Write(OpenPack open, ReadOnlyMemory<byte> stored)
    {
        try
        {
            _pieces[0] = _header.AsMemory(0, RecordHeader.Length);
            _pieces[1] = stored;
            _files.Write(open.Handle, _pieces, open.Tail);
        }
        catch (Exception exception) when (StorageErrors.IsStorageFailure(exception))
        {
            // What was written of the record lies behind the tail, where the next record overwrites it.
            throw StorageErrors.Translate(exception, _directory);
        }
        finally
        {
            _pieces[1] = default;
        }
    }

    private void RollLocked()
    {
        if (_open is { Entries.Count: > 0 } open)
        {
            _open = null;
            _full(open);
        }
    }

    // Runs on one thread at a time. A pack whose flush fails does not keep others from being flushed; who needs it learns from ThrowIfLost.
    private void Flush()
    {
        List<(OpenPack Open, long Tail)> work;
        lock (_gate)
        {
            work = [.. _dirty.Select(static open => (open, open.Tail))];
        }

        foreach ((OpenPack open, long tail) in work)
        {
            try
            {
                if (!open.NameFlushed)
                {
                    _files.FlushDirectory(_directory);
                }

                _files.Flush(open.Handle);
                lock (_gate)
                {
                    open.NameFlushed = true;
                    open.FlushedTail = tail;
                    if (open.Tail == tail)
                    {
                        _dirty.Remove(open);
                    }
                }
            }
            catch (Exception exception) when (StorageErrors.IsStorageFailure(exception))
            {
                Fail(open, StorageErrors.Translate(exception, _directory));
            }
        }
    }

    // After a flush that failed the system may have dropped what it could not write, and say so never again: nothing behind the last
    // good flush counts any more. The chunks before it get a new pack number; all else that the index says of the old one is void.
    private void Fail(OpenPack open, OperatorException cause)
    {
        lock (_gate)
        {
            _dirty.Remove(open);
            _open = _open == open ? null : _open;
            open.Failed = true;
            _lost.Add((open.Pack.StartPosition + open.FlushedTail, open.EndPosition, cause));
            List<PackEntry> kept = [.. open.Entries.Where(entry => entry.Offset < open.FlushedTail)];
            if (kept.Count == 0)
            {
                _packs.Remove(open.Pack);
                open.Pack.Handle = null;
                open.Handle.Dispose();
                DeleteIfPossible(open.Path);
                return;
            }

            PackFile pack = _packs.Add(open.Pack.Id, open.Pack.StartPosition);
            pack.Version = open.Pack.Version;
            pack.SpoolPath = open.Path;
            pack.Handle = open.Handle;
            _index.AddPack(pack, kept);
            _packs.Remove(open.Pack);
            _full(new OpenPack(pack, open.Handle, open.Path, kept)
            {
                Tail = open.FlushedTail,
                FlushedTail = open.FlushedTail,
                NameFlushed = true,
            });
        }
    }
}
