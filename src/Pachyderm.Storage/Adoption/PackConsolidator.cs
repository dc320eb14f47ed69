using System.Buffers;
using Pachyderm.Errors;
using Pachyderm.Storage.Index;
using Pachyderm.Storage.Maintenance;
using Pachyderm.Storage.Packs;

namespace Pachyderm.Storage.Adoption;

/// <summary>
/// One run of a consolidation: adopted pack by adopted pack, chunk by chunk in the order in which they lie in the source.
/// </summary>
/// <param name="store">The store.</param>
/// <param name="source">The name of the source.</param>
/// <param name="options">What is copied.</param>
/// <remarks>
/// A copy is an ordinary append, after which the index names the copy. Killed anywhere, what is durable is found at the next start, and
/// what is not is still adopted: the index writes nothing of a copy before it is durable.
/// </remarks>
internal sealed class PackConsolidator(PackChunkStore store, string source, ConsolidationOptions options)
{
    // How often somebody is told, in chunks.
    private const int ReportEvery = 256;

    private readonly Lock _gate = new();
    private long _chunks;
    private long _bytes;
    private long _failed;
    private long _leftBytes;

    /// <summary>Runs.</summary>
    public async Task<ConsolidationResult> RunAsync(CancellationToken cancellationToken)
    {
        List<PackFile> packs =
            [.. store.Packs.All.Where(pack => pack.Adoption?.Source == source).OrderBy(static pack => pack.Number)];
        _leftBytes = packs.Sum(static pack => pack.Adoption!.Bytes);
        int dropped = 0;
        long leftChunks = 0;
        long leftBytes = 0;
        bool complete = true;
        foreach (PackFile pack in packs)
        {
            cancellationToken.ThrowIfCancellationRequested();
            PackAdoption adoption = pack.Adoption!;
            if (_bytes >= options.MaximumBytes)
            {
                (complete, leftChunks, leftBytes) = (false, leftChunks + adoption.Chunks, leftBytes + adoption.Bytes);
                continue;
            }

            List<PackEntry> entries;
            try
            {
                entries = await store.Catalog.ReadEntriesAsync(pack, cancellationToken);
            }
            catch (CorruptionException exception)
            {
                Tell(exception);
                _failed += adoption.Chunks;
                (leftChunks, leftBytes) = (leftChunks + adoption.Chunks, leftBytes + adoption.Bytes);
                continue;
            }

            await CopyAsync(pack, entries, cancellationToken);
            complete &= _bytes < options.MaximumBytes;
            if (await store.TryDropCopiedAsync(pack, entries, cancellationToken))
            {
                dropped++;
                continue;
            }

            foreach (PackEntry entry in entries.Where(entry => IsHere(pack, entry)))
            {
                leftChunks++;
                leftBytes += entry.Payload.RawLength;
            }
        }

        Report();
        return new ConsolidationResult(_chunks, _bytes, dropped, _failed, leftChunks, leftBytes, complete);
    }

    private bool IsHere(PackFile pack, PackEntry entry) =>
        store.Index.TryGet(entry.Id, out ChunkLocation location, out _) && location.Pack == pack.Number;

    private async Task CopyAsync(PackFile pack, List<PackEntry> entries, CancellationToken cancellationToken)
    {
        List<PackEntry> here = entries.FindAll(entry => IsHere(pack, entry));
        List<(PackEntry Entry, AdoptedReference Reference)> references =
            await store.Catalog.ReadReferencesAsync(pack, here, cancellationToken);
        if (references.Count < here.Count)
        {
            _failed += here.Count - references.Count;
            store.Options.Report(new StorageFinding(
                "adopted-reference-damaged", $"pack {pack.Id}", "references to chunks are damaged",
                "run fsck with fix, which names them, then consolidate again", Fixed: false));
        }

        if (options.Needed is { } needed)
        {
            references.RemoveAll(item => !needed(item.Entry.Id));
        }

        lock (_gate)
        {
            _leftBytes -= pack.Adoption!.Bytes - references.Sum(static item => (long)item.Entry.Payload.RawLength);
        }

        long from = store.Position;
        try
        {
            await Parallel.ForEachAsync(
                references.TakeWhile(_ => Interlocked.Read(ref _bytes) < options.MaximumBytes),
                new ParallelOptions { MaxDegreeOfParallelism = options.Parallelism, CancellationToken = cancellationToken },
                async (item, token) => await CopyAsync(item.Entry, item.Reference, token));
        }
        finally
        {
            // Also of a run that was stopped: if the disk fails it must be learnt while it is known where the chunks were.
            try
            {
                await store.FlushSinceAsync(from, CancellationToken.None);
            }
            finally
            {
                Restore(pack, here);
            }
        }

        store.Options.FaultPoint?.Invoke("adopted-pack-copied");
    }

    // Copies that a failed flush has taken out of the index again.
    private void Restore(PackFile pack, List<PackEntry> entries)
    {
        foreach (PackEntry entry in entries)
        {
            if (!store.Index.TryGet(entry.Id, out _, out _))
            {
                store.Index.Add(entry.Id, new ChunkLocation(pack.Number, entry.Offset, entry.Payload));
            }
        }
    }

    private async Task CopyAsync(PackEntry entry, AdoptedReference reference, CancellationToken cancellationToken)
    {
        int rawLength = entry.Payload.RawLength;
        byte[] buffer = ArrayPool<byte>.Shared.Rent(SliceSeal.Length + rawLength);
        try
        {
            SliceSeal? seal = await store.Adopted.SealAsync(reference, cancellationToken);
            int begin = seal is null ? 0 : SliceSeal.Length;
            await store.Adopted.ReadAsync(entry.Id, reference, buffer.AsMemory(begin, rawLength), cancellationToken);
            seal?.Write(buffer);
            await store.AppendCopyAsync(
                entry.Id, seal is null ? ChunkHash.Sha512 : ChunkHash.Slice, buffer.AsMemory(0, begin + rawLength), cancellationToken);
            store.Options.FaultPoint?.Invoke("adopted-chunk-copied");
            Count(rawLength);
        }
        catch (CorruptionException exception)
        {
            Interlocked.Increment(ref _failed);
            Tell(exception);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private void Tell(CorruptionException exception) => store.Options.Report(
        new StorageFinding(exception.Id, exception.Thing, exception.Problem, exception.Remedy, Fixed: false));

    private void Count(int length)
    {
        bool report;
        lock (_gate)
        {
            _bytes += length;
            report = ++_chunks % ReportEvery == 0;
        }

        if (report)
        {
            Report();
        }
    }

    private void Report()
    {
        lock (_gate)
        {
            options.Progress?.Report(new ConsolidationProgress(_chunks, _bytes, Math.Max(0, _leftBytes - _bytes)));
        }
    }
}
