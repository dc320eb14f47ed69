using System.Buffers;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;
using Pachyderm.Errors;

namespace Pachyderm.RecordStores.Snapshot;

/// <summary>
/// An etcd v3 snapshot, as <c>etcdctl snapshot save</c> writes it: a bbolt database followed by its SHA-256 (32 bytes). The file is only
/// read, with memory that does not grow with its size but for one bit a revision and a few bytes a page (10 million keys: about 20 MB).
/// Safe for concurrent use.
/// </summary>
public sealed class EtcdSnapshotFile : IDisposable
{
    /// <summary>Bytes of the hash at the end of a snapshot.</summary>
    internal const int HashLength = 32;

    /// <summary>A database is a multiple of this size, so that the remainder tells whether a hash follows.</summary>
    private const int SectorSize = 512;

    private const int RecordsPerPage = 1000;

    /// <summary>Large values make pages of fewer records.</summary>
    private const int BytesPerPage = 4 * 1024 * 1024;

    private const int HashBufferBytes = 256 * 1024;

    private readonly LiveSet _live;

    // How many of these share the reader, which the last one closes.
    private readonly StrongBox<int> _sharers;
    private int _isDisposed;

    private EtcdSnapshotFile(
        string path,
        long size,
        byte[]? hash,
        BoltReader reader,
        IReadOnlyList<BoltBucket> buckets,
        LiveSet live,
        long compacted)
    {
        Path = path;
        SizeBytes = size;
        Sha256 = hash is null ? null : Convert.ToHexStringLower(hash);
        Reader = reader;
        Buckets = buckets;
        _live = live;
        _sharers = new StrongBox<int>(1);
        CompactRevision = compacted;
        Revision = Math.Max(1, Math.Max(live.HighestRevision, compacted));
    }

    private EtcdSnapshotFile(EtcdSnapshotFile other)
    {
        (Path, SizeBytes, Sha256, Revision, CompactRevision) =
            (other.Path, other.SizeBytes, other.Sha256, other.Revision, other.CompactRevision);
        (Reader, Buckets, _live, _sharers) = (other.Reader, other.Buckets, other._live, other._sharers);
    }

    /// <summary>Where the file is.</summary>
    public string Path { get; }

    /// <summary>Size of the file in bytes, with the hash at its end.</summary>
    public long SizeBytes { get; }

    /// <summary>
    /// The store's revision, as an etcd restored from the file would continue from: the highest of all writes and of the last
    /// compaction, and at least 1, where an empty etcd begins.
    /// </summary>
    public long Revision { get; }

    /// <summary>Revision of the last compaction that was finished; 0 if there was none.</summary>
    public long CompactRevision { get; }

    /// <summary>The file's SHA-256 in lower-case hexadecimal digits; null for <see cref="SnapshotIntegrity.RawDatabase"/>.</summary>
    public string? Sha256 { get; }

    /// <summary>Number of live keys.</summary>
    public long LiveRecordCount => _live.LiveCount;

    internal BoltReader Reader { get; }

    internal IReadOnlyList<BoltBucket> Buckets { get; }

    internal int LeafCount => _live.Leaves.Length;

    /// <summary>Opens a snapshot and finds out which of its revisions are live.</summary>
    /// <param name="path">The file.</param>
    /// <param name="integrity">How much is checked.</param>
    /// <param name="cancellationToken">Ends the opening.</param>
    /// <exception cref="CorruptionException">
    /// The bytes are not those of a snapshot (<c>snapshot-not-bolt</c>, <c>snapshot-damaged</c>) or no longer those that were written
    /// (<c>snapshot-hash-mismatch</c>).
    /// </exception>
    /// <exception cref="OperatorException">
    /// The file is missing (<c>snapshot-not-found</c>), unreadable (<c>snapshot-unreadable</c>) or has no hash
    /// (<c>snapshot-without-hash</c>).
    /// </exception>
    public static Task<EtcdSnapshotFile> OpenAsync(string path, SnapshotIntegrity integrity, CancellationToken cancellationToken) =>
        OpenAsync(path, integrity, LiveSet.DefaultCapacity, cancellationToken);

