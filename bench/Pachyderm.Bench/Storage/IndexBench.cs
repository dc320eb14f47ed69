using System.Runtime.InteropServices;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Index;
using Pachyderm.Storage.Packs;

namespace Pachyderm.Bench.Storage;

/// <summary>Times the chunk index alone.</summary>
internal static class IndexBench
{
    private const int Lookups = 2_000_000;

    public static async Task RunAsync(string directory, long entries, CancellationToken cancellationToken)
    {
        PackSet packs = new();
        ChunkIndexOptions options = new(
            ReadOnly: false, ChunkIndexOptions.DefaultTableLimit, static _ => { }, static () => { }, static _ => Task.CompletedTask);
        PackFile pack = packs.Add(PackId.Create(), PackFile.Past);
        long before = GC.GetTotalMemory(forceFullCollection: true);
        await using ChunkIndex index = ChunkIndex.Open(Path.Combine(directory, "index"), packs, options);
        index.Start();
        Stopwatches begin = Stopwatches.Start();
        long peak = 0;
        for (long i = 0; i < entries; i++)
        {
            index.Add(Id(i), new ChunkLocation(pack.Number, (uint)i, new ChunkPayload(10, 10, ChunkEncoding.Plain, ChunkHash.Sha256)));
            if (index.IsOverfull)
            {
                await index.FlushAsync(cancellationToken);
            }

            if (i % 500_000 == 0)
            {
                peak = Math.Max(peak, GC.GetTotalMemory(forceFullCollection: true) - before);
            }
        }

        await index.FlushAsync(cancellationToken);
        StorageBench.Print($"index of {entries}: inserts, written to disk", begin.Describe(entries));
        Look(index, entries, "as it is");
        begin = Stopwatches.Start();
        (await index.CompactAsync(cancellationToken))?.Dispose();
        StorageBench.Print($"index of {entries}: merge into one run", begin.Describe(entries));
        Look(index, entries, "one run");
        long memory = GC.GetTotalMemory(forceFullCollection: true) - before;
        StorageBench.Print(
            $"index of {entries}: managed memory", StorageBench.Format($"{memory >> 20} MiB at rest, {peak >> 20} MiB while inserting"));
    }

    private static void Look(ChunkIndex index, long entries, string what)
    {
        Random random = new(1);
        foreach (bool present in (bool[])[true, false])
        {
            int found = 0;
            Stopwatches begin = Stopwatches.Start();
            for (int i = 0; i < Lookups; i++)
            {
                found += index.TryGet(Id(present ? random.NextInt64(entries) : -1 - i), out _, out _) ? 1 : 0;
            }

            string result = begin.Describe(Lookups);
            if (found != (present ? Lookups : 0))
            {
                throw new InvalidOperationException("The index is wrong.");
            }

            StorageBench.Print(
                $"index of {entries}, {what}: lookups of chunks that are {(present ? "there" : "not there")}",
                result);
        }
    }

    // Spread as hashes are, and cheaper.
    private static ChunkId Id(long number)
    {
        Span<ulong> words = stackalloc ulong[4];
        ulong state = (ulong)number * 0x9E3779B97F4A7C15;
        for (int i = 0; i < words.Length; i++)
        {
            state += 0x9E3779B97F4A7C15;
            ulong mixed = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9;
            mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
            words[i] = mixed ^ (mixed >> 31);
        }

        return new ChunkId(MemoryMarshal.AsBytes(words));
    }
}
