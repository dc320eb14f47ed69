using Microsoft.Win32.SafeHandles;
using Pachyderm.Errors;

namespace Pachyderm.RecordStores.Snapshot;

/// <summary>
/// Writes a new etcd snapshot that <c>etcdctl snapshot restore</c> accepts, from records in ascending order of their revisions, in one
/// pass and with constant memory. The file appears under its name only when it is complete and on disk; until then it is a
/// <c>.partial</c> file beside it, which <see cref="DisposeAsync"/> removes. Not safe for concurrent use.
/// </summary>
public sealed class EtcdSnapshotWriter : IAsyncDisposable
{
    private const int WriteBytes = 1024 * 1024;

    private readonly string _path;
    private readonly string _partialPath;
    private readonly SafeFileHandle _handle;
    private readonly EtcdSnapshotFile? _source;
    private readonly SnapshotImage _image = new();
    private RevisionKey _last = new(0, -1, false);
    private long _offset = SnapshotImage.HeaderLength;
    private long _records;
    private bool _completed;

    private EtcdSnapshotWriter(string path, EtcdSnapshotFile? source)
    {
        _path = Path.GetFullPath(path);
        _source = source;
        if (Path.Exists(_path))
        {
            throw AlreadyExists();
        }

        _partialPath = $"{_path}.{Guid.NewGuid():N}.partial";
        try
        {
            _handle = File.OpenHandle(_partialPath, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw NotWritable(failure);
        }
    }

    /// <summary>Begins a snapshot.</summary>
    /// <param name="path">The file to write; it must not exist.</param>
    /// <param name="source">
    /// The snapshot whose leases, alarms, users, roles and members are copied as they are; null for those of a fresh etcd. It must stay
    /// open until the writer is done.
    /// </param>
    /// <param name="cancellationToken">Ends the beginning.</param>
    /// <exception cref="OperatorException">
    /// The file exists (<c>snapshot-exists</c>) or cannot be written (<c>snapshot-not-writable</c>).
    /// </exception>
    public static Task<EtcdSnapshotWriter> CreateAsync(string path, EtcdSnapshotFile? source, CancellationToken cancellationToken) =>
        Task.Run(() => new EtcdSnapshotWriter(path, source), cancellationToken);

    /// <summary>Adds a record.</summary>
    /// <param name="revisionMain">Revision that wrote it, equal to its <see cref="StoredRecord.ModRevision"/>.</param>
    /// <param name="revisionSub">Place of the write within its transaction, from 0.</param>
    /// <param name="record">The record.</param>
    /// <exception cref="ArgumentException">The revision does not follow the one before, or the record contradicts it.</exception>
    public void Add(long revisionMain, long revisionSub, in StoredRecord record)
    {
        if (record.Key.IsEmpty
            || record.ModRevision != revisionMain
            || record.CreateRevision < 1
            || record.CreateRevision > revisionMain
            || record.Version < 1)
        {
            throw new ArgumentException($"A record of revision {revisionMain} has no key or contradicts itself.", nameof(record));
        }

        Follow(new RevisionKey(revisionMain, revisionSub, false));
        _records++;
        _image.Add(revisionMain, revisionSub, record);
        WritePending(WriteBytes);
    }

    /// <summary>Writes what is left, flushes the file to disk, and gives it its name.</summary>
    /// <param name="compactRevision">
    /// The revision below which etcd shall answer that it is compacted; 0 for no compaction. If it is higher than all records', etcd
    /// continues from it. A snapshot without the history of its records needs at least the highest of their revisions.
    /// </param>
    /// <param name="cancellationToken">Ends the writing.</param>
    /// <exception cref="OperatorException">
    /// The file exists by now (<c>snapshot-exists</c>) or cannot be written (<c>snapshot-not-writable</c>).
    /// </exception>
    public async Task<WrittenSnapshot> CompleteAsync(long compactRevision, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(compactRevision);
        ObjectDisposedException.ThrowIf(_completed, this);
        byte[] hash = await Task.Run(() => CompleteCoreAsync(compactRevision, cancellationToken), cancellationToken);
        return new WrittenSnapshot(
            _records,
            _offset + EtcdSnapshotFile.HashLength,
            Convert.ToHexStringLower(hash),
            Math.Max(1, Math.Max(_last.Main, compactRevision)));
    }

    /// <summary>Closes the file, and removes it unless it was completed.</summary>
    public ValueTask DisposeAsync()
    {
        _handle.Dispose();
        if (!_completed)
        {
            File.Delete(_partialPath);
        }

        return ValueTask.CompletedTask;
    }

    /// <summary>Adds records that were packed elsewhere, in ascending order of their revisions.</summary>
    internal void Append(LeafPacker packer, long records, long lastRevision)
    {
        _records += records;
        if (records > 0)
        {
            _last = new RevisionKey(Math.Max(_last.Main, lastRevision), long.MaxValue, false);
        }

        _image.Append(packer);
        WritePending(WriteBytes);
    }

    private void Follow(RevisionKey revision)
    {
        if (revision.Sub < 0 || revision.CompareTo(_last) <= 0)
        {
            throw new ArgumentException(
                $"Revision {revision.Main}.{revision.Sub} does not follow {_last.Main}.{_last.Sub}.", nameof(revision));
        }

        _last = revision;
    }

    private async Task<byte[]> CompleteCoreAsync(long compactRevision, CancellationToken cancellationToken)
    {
        byte[] header = _image.Finish(BucketContent.Compose(_source, compactRevision, null));
        WritePending(0);
        try
        {
            RandomAccess.Write(_handle, header, 0);

            // The hash begins with the header, which is known only now. While it is computed, the disk gets most of the bytes.
            Task flushing = Task.Run(() => RandomAccess.FlushToDisk(_handle), CancellationToken.None);
            byte[] hash;
            try
            {
                hash = EtcdSnapshotFile.ComputeHash(_partialPath, _handle, _offset, cancellationToken);
            }
            finally
            {
                await flushing;
            }

            RandomAccess.Write(_handle, hash, _offset);
            RandomAccess.FlushToDisk(_handle);
            File.Move(_partialPath, _path, overwrite: false);
            _completed = true;
            DirectorySync.Flush(Path.GetDirectoryName(_path)!);
            return hash;
        }
        catch (IOException) when (!_completed && Path.Exists(_path))
        {
            throw AlreadyExists();
        }
        catch (IOException failure)
        {
            throw NotWritable(failure);
        }
    }

    private void WritePending(int threshold)
    {
        ReadOnlyMemory<byte> pending = _image.Pending;
        if (pending.Length > threshold)
        {
            try
            {
                RandomAccess.Write(_handle, pending.Span, _offset);
            }
            catch (IOException failure)
            {
                throw NotWritable(failure);
            }

            _offset += pending.Length;
            _image.ClearPending();
        }
    }

    private OperatorException AlreadyExists() =>
        new("snapshot-exists", _path, "exists already and is never overwritten", "name another file, or remove this one");

    private OperatorException NotWritable(Exception failure) =>
        new(
            "snapshot-not-writable",
            _path,
            $"cannot be written: {failure.Message}",
            "free space on its disk, or name another place",
            failure);
}