    internal static async Task<EtcdSnapshotFile> OpenAsync(
        string path,
        SnapshotIntegrity integrity,
        int liveSetCapacity,
        CancellationToken cancellationToken)
    {
        using SafeFileHandle hashed = OpenHandle(path);
        long size = RandomAccess.GetLength(hashed);
        long length = CheckSize(path, size, integrity);
        byte[]? hash = integrity == SnapshotIntegrity.RawDatabase ? null : ReadTrailer(path, hashed, length);
        using CancellationTokenSource failed = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task<EtcdSnapshotFile> opening = Task.Run(() => Open(path, size, length, hash, liveSetCapacity, failed.Token), failed.Token);
        if (integrity == SnapshotIntegrity.VerifyHash)
        {
            // Both read the same bytes at the same time. A wrong hash is the better answer: it explains every other damage.
            try
            {
                await Task.Run(() => VerifyHash(path, hashed, length, hash, cancellationToken), cancellationToken);
            }
            catch
            {
                await failed.CancelAsync();
                await ((Task)opening).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                if (opening.IsCompletedSuccessfully)
                {
                    (await opening).Dispose();
                }

                throw;
            }
        }

        return await opening;
    }

    /// <summary>
    /// Reads the live records of a range in ascending order of their revisions, about 1,000 at a time. While a page is looked at, the
    /// next one is read.
    /// </summary>
    /// <param name="range">The keys to read.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    public IAsyncEnumerable<IReadOnlyList<StoredRecord>> ReadByRevisionAsync(KeyRange range, CancellationToken cancellationToken) =>
        PrefetchAsync(ReadPartition(new SnapshotPartition(0, 0, LeafCount), range), cancellationToken);

    /// <summary>Cuts the revisions into parts of about equal numbers of database pages.</summary>
    /// <param name="count">How many parts to make; there are fewer if the snapshot has fewer pages.</param>
    public IReadOnlyList<SnapshotPartition> Partition(int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        count = Math.Min(count, LeafCount);
        SnapshotPartition[] partitions = new SnapshotPartition[count];
        for (int index = 0; index < count; index++)
        {
            partitions[index] = new SnapshotPartition(
                index,
                (int)((long)LeafCount * index / count),
                (int)((long)LeafCount * (index + 1) / count));
        }

        return partitions;
    }

    /// <summary>Reads the live records of a part, in ascending order of their revisions, about 1,000 at a time.</summary>
    /// <param name="partition">A part that <see cref="Partition"/> of this file made.</param>
    /// <param name="range">The keys to read.</param>
    public IEnumerable<IReadOnlyList<StoredRecord>> ReadPartition(SnapshotPartition partition, KeyRange range)
    {
        bool all = range == KeyRange.All;
        List<StoredRecord> page = new(RecordsPerPage);
        List<SnapshotEntry> entries = [];
        long bytes = 0;
        for (int leaf = partition.FirstLeaf; leaf < partition.EndLeaf;)
        {
            entries.Clear();
            leaf = ReadEntries(leaf, partition.EndLeaf, entries);
            foreach (SnapshotEntry entry in entries)
            {
                if (all || range.Contains(entry.Record.Key.Span))
                {
                    page.Add(entry.Record);
                    bytes += entry.Encoded.Length;
                }
            }

            if (page.Count >= RecordsPerPage || bytes >= BytesPerPage)
            {
                yield return page;
                bytes = 0;
                page = new List<StoredRecord>(RecordsPerPage);
            }
        }

        if (page.Count > 0)
        {
            yield return page;
        }
    }

    /// <summary>
    /// Opens the file once more, without looking for its live revisions again. Both must be disposed of; it is the same file that they
    /// read, even if another one has taken its name meanwhile.
    /// </summary>
    public EtcdSnapshotFile Share()
    {
        ObjectDisposedException.ThrowIf(_isDisposed != 0, this);
        Interlocked.Increment(ref _sharers.Value);
        return new EtcdSnapshotFile(this);
    }

