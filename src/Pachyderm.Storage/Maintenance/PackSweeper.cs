using System.Buffers;
using Pachyderm.Storage.Index;
using Pachyderm.Storage.Packs;

namespace Pachyderm.Storage.Maintenance;

/// <summary>The second half of a collection: chooses packs, moves what lives in them, and removes them.</summary>
/// <param name="store">The store.</param>
/// <param name="options">When packs are rewritten.</param>
/// <param name="live">The marks.</param>
/// <param name="run">The chunks that the marks are of.</param>
internal sealed class PackSweeper(PackChunkStore store, GarbageCollectionOptions options, LiveChunks live, IndexRun? run)
{
    // Rewritten packs are removed after so many bytes, so that a collection needs little room while it works.
    private const long BatchBytes = 256L << 20;

    private long _chunks;
    private long _liveChunks;

    /// <summary>Sweeps.</summary>
    public async Task<GarbageCollectionResult> SweepAsync(long missing, CancellationToken cancellationToken)
    {
        await using PackHold hold = await store.HoldPacksAsync("garbage collection", cancellationToken);
        List<PackFile> victims = Choose(CountLive());
        int deleted = 0;
        int rewritten = 0;
        long freed = 0;
        try
        {
            foreach (PackFile pack in victims)
            {
                pack.Condemned = true;
            }

            // A writer marks first and looks at the verdict afterwards; here it is the other way round. What is not marked now was not
            // given to anybody, and whoever finds it from now on stores it again.
            Interlocked.MemoryBarrier();
            store.Options.FaultPoint?.Invoke("packs-condemned");
            Dictionary<uint, long> liveBytes = CountLive();
            List<PackFile> batch = [];
            long batchBytes = 0;
            foreach (PackFile pack in victims)
            {
                cancellationToken.ThrowIfCancellationRequested();
                long kept = liveBytes.GetValueOrDefault(pack.Number);
                if (kept > 0 && (pack.Adoption is not null || !await TryRewriteAsync(pack, kept, cancellationToken)))
                {
                    pack.Condemned = false;
                    continue;
                }

                batch.Add(pack);
                batchBytes += kept;
                freed += pack.Length - kept;
                _ = kept > 0 ? rewritten++ : deleted++;
                if (batchBytes >= BatchBytes)
                {
                    await RemoveAsync(batch, hold, cancellationToken);
                    batch.Clear();
                    batchBytes = 0;
                }
            }

            await RemoveAsync(batch, hold, cancellationToken);
            return new GarbageCollectionResult(_chunks, _liveChunks, deleted, rewritten, freed, missing);
        }
        finally
        {
            foreach (PackFile pack in victims)
            {
                pack.Condemned = false;
            }
        }
    }

    private Dictionary<uint, long> CountLive()
    {
        Dictionary<uint, long> bytes = [];
        _chunks = run?.Count ?? 0;
        _liveChunks = 0;
        long place = 0;
        foreach (IndexEntry entry in run?.ReadAll() ?? [])
        {
            if (live.IsLive(place++))
            {
                _liveChunks++;
                uint pack = entry.Location.Pack;
                bytes[pack] = bytes.GetValueOrDefault(pack) + Footprint(entry.Location.Payload);
            }
        }

        return bytes;
    }

    private static long Footprint(ChunkPayload payload) => RecordHeader.Length + payload.StoredLength + PackEntry.Length;

    private List<PackFile> Choose(Dictionary<uint, long> liveBytes)
    {
        List<PackFile> victims = [];
        List<PackFile> small = [];
        foreach (PackFile pack in store.Packs.All)
        {
            if (pack.SpoolPath is not null || pack.Length == 0 || pack.EndPosition > live.YoungFrom)
            {
                continue;
            }

            if (pack.Adoption is { } adoption)
            {
                // Its bytes are not here, so nothing would be gained but from one of a source that may go.
                if (!liveBytes.ContainsKey(pack.Number) && store.Adopted.Find(adoption.Source) is { Released: true })
                {
                    victims.Add(pack);
                }

                continue;
            }

            long overhead = PackFormat.HeaderLength + PackFormat.TrailerLength;
            long dead = pack.Length - overhead - liveBytes.GetValueOrDefault(pack.Number);
            if (!liveBytes.ContainsKey(pack.Number) || dead > options.DeadShare * pack.Length)
            {
                victims.Add(pack);
            }
            else if (pack.Length < store.Options.PackSize / 4)
            {
                small.Add(pack);
            }
        }

        if (small.Count >= options.SmallPacks)
        {
            victims.AddRange(small);
        }

        return victims;
    }

    // False if a needed chunk of the pack cannot be read: the pack then stays, for fsck to look at.
    private async Task<bool> TryRewriteAsync(PackFile pack, long liveBytes, CancellationToken cancellationToken)
    {
        List<PackEntry> entries = await store.Catalog.ReadEntriesAsync(pack, cancellationToken);
        entries.Sort(static (a, b) => a.Offset.CompareTo(b.Offset));
        foreach (PackEntry entry in entries)
        {
            if (!live.IsLiveAt(entry.Id, pack.Number, entry.Offset))
            {
                continue;
            }

            liveBytes -= Footprint(entry.Payload);
            if (!store.Index.TryGet(entry.Id, out ChunkLocation location, out _) || location.Pack != pack.Number)
            {
                // Somebody has stored it again.
                continue;
            }

            byte[] stored = ArrayPool<byte>.Shared.Rent(entry.Payload.StoredLength);
            try
            {
                Memory<byte> payload = stored.AsMemory(0, entry.Payload.StoredLength);
                if (!await store.TryReadStoredAsync(pack, entry, payload, cancellationToken))
                {
                    store.Options.Report(new StorageFinding(
                        "chunk-damaged", $"chunk {entry.Id} in pack {pack.Id}", "its bytes do not agree with its hash",
                        "run fsck, and restore the chunk from a backup", Fixed: false));
                    return false;
                }

                await store.AppendStoredAsync(entry.Id, entry.Payload, payload, cancellationToken);
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(stored);
            }
        }

        store.Options.FaultPoint?.Invoke("pack-rewritten");

        // A footer that is damaged may hide chunks.
        return liveBytes <= 0;
    }

    private async Task RemoveAsync(List<PackFile> packs, PackHold hold, CancellationToken cancellationToken)
    {
        if (packs.Count == 0)
        {
            return;
        }

        // What another writer stored again lies behind this position, too.
        await store.FlushSinceAsync(live.YoungFrom, cancellationToken);
        store.Options.FaultPoint?.Invoke("rewritten-durable");
        await store.RemoveAsync(packs, hold, cancellationToken);
    }
}
