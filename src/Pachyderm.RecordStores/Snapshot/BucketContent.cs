namespace Pachyderm.RecordStores.Snapshot;

/// <summary>A bucket to write.</summary>
/// <param name="Name">Its name, one character a byte.</param>
/// <param name="Sequence">bbolt's counter for it.</param>
/// <param name="Items">Its items in key order.</param>
internal sealed record BucketContent(
    string Name,
    ulong Sequence,
    IEnumerable<KeyValuePair<ReadOnlyMemory<byte>, ReadOnlyMemory<byte>>> Items)
{
    /// <summary>
    /// Everything but the records: the buckets of <paramref name="source"/> as they are (or those of a fresh etcd, empty), with the
    /// compaction set and some leases changed.
    /// </summary>
    /// <param name="source">The snapshot to copy from; null for none.</param>
    /// <param name="compactRevision">Revision below which etcd shall answer that it is compacted; 0 for no compaction.</param>
    /// <param name="leases">Leases to add, or to remove where the value is null.</param>
    public static IReadOnlyList<BucketContent> Compose(
        EtcdSnapshotFile? source,
        long compactRevision,
        SortedDictionary<byte[], byte[]?>? leases)
    {
        SortedDictionary<byte[], byte[]?> meta = new(ByteOrder.Instance);
        if (compactRevision > 0)
        {
            byte[] revision = new byte[RevisionKey.Length];
            RevisionKey.Write(revision, compactRevision, 0);
            meta[EtcdBuckets.FinishedCompact] = revision;
            meta[EtcdBuckets.ScheduledCompact] = revision;
        }

        IEnumerable<string> names = source is null
            ? EtcdBuckets.Standard
            : source.Buckets.Select(bucket => bucket.Name).Union([EtcdBuckets.Meta, EtcdBuckets.Lease], StringComparer.Ordinal);
        List<BucketContent> contents = [];
        foreach (string name in names.Where(name => !string.Equals(name, EtcdBuckets.Key, StringComparison.Ordinal)))
        {
            BoltBucket? bucket = source is null ? null : EtcdBuckets.Find(source.Buckets, name);
            SortedDictionary<byte[], byte[]?>? edits = name switch
            {
                EtcdBuckets.Meta => meta,
                EtcdBuckets.Lease => leases,
                _ => null,
            };
            contents.Add(new BucketContent(
                name,
                bucket?.Sequence ?? 0,
                Merge(bucket is null ? [] : source!.Reader.ReadItems(bucket), edits ?? new(ByteOrder.Instance))));
        }

        return contents;
    }

    private static IEnumerable<KeyValuePair<ReadOnlyMemory<byte>, ReadOnlyMemory<byte>>> Merge(
        IEnumerable<KeyValuePair<ReadOnlyMemory<byte>, ReadOnlyMemory<byte>>> items,
        SortedDictionary<byte[], byte[]?> edits)
    {
        using SortedDictionary<byte[], byte[]?>.Enumerator edit = edits.GetEnumerator();
        bool more = edit.MoveNext();
        foreach (KeyValuePair<ReadOnlyMemory<byte>, ReadOnlyMemory<byte>> item in items)
        {
            int order = -1;
            while (more && (order = edit.Current.Key.AsSpan().SequenceCompareTo(item.Key.Span)) <= 0)
            {
                if (edit.Current.Value is { } value)
                {
                    yield return new(edit.Current.Key, value);
                }

                more = edit.MoveNext();
                if (order == 0)
                {
                    break;
                }
            }

            if (order != 0)
            {
                yield return item;
            }
        }

        for (; more; more = edit.MoveNext())
        {
            if (edit.Current.Value is { } value)
            {
                yield return new(edit.Current.Key, value);
            }
        }
    }
}
