using System.Globalization;
using Pachyderm.Errors;
using Pachyderm.Storage.Index;
using Pachyderm.Storage.Packs;

namespace Pachyderm.Storage.Maintenance;

/// <summary>Removes the adopted packs of a source if nothing needs them any more.</summary>
/// <param name="store">The store.</param>
/// <param name="live">The marks of a collection.</param>
/// <param name="run">The chunks that the marks are of.</param>
internal sealed class SourceRelease(PackChunkStore store, LiveChunks live, IndexRun? run)
{
    /// <summary>Releases a source.</summary>
    public async Task RunAsync(string source, CancellationToken cancellationToken)
    {
        List<PackFile> packs = [.. store.Packs.All.Where(pack => pack.Adoption?.Source == source)];
        if (store.Packs.All.FirstOrDefault(static pack => pack.Adoption?.Source.Length == 0) is { } unknown)
        {
            throw new OperatorException(
                "adopted-pack-damaged", $"pack {unknown.Id}", "its header is damaged, so that it is not known what it adopts",
                "run fsck with fix, then release the source again");
        }

        await using PackHold hold = await store.HoldPacksAsync("the release of a source", cancellationToken);
        foreach (PackFile pack in packs)
        {
            pack.Condemned = true;
        }

        try
        {
            // As in a sweep: whoever finds a chunk there from now on is refused, and whoever found it before has marked it.
            Interlocked.MemoryBarrier();
            store.Options.FaultPoint?.Invoke("packs-condemned");
            Refuse(source, packs);
            await store.RemoveAsync(packs, hold, cancellationToken);
            if (store.ListAdoptions().Count == 0)
            {
                store.Adopted.ForgetDigests();
            }
        }
        finally
        {
            foreach (PackFile pack in packs)
            {
                pack.Condemned = false;
            }
        }
    }

    private void Refuse(string source, List<PackFile> packs)
    {
        long chunks = 0;
        long bytes = 0;
        foreach (PackFile young in packs.Where(pack => pack.Number > live.LastPack))
        {
            chunks += young.Adoption!.Chunks;
            bytes += young.Adoption.Bytes;
        }

        HashSet<uint> numbers = [.. packs.Select(static pack => pack.Number)];
        long place = 0;
        foreach (IndexEntry entry in run?.ReadAll() ?? [])
        {
            if (live.IsLive(place++) && numbers.Contains(entry.Location.Pack)
                && store.Index.TryGet(entry.Id, out ChunkLocation now, out _) && numbers.Contains(now.Pack))
            {
                chunks++;
                bytes += now.Payload.RawLength;
            }
        }

        if (chunks > 0)
        {
            string location = store.Adopted.Find(source)?.Objects.Location ?? "a place that is not configured";
            throw new OperatorException(
                "adopted-source-needed", $"adopted store '{source}' in {location}",
                string.Create(CultureInfo.InvariantCulture, $"{chunks} chunks with {bytes} bytes are needed and are only there"),
                "copy them with `pachctl migrate consolidate`, then release it again");
        }
    }
}