    /// <summary>Closes the file.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) == 0 && Interlocked.Decrement(ref _sharers.Value) == 0)
        {
            Reader.Dispose();
        }
    }

    /// <summary>
    /// Visits the live records of one partition, oldest first, reading into one buffer again and again: the fastest way through a file for
    /// who keeps nothing. Partitions may be visited in parallel.
    /// </summary>
    /// <param name="partition">One of <see cref="Partition"/>'s.</param>
    /// <param name="visit">Called with each record, whose key and value are valid during the call only.</param>
    /// <param name="progress">Told the number of records of each stretch that was visited; or null.</param>
    /// <param name="cancellationToken">Ends the visit.</param>
    public void VisitPartition(
        SnapshotPartition partition, SnapshotRecordVisitor visit, IProgress<long>? progress, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(visit);
        byte[] buffer = Reader.CreateWindowBuffer();
        List<SnapshotEntry> entries = [];
        for (int leaf = partition.FirstLeaf; leaf < partition.EndLeaf;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            entries.Clear();
            leaf = ReadEntries(leaf, partition.EndLeaf, entries, buffer);
            foreach (SnapshotEntry entry in entries)
            {
                StoredRecord record = entry.Record;
                visit(record);
            }

            progress?.Report(entries.Count);
        }
    }

    /// <summary>
    /// Reads the live entries of the leaves that one read fetches, in ascending order of their revisions, into a buffer of their own.
    /// </summary>
    /// <returns>The first leaf that was not read.</returns>
    internal int ReadEntries(int firstLeaf, int limit, List<SnapshotEntry> entries, byte[]? reusable = null)
    {
        int end = Reader.WindowEnd(_live.Leaves, firstLeaf, limit);
        LeafWindow window = Reader.ReadWindow(_live.Leaves, firstLeaf, end, reusable);
        for (int leaf = firstLeaf; leaf < end; leaf++)
        {
            BoltPage page = GetLeaf(window, leaf);
            uint number = _live.EntriesBefore[leaf];
            for (int index = 0; index < page.Count; index++, number++)
            {
                if (!_live.IsDead(number))
                {
                    entries.Add(ReadEntry(page, index));
                }
            }
        }

        return end;
    }

    /// <summary>The leaf after a run of leaves that are together about <paramref name="bytes"/> long; the run has at least one.</summary>
    internal int ChunkEnd(int firstLeaf, int leaves, int bytes)
    {
        int limit = (int)Math.Min(LeafCount, (long)firstLeaf + leaves);
        int end = firstLeaf;
        for (long length = 0; end < limit && length < bytes; end++)
        {
            length += (long)_live.LeafPages[end] * Reader.PageSize;
        }

        return end;
    }

    /// <summary>Reads the live entry that has a number, counted over all entries from the oldest.</summary>
    internal SnapshotEntry ReadEntry(uint number)
    {
        int leaf = Array.BinarySearch(_live.EntriesBefore, number);
        leaf = leaf < 0 ? ~leaf - 1 : leaf;

        // Of a leaf without entries and its successor both begin at the number; the last one holds it.
        while (leaf + 1 < _live.Leaves.Length && _live.EntriesBefore[leaf + 1] == number)
        {
            leaf++;
        }

        LeafWindow window = Reader.ReadWindow(_live.Leaves, leaf, leaf + 1, null);
        return ReadEntry(GetLeaf(window, leaf), (int)(number - _live.EntriesBefore[leaf]));
    }

    /// <summary>Calls <paramref name="visit"/> with the number and the key of every live entry.</summary>
    internal void VisitKeys(Action<uint, ReadOnlySpan<byte>> visit, CancellationToken cancellationToken)
    {
        byte[] buffer = Reader.CreateWindowBuffer();
        for (int first = 0; first < LeafCount;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int end = Reader.WindowEnd(_live.Leaves, first, LeafCount);
            LeafWindow window = Reader.ReadWindow(_live.Leaves, first, end, buffer);
            for (; first < end; first++)
            {
                BoltPage page = GetLeaf(window, first);
                uint number = _live.EntriesBefore[first];
                for (int index = 0; index < page.Count; index++, number++)
                {
                    if (!_live.IsDead(number))
                    {
                        visit(number, ReadEntry(page, index).Record.Key.Span);
                    }
                }
            }
        }
    }

    private static async IAsyncEnumerable<IReadOnlyList<StoredRecord>> PrefetchAsync(
        IEnumerable<IReadOnlyList<StoredRecord>> pages,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using IEnumerator<IReadOnlyList<StoredRecord>> reader = pages.GetEnumerator();
        Task<IReadOnlyList<StoredRecord>?> NextAsync() =>
            Task.Run(() => reader.MoveNext() ? reader.Current : null, CancellationToken.None);

        Task<IReadOnlyList<StoredRecord>?> next = NextAsync();
        try
        {
            while (await next is { } page)
            {
                cancellationToken.ThrowIfCancellationRequested();
                next = NextAsync();
                yield return page;
            }
        }
        finally
        {
            await ((Task)next).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static SafeFileHandle OpenHandle(string path)
    {
        try
        {
            return File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        }
        catch (Exception failure) when (failure is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new OperatorException(
                "snapshot-not-found", path, "does not exist", "name a file that 'etcdctl snapshot save' wrote", failure);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new OperatorException(
                "snapshot-unreadable", path, $"cannot be opened: {failure.Message}", "check its permissions", failure);
        }
    }

    private static long CheckSize(string path, long size, SnapshotIntegrity integrity)
    {
        if (size == 0)
        {
            throw new CorruptionException("snapshot-damaged", path, "is empty", "take a new snapshot with 'etcdctl snapshot save'");
        }

        if (integrity == SnapshotIntegrity.RawDatabase)
        {
            return size;
        }

        return size % SectorSize == HashLength
            ? size - HashLength
            : throw new CorruptionException(
                "snapshot-without-hash",
                path,
                "does not end with a SHA-256, so it was cut short, or is the database of a member rather than a snapshot",
                "take one with 'etcdctl snapshot save', or say explicitly that it is a raw database");
    }

    private static byte[] ReadTrailer(string path, SafeFileHandle handle, long length)
    {
        byte[] hash = new byte[HashLength];
        return RandomAccess.Read(handle, hash, length) == HashLength
            ? hash
            : throw BoltFormat.Damaged(path, "the file became shorter while it was read");
    }

    private static void VerifyHash(string path, SafeFileHandle handle, long length, byte[]? expected, CancellationToken cancellationToken)
    {
        byte[] actual;
        try
        {
            actual = ComputeHash(path, handle, length, cancellationToken);
        }
        catch (IOException failure)
        {
            throw new OperatorException("snapshot-unreadable", path, $"cannot be read: {failure.Message}", "check the disk", failure);
        }

        if (!actual.AsSpan().SequenceEqual(expected))
        {
            throw new CorruptionException(
                "snapshot-hash-mismatch",
                path,
                "does not have the SHA-256 that it ends with, so bytes changed since it was written",
                "use another copy of the file, or take a new one with 'etcdctl snapshot save'");
        }
    }

    /// <summary>SHA-256 of the first bytes of a file.</summary>
    internal static byte[] ComputeHash(string path, SafeFileHandle handle, long length, CancellationToken cancellationToken)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(HashBufferBytes);
        try
        {
            for (long offset = 0; offset < length;)
            {
                cancellationToken.ThrowIfCancellationRequested();
                int count = RandomAccess.Read(handle, buffer.AsSpan(0, (int)Math.Min(buffer.Length, length - offset)), offset);
                if (count == 0)
                {
                    throw BoltFormat.Damaged(path, "the file became shorter while it was read");
                }

                hash.AppendData(buffer, 0, count);
                offset += count;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        return hash.GetHashAndReset();
    }

    private static EtcdSnapshotFile Open(
        string path,
        long size,
        long length,
        byte[]? hash,
        int liveSetCapacity,
        CancellationToken cancellationToken)
    {
        SafeFileHandle handle = OpenHandle(path);
        try
        {
            BoltReader reader = new(path, handle, length);
            IReadOnlyList<BoltBucket> buckets = reader.ReadBuckets();
            BoltBucket keys = EtcdBuckets.Find(buckets, EtcdBuckets.Key)
                ?? throw BoltFormat.Damaged(path, $"the database has no bucket '{EtcdBuckets.Key}', so it is not etcd's");
            long compacted = EtcdBuckets.ReadCompactRevision(reader, buckets);
            LiveSet live = LiveSet.Build(reader, reader.OpenTree(keys), compacted, liveSetCapacity, cancellationToken);
            return new EtcdSnapshotFile(path, size, hash, reader, buckets, live, compacted);
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>A leaf, which must have as many entries as when the file was opened.</summary>
    private BoltPage GetLeaf(LeafWindow window, int leaf)
    {
        BoltPage page = window.GetPage(_live.Leaves[leaf]);
        return page.IsLeaf && (uint)page.Count == _live.EntriesBefore[leaf + 1] - _live.EntriesBefore[leaf]
            ? page
            : throw BoltFormat.Damaged(Path, $"page {page.Id} changed while the snapshot was open");
    }

    private SnapshotEntry ReadEntry(BoltPage page, int index)
    {
        BoltItem item = page.GetItem(index);
        ReadOnlyMemory<byte> encoded = page.Buffer.AsMemory(item.ValueOffset, item.ValueLength);
        if (!RevisionKey.TryRead(page.Buffer.AsSpan(item.KeyOffset, item.KeyLength), out RevisionKey revision)
            || !KeyValueMessage.TryRead(encoded.Span, out KeyValueMessage message)
            || message.ModRevision != revision.Main)
        {
            throw BoltFormat.Damaged(Path, $"page {page.Id} changed while the snapshot was open");
        }

        StoredRecord record = new(
            encoded.Slice(message.KeyOffset, message.KeyLength),
            encoded.Slice(message.ValueOffset, message.ValueLength),
            message.CreateRevision,
            message.ModRevision,
            message.Version,
            message.Lease);
        return new SnapshotEntry(record, revision.Sub, encoded);
    }
}
