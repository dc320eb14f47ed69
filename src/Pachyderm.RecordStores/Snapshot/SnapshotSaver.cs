using System.Security.Cryptography;

namespace Pachyderm.RecordStores.Snapshot;

/// <summary>
/// Writes a snapshot with the writes on top of it to a stream. A database begins with what is known only at its end, so everything is
/// laid out twice: once to learn the header, once to write it. That needs neither a temporary file nor a stream that can seek.
/// </summary>
/// <param name="file">The snapshot.</param>
/// <param name="overlay">The newest write of each key that was written; null if nothing changed and the file can be copied.</param>
/// <param name="revision">The store's revision.</param>
/// <param name="leases">Changes to the leases.</param>
internal sealed class SnapshotSaver(
    EtcdSnapshotFile file,
    Dictionary<byte[], OverlayWrite>? overlay,
    long revision,
    SortedDictionary<byte[], byte[]?> leases)
{
    private const int WriteBytes = 256 * 1024;

    private byte[] _header = [];

    /// <summary>Writes the snapshot and its hash.</summary>
    /// <returns>The number of bytes written.</returns>
    public async Task<long> SaveAsync(Stream destination, CancellationToken cancellationToken)
    {
        if (overlay is null)
        {
            await using FileStream source = new(file.Path, FileMode.Open, FileAccess.Read, FileShare.Read, 0, FileOptions.SequentialScan);
            await source.CopyToAsync(destination, WriteBytes, cancellationToken);
            return source.Length;
        }

        byte[] header = await Task.Run(() => LayOut(cancellationToken), cancellationToken);
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(header);
        await destination.WriteAsync(header, cancellationToken);
        long written = header.Length;
        SnapshotImage image = new();
        foreach (bool _ in Steps(image))
        {
            ReadOnlyMemory<byte> pending = image.Pending;
            hash.AppendData(pending.Span);
            await destination.WriteAsync(pending, cancellationToken);
            written += pending.Length;
            image.ClearPending();
        }

        byte[] trailer = hash.GetHashAndReset();
        await destination.WriteAsync(trailer, cancellationToken);
        return written + trailer.Length;
    }

    private byte[] LayOut(CancellationToken cancellationToken)
    {
        SnapshotImage image = new();
        foreach (bool _ in Steps(image))
        {
            cancellationToken.ThrowIfCancellationRequested();
            image.ClearPending();
        }

        return _header;
    }

    /// <summary>Adds everything to an image and pauses whenever there is enough to be written.</summary>
    private IEnumerable<bool> Steps(SnapshotImage image)
    {
        List<SnapshotEntry> entries = [];
        for (int leaf = 0; leaf < file.LeafCount;)
        {
            entries.Clear();
            leaf = file.ReadEntries(leaf, file.LeafCount, entries);
            foreach (SnapshotEntry entry in entries)
            {
                if (!overlay!.GetAlternateLookup<ReadOnlySpan<byte>>().ContainsKey(entry.Record.Key.Span))
                {
                    image.Add(entry);
                }
            }

            if (image.Pending.Length >= WriteBytes)
            {
                yield return true;
            }
        }

        foreach (OverlayWrite write in SnapshotRecordStore.Live(overlay!))
        {
            image.Add(write.Main, write.Sub, write.Record);
            if (image.Pending.Length >= WriteBytes)
            {
                yield return true;
            }
        }

        _header = image.Finish(BucketContent.Compose(file, revision, leases));
        yield return true;
    }
}
