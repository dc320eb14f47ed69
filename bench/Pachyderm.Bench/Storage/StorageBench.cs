using System.CommandLine;
using System.Diagnostics;
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
        Option<string> work = new("--work") { Description = "Directory for the files meanwhile.", DefaultValueFactory = _ => Path.GetTempPath() };
        Option<int> megabytes = new("--megabytes") { Description = "How much each line writes.", DefaultValueFactory = _ => 1024 };
        Option<long> entries = new("--entries") { Description = "Chunks in the index.", DefaultValueFactory = _ => 1_000_000 };
        Command command = new("storage", "Time the chunk store and its index, and print a Markdown table.") { work, megabytes, entries };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            string directory = Path.Combine(parsed.GetValue(work)!, "bench-" + Path.GetRandomFileName());
            Directory.CreateDirectory(directory);
            try
            {
                Console.Out.WriteLine("| what | result |\n| --- | --- |");
                await RunAsync(directory, parsed.GetValue(megabytes), cancellationToken);
                await IndexBench.RunAsync(directory, parsed.GetValue(entries), cancellationToken);
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
        byte[] text = [.. Enumerable.Range(0, 64 * Megabyte).Select(i => (byte)("the quick brown fox jumps over "[i * 7 / 5 % 31] + (random[i / 8] & 3)))];
        Hash(random, megabytes);
        for (int attempt = 0; attempt < 2; attempt++)
        {
            Append(directory, random, megabytes);
            foreach (int packMegabytes in (int[])[16, 64, 256])
            {
                await PutAsync(directory, $"1 MiB, packs of {packMegabytes} MiB", random, Megabyte, megabytes, 16, 1, packMegabytes, compress: true, cancellationToken);
            }
        }

        await PutAsync(directory, "1 MiB, 4 writers", random, Megabyte, megabytes, 16, 4, 64, compress: true, cancellationToken);
        await PutAsync(directory, "1 MiB, without the look for compressibility", random, Megabyte, megabytes, 16, 1, 64, compress: false, cancellationToken);
        await PutAsync(directory, "1 MiB, compressible", text, Megabyte, 64, 16, 1, 64, compress: true, cancellationToken);
        int small = Math.Min(megabytes, 512) * (Megabyte / Small);
        await PutAsync(directory, "4 KiB", random, Small, small, 4096, 1, 64, compress: true, cancellationToken);
        await PutAsync(directory, "4 KiB, without the look for compressibility", random, Small, small, 4096, 1, 64, compress: false, cancellationToken);
        await PutAsync(directory, "4 KiB, 4 writers", random, Small, small, 4096, 4, 64, compress: true, cancellationToken);
        await PutAsync(directory, "4 KiB, each flushed, 1 writer", random, Small, 1_000, 1, 1, 64, compress: true, cancellationToken);
        await PutAsync(directory, "4 KiB, each flushed, 64 writers", random, Small, 12_800, 1, 64, 64, compress: true, cancellationToken);
    }

    private static void Hash(byte[] random, int megabytes)
    {
        byte[] hash = new byte[SHA256.HashSizeInBytes];
        long begin = Stopwatch.GetTimestamp();
        for (int i = 0; i < megabytes; i++)
        {
            SHA256.HashData(random.AsSpan(i * Megabyte, Megabyte), hash);
        }

        Print("SHA-256 of 1 MiB, one core", Format($"{megabytes / Stopwatch.GetElapsedTime(begin).TotalSeconds:f0} MiB/s"));
    }

    private static void Append(string directory, byte[] random, int megabytes)
    {
        string path = Path.Combine(directory, "raw");
        long begin = Stopwatch.GetTimestamp();
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

        Print("plain append of 1 MiB, fsync every 16", Format($"{megabytes / Stopwatch.GetElapsedTime(begin).TotalSeconds:f0} MiB/s"));
        File.Delete(path);
    }

    private static async Task PutAsync(
        string directory, string what, byte[] source, int length, int count, int flushEvery, int writers, int packMegabytes, bool compress,
        CancellationToken cancellationToken)
    {
        string root = Path.Combine(directory, "store");
        PackStoreOptions options = new()
        {
            Objects = new LocalObjectStore(Path.Combine(root, "objects")),
            SpoolDirectory = Path.Combine(root, "spool"),
            IndexDirectory = Path.Combine(root, "index"),
            PackSize = (long)packMegabytes << 20,
            Compress = compress,
        };
        await using (PackChunkStore store = await PackChunkStore.OpenAsync(options, cancellationToken))
        {
            ChunkId[] ids = new ChunkId[count];
            long allocated = GC.GetTotalAllocatedBytes(precise: true);
            long begin = Stopwatch.GetTimestamp();
            await Task.WhenAll(Enumerable.Range(0, writers).Select(part => Task.Run(
                async () =>
                {
                    using IChunkWriter writer = store.OpenWriter();
                    for (int i = part; i < count; i += writers)
                    {
                        // Behind an odd offset, so that no chunk equals one of another length or alignment.
                        ids[i] = await writer.PutAsync(source.AsMemory((int)((long)i * length % (source.Length - length)), length), cancellationToken);
                        if (i / writers % flushEvery == flushEvery - 1)
                        {
                            await writer.FlushAsync(cancellationToken);
                        }
                    }

                    await writer.FlushAsync(cancellationToken);
                }, cancellationToken)));
            double seconds = Stopwatch.GetElapsedTime(begin).TotalSeconds;
            allocated = GC.GetTotalAllocatedBytes(precise: true) - allocated;
            Print("put " + what, Format(
                $"{(long)count * length / seconds / Megabyte:f0} MiB/s, {count / seconds:f0} chunks/s, {allocated / count} bytes allocated each"));

            begin = Stopwatch.GetTimestamp();
            for (int i = 0; i < count; i++)
            {
                using ChunkBuffer chunk = await store.ReadAsync(ids[i], cancellationToken);
            }

            seconds = Stopwatch.GetElapsedTime(begin).TotalSeconds;
            Print("read " + what, Format($"{(long)count * length / seconds / Megabyte:f0} MiB/s, {count / seconds:f0} chunks/s"));
        }

        Directory.Delete(root, recursive: true);
    }
}
