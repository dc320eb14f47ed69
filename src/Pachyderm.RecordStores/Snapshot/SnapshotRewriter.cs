using Pachyderm.Errors;

namespace Pachyderm.RecordStores.Snapshot;

/// <summary>Makes a new snapshot out of an old one at the speed of the machine: the bulk path of a migration.</summary>
public static class SnapshotRewriter
{
    /// <summary>Leaf pages that one task works on: about a quarter of a megabyte, or fewer if they are long.</summary>
    private const int LeavesPerChunk = 64;

    private const int BytesPerChunk = 512 * 1024;

    /// <summary>
    /// Streams every live record of <paramref name="source"/>, oldest first, through <paramref name="rewrite"/> into a new snapshot.
    /// Records keep their create and mod revision, version and lease. Everything that is not a record (leases, users, members, alarms)
    /// is copied. Memory does not grow with the number of records, but for a filter of two bytes a record if there are additions.
    /// </summary>
    /// <param name="source">The snapshot to read; it is not changed.</param>
    /// <param name="outputPath">The file to write; it must not exist.</param>
    /// <param name="rewrite">
    /// Decides what becomes of a record. Called in parallel and in any order, so it must be safe for that, and must answer the same each
    /// time that it is asked about a record.
    /// </param>
    /// <param name="additions">
    /// New records, each of which gets a revision of its own after the source's; null for none. Enumerated once, after all records were
    /// rewritten. Their keys must not be in the new snapshot already, and must differ from each other.
    /// </param>
    /// <param name="progress">Told, now and then, how many records of the source are done; or null.</param>
    /// <param name="cancellationToken">Ends the rewriting; no file is left.</param>
    /// <exception cref="OperatorException">
    /// The file cannot be written (see <see cref="EtcdSnapshotWriter"/>), or an addition has a key that exists (<c>addition-exists</c>).
    /// </exception>
    public static async Task<SnapshotRewriteResult> RewriteAsync(
        EtcdSnapshotFile source,
        string outputPath,
        Func<StoredRecord, RecordRewrite> rewrite,
        Func<IAsyncEnumerable<RecordWrite>>? additions,
        IProgress<long>? progress,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(rewrite);
        KeyFilter? filter = additions is null ? null : new KeyFilter(source.LiveRecordCount);
        await using EtcdSnapshotWriter writer = await EtcdSnapshotWriter.CreateAsync(outputPath, source, cancellationToken);
        (long kept, long replaced, long dropped) = await RewriteRecordsAsync(source, writer, rewrite, filter, progress, cancellationToken);
        long revision = source.Revision;
        if (additions is not null)
        {
            revision = await AddAsync(source, writer, rewrite, filter!, additions(), cancellationToken);
        }

        WrittenSnapshot written = await writer.CompleteAsync(revision, cancellationToken);
        return new SnapshotRewriteResult(
            kept, replaced, dropped, revision - source.Revision, written.SizeBytes, written.Sha256, written.Revision);
    }

