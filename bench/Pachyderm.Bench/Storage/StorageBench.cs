using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;
using Pachyderm.ObjectStores;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Packs;

namespace Pachyderm.Bench.Storage;

/// <summary>Times the chunk store beside what the machine can do: SHA-256 on one core, plain appending with the same flushes.</summary>
public static class StorageBench
{
    private const int Megabyte = 1 << 20;
    private const int Small = 4096;

    /// <summary>The command of the bench program.</summary>
    public static Command CreateCommand()
    {
        Option<string> work = new("--work")
        {
            Description = "Directory for the files meanwhile.",
            DefaultValueFactory = _ => Path.GetTempPath(),
        };
        Option<int> megabytes = new("--megabytes") { Description = "How much each line writes; 0 for the index alone.", DefaultValueFactory = _ => 1024 };
        Option<long> entries = new("--entries") { Description = "Chunks in the index.", DefaultValueFactory = _ => 1_000_000 };
        Command command = new("storage", "Time the chunk store and its index, and print a Markdown table.") { work, megabytes, entries };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            string directory = Path.Combine(parsed.GetValue(work)!, "bench-" + Path.GetRandomFileName());
            Directory.CreateDirectory(directory);
            try
            {
                Console.Out.WriteLine("| what | result |\n| --- | --- |");
                await IndexBench.RunAsync(directory, parsed.GetValue(entries), cancellationToken);
                if (parsed.GetValue(megabytes) > 0)
                {
                    await RunAsync(directory, parsed.GetValue(megabytes), cancellationToken);
                }
            }
            finally
            {
                Directory.Delete(directory, recursive: true);
            }

            return 0;
        });
        return command;
    }

    internal static void Print(string what, string result) => Console.Out.WriteLine($"| {what} | {result} |");

    internal static string Format(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private static async Task RunAsync(string directory, int megabytes, CancellationToken cancellationToken)
    {
        byte[] random = new byte[(megabytes + 1) * Megabyte];
        new Random(1).NextBytes(random);
        byte[] text = new byte[64 * Megabyte];
        for (int i = 0; i < text.Length; i++)
        {
            text[i] = (byte)("the quick brown fox jumps over "[i % 31] + (random[i / 8] & 3));
        }

        Hash(random, megabytes);
        Put big = new("1 MiB", random, Megabyte, megabytes, FlushEvery: 16);
        for (int attempt = 0; attempt < 2; attempt++)
        {
            Append(directory, random, megabytes);
            foreach (int size in (int[])[16, 64, 256])
            {
                Put sized = big with { What = Format($"1 MiB, packs of {size} MiB"), PackMegabytes = size };
                await PutAsync(directory, sized, cancellationToken);
            }
        }

        await PutAsync(directory, big with { What = "1 MiB, 4 writers", Writers = 4 }, cancellationToken);
        await PutAsync(directory, big with { What = "1 MiB, no look for compressibility", Compress = false }, cancellationToken);
        await PutAsync(directory, big with { What = "1 MiB, compressible", Source = text, Count = 64 }, cancellationToken);
        Put small = new("4 KiB", random, Small, Math.Min(megabytes, 512) * (Megabyte / Small), FlushEvery: 4096);
        await PutAsync(directory, small, cancellationToken);
        await PutAsync(directory, small with { What = "4 KiB, no look for compressibility", Compress = false }, cancellationToken);
        await PutAsync(directory, small with { What = "4 KiB, 4 writers", Writers = 4 }, cancellationToken);
        Put flushed = small with { What = "4 KiB, each flushed, 1 writer", Count = 1_000, FlushEvery = 1 };
        await PutAsync(directory, flushed, cancellationToken);
        await PutAsync(directory, flushed with { What = "4 KiB, each flushed, 64 writers", Count = 12_800, Writers = 64 }, cancellationToken);
    }

    private static void Hash(byte[] random, int megabytes)
    {
        byte[] hash = new byte[SHA256.HashSizeInBytes];
        Stopwatches begin = Stopwatches.Start();
        for (int i = 0; i < megabytes; i++)
        {
            SHA256.HashData(random.AsSpan(i * Megabyte, Megabyte), hash);
        }

        Print("SHA-256 of 1 MiB, one core", begin.Describe(megabytes, Megabyte));
    }

    private static void Append(string directory, byte[] random, int megabytes)
    {
        string path = Path.Combine(directory, "raw");
        Stopwatches begin = Stopwatches.Start();
        using (SafeFileHandle file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.Write))
        {
            for (int i = 0; i < megabytes; i++)
            {
                RandomAccess.Write(file, random.AsSpan(i * Megabyte, Megabyte), (long)i * Megabyte);
                if (i % 16 == 15)
                {
                    RandomAccess.FlushToDisk(file);
                }
            }
        }

        Print("plain append of 1 MiB, fsync every 16", begin.Describe(megabytes, Megabyte));
        File.Delete(path);
    }

    private static async Task PutAsync(string directory, Put put, CancellationToken cancellationToken)
    {
        (string what, byte[] source, int length, int count, int flushEvery) = put;
        int writers = put.Writers;
        string root = Path.Combine(directory, "store");
        PackStoreOptions options = new()
        {
            Objects = new LocalObjectStore(Path.Combine(root, "objects")),
            SpoolDirectory = Path.Combine(root, "spool"),
            IndexDirectory = Path.Combine(root, "index"),
            PackSize = (long)put.PackMegabytes << 20,
            Compress = put.Compress,
        };
        await using (PackChunkStore store = await PackChunkStore.OpenAsync(options, cancellationToken))
        {
            ChunkId[] ids = new ChunkId[count];
            long allocated = GC.GetTotalAllocatedBytes(precise: true);
            Stopwatches begin = Stopwatches.Start();
            await Task.WhenAll(Enumerable.Range(0, writers).Select(part => Task.Run(
                async () =>
                {
                    using IChunkWriter writer = store.OpenWriter();
                    for (int i = part; i < count; i += writers)
                    {
                        int offset = (int)((long)i * length % (source.Length - length));
                        ids[i] = await writer.PutAsync(source.AsMemory(offset, length), cancellationToken);
                        if (i / writers % flushEvery == flushEvery - 1)
                        {
                            await writer.FlushAsync(cancellationToken);
                        }
                    }

                    await writer.FlushAsync(cancellationToken);
                }, cancellationToken)));
            string result = begin.Describe(count, length);
            allocated = GC.GetTotalAllocatedBytes(precise: true) - allocated;
            Print("put " + what, Format($"{result}, {allocated / count} bytes allocated each"));
            begin = Stopwatches.Start();
            for (int i = 0; i < count; i++)
            {
                using ChunkBuffer chunk = await store.ReadAsync(ids[i], cancellationToken);
            }

            Print("read " + what, begin.Describe(count, length));
        }

        Directory.Delete(root, recursive: true);
    }

    private sealed record Put(string What, byte[] Source, int Length, int Count, int FlushEvery)
    {
        public int Writers { get; init; } = 1;

        public int PackMegabytes { get; init; } = 64;

        public bool Compress { get; init; } = true;
    }
}
