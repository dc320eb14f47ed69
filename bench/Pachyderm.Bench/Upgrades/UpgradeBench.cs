using System.Diagnostics;
using System.Formats.Tar;
using System.Globalization;
using System.IO.Compression;
using Pachyderm.Bench.Measuring;
using Pachyderm.Metadata.Sqlite;

namespace Pachyderm.Bench.Upgrades;

/// <summary>Upgrades a data directory of format 1 with many objects by the real <c>./pachctl</c>, and back, beside a copy of the file.</summary>
internal static class UpgradeBench
{
    public static async Task RunAsync(string work, int objects, CancellationToken cancellationToken)
    {
        PachctlProcess pachctl = await PachctlProcess.PrepareAsync(cancellationToken);
        using BenchFolder folder = new(work);
        string data = Path.Combine(folder.Root, "data");
        await GenerateAsync(data, objects, cancellationToken);
        string store = Path.Combine(data, "metadata.db");
        long before = new FileInfo(store).Length;
        Console.WriteLine(string.Join("\n", await MachineFacts.DescribeAsync(work, cancellationToken)));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"\n{objects:N0} objects with a tag each, {before / 1048576.0:n0} MiB in format 1\n"));
        Console.WriteLine("| work | seconds | rows/s | processor s | peak memory | file |\n|---|---:|---:|---:|---:|---:|");

        long started = Stopwatch.GetTimestamp();
        await using (FileStream source = File.OpenRead(store))
        await using (FileStream copy = File.Create(store + ".copy"))
        {
            await source.CopyToAsync(copy, cancellationToken);
            copy.Flush(flushToDisk: true);
        }

        Print("cp and flush", objects, new ProcessCost(Stopwatch.GetElapsedTime(started), TimeSpan.Zero, 0, 0), store);
        File.Delete(store + ".copy");
        foreach (string[] command in (string[][])[["--check"], [], ["verify"], ["undo"], [], ["finalize", "-y"]])
        {
            ProcessCost cost = await pachctl.RunAsync(["migrate", .. command, "--data", data], cancellationToken);
            Print(string.Join(' ', ["migrate", .. command]), objects, cost, store);
        }
    }

    private static void Print(string work, int objects, ProcessCost cost, string store) => Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"| {work} | {cost.Elapsed.TotalSeconds:n1} | {2 * objects / cost.Elapsed.TotalSeconds:n0} | {cost.Processor.TotalSeconds:n1} | {cost.PeakBytes / 1048576.0:n0} MiB | {new FileInfo(store).Length / 1048576.0:n0} MiB |"));

    private static async Task GenerateAsync(string data, int objects, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(data);
        await using (FileStream packed = File.OpenRead(Path.Combine(PachctlProcess.Checkout, "migration", "format-1-2", "golden", "data.tar.gz")))
        await using (GZipStream unpacked = new(packed, CompressionMode.Decompress))
        {
            await TarFile.ExtractToDirectoryAsync(unpacked, data, overwriteFiles: false, cancellationToken);
        }

        // Names as hashes are, in no order; contents of the length that one chunk takes.
        using Database database = Database.Open(Path.Combine(data, "metadata.db"), DatabaseMode.Write);
        database.Execute(string.Create(
            CultureInfo.InvariantCulture,
            $"""
            BEGIN;
            INSERT INTO objects (hash, size_bytes, content)
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {objects})
            SELECT lower(hex(randomblob(64))), i, randomblob(70) FROM n;
            INSERT INTO tags SELECT substr(hash, 9, 72), hash FROM objects ORDER BY substr(hash, 9, 72);
            COMMIT
            """));
        database.Checkpoint();
    }
}