    private static async Task<(long Kept, long Replaced, long Dropped)> RewriteRecordsAsync(
        EtcdSnapshotFile source,
        EtcdSnapshotWriter writer,
        Func<StoredRecord, RecordRewrite> rewrite,
        KeyFilter? filter,
        IProgress<long>? progress,
        CancellationToken cancellationToken)
    {
        long kept = 0, replaced = 0, dropped = 0;
        int ahead = Environment.ProcessorCount * 3;
        Queue<Task<Chunk>> running = new(ahead);
        Stack<Chunk> idle = new();
        try
        {
            for (int next = 0; next < source.LeafCount || running.Count > 0;)
            {
                cancellationToken.ThrowIfCancellationRequested();
                while (next < source.LeafCount && running.Count < ahead)
                {
                    Chunk chunk = idle.TryPop(out Chunk? used) ? used : new Chunk();
                    int first = next;
                    int end = source.ChunkEnd(first, LeavesPerChunk, BytesPerChunk);
                    next = end;
                    running.Enqueue(Task.Run(() => chunk.Process(source, first, end, rewrite, filter), cancellationToken));
                }

                Chunk done = await running.Dequeue();
                writer.Append(done.Packer, done.Kept + done.Replaced, done.LastRevision);
                kept += done.Kept;
                replaced += done.Replaced;
                dropped += done.Dropped;
                idle.Push(done);
                progress?.Report(kept + replaced + dropped);
            }
        }
        finally
        {
            // After a failure the others still read the source and must not outlive this call.
            foreach (Task<Chunk> task in running)
            {
                await ((Task)task).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }

        return (kept, replaced, dropped);
    }

    private static async Task<long> AddAsync(
        EtcdSnapshotFile source,
        EtcdSnapshotWriter writer,
        Func<StoredRecord, RecordRewrite> rewrite,
        KeyFilter filter,
        IAsyncEnumerable<RecordWrite> additions,
        CancellationToken cancellationToken)
    {
        long revision = source.Revision;
        HashedKeySet added = new();
        HashSet<byte[]> suspects = new(ByteOrder.Instance);
        await foreach (RecordWrite addition in additions.WithCancellation(cancellationToken))
        {
            if (addition.Value is not { } value || addition.Key.IsEmpty)
            {
                throw new ArgumentException("An addition needs a key and a value.", nameof(additions));
            }

            UInt128 hash = HashedKeySet.Hash(addition.Key.Span);
            if (!added.Add(hash))
            {
                throw Exists(addition.Key.Span);
            }

            if (filter.MayContain(hash))
            {
                suspects.Add(addition.Key.ToArray());
            }

            revision++;
            writer.Add(revision, 0, new StoredRecord(addition.Key, value, revision, revision, 1, addition.Lease));
        }

        if (suspects.Count > 0)
        {
            await Task.Run(() => CheckSuspects(source, rewrite, suspects, cancellationToken), cancellationToken);
        }

        return revision;
    }

    /// <summary>The filter is sometimes wrong when it says that a key exists: only the source knows.</summary>
    private static void CheckSuspects(
        EtcdSnapshotFile source,
        Func<StoredRecord, RecordRewrite> rewrite,
        HashSet<byte[]> suspects,
        CancellationToken cancellationToken)
    {
        HashSet<byte[]>.AlternateLookup<ReadOnlySpan<byte>> lookup = suspects.GetAlternateLookup<ReadOnlySpan<byte>>();
        source.VisitKeys(
            (number, key) =>
            {
                if (lookup.Contains(key) && rewrite(source.ReadEntry(number).Record).Kind != RecordRewriteKind.Drop)
                {
                    throw Exists(key);
                }
            },
            cancellationToken);
    }

    private static OperatorException Exists(ReadOnlySpan<byte> key) => new(
        "addition-exists",
        System.Text.Encoding.UTF8.GetString(key),
        "is to be added, but exists already",
        "replace the record instead, or drop it first");

    /// <summary>What one task works on. Used again and again.</summary>
    private sealed class Chunk
    {
        private readonly List<SnapshotEntry> _entries = [];

        // Everything that is kept of a record is copied by the packer, so the next stretch may be read over it.
        private byte[]? _buffer;

        public LeafPacker Packer { get; } = SnapshotImage.CreatePacker();

        public long Kept { get; private set; }

        public long Replaced { get; private set; }

        public long Dropped { get; private set; }

        public long LastRevision { get; private set; }

        public Chunk Process(EtcdSnapshotFile source, int first, int end, Func<StoredRecord, RecordRewrite> rewrite, KeyFilter? filter)
        {
            (Kept, Replaced, Dropped) = (0, 0, 0);
            while (first < end)
            {
                _entries.Clear();
                first = source.ReadEntries(first, end, _entries, _buffer ??= source.Reader.CreateWindowBuffer());
                foreach (SnapshotEntry entry in _entries)
                {
                    Pack(entry, rewrite(entry.Record), filter);
                }
            }

            Packer.Finish();
            return this;
        }

        private void Pack(in SnapshotEntry entry, RecordRewrite answer, KeyFilter? filter)
        {
            switch (answer.Kind)
            {
                case RecordRewriteKind.Drop:
                    Dropped++;
                    return;
                case RecordRewriteKind.Replace:
                    SnapshotImage.Pack(Packer, entry.Record.ModRevision, entry.Sub, entry.Record with { Value = answer.Value });
                    Replaced++;
                    break;
                default:
                    SnapshotImage.Pack(Packer, entry);
                    Kept++;
                    break;
            }

            LastRevision = entry.Record.ModRevision;
            filter?.Add(HashedKeySet.Hash(entry.Record.Key.Span));
        }
    }
}
