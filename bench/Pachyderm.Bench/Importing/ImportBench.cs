using System.Diagnostics;
using System.Globalization;
using Pachyderm.Bench.Measuring;

namespace Pachyderm.Bench.Importing;

/// <summary>Times the import of a generated cluster by the real pachctl beside <c>cp -r</c> of its storage root, and prints a Markdown table.</summary>
internal static class ImportBench
{
    /// <summary>Runs it.</summary>
    /// <param name="commits">Number of commits.</param>
    /// <param name="filesPerCommit">Files that each adds.</param>
    /// <param name="size">Bytes of a file.</param>
    /// <param name="inPlaceOnly">Whether nothing is copied.</param>
    /// <param name="work">Directory for the files meanwhile.</param>
    /// <param name="cancellationToken">Stops.</param>
    public static async Task RunAsync(
        int commits, int filesPerCommit, int size, bool inPlaceOnly, string work, CancellationToken cancellationToken)
    {
        using BenchFolder folder = new(work);
        string storage = Path.Combine(folder.Root, "pach");
        ContentCluster cluster = await ContentClusterGenerator.WriteAsync(folder.Snapshot, storage, commits, filesPerCommit, size, cancellationToken);
        Console.Out.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{cluster.Commits:N0} commits, {cluster.Files:N0} files of {size:N0} bytes, {cluster.Entries:N0} entries in all trees, {cluster.Bytes >> 20:N0} MiB of objects, {(cluster.Bytes - (cluster.Files * size)) >> 20:N0} MiB of them trees."));
        Console.Out.WriteLine();
        Console.Out.WriteLine("| what | seconds | processor seconds | files/s | tree entries/s | memory | MiB read by the process |");
        Console.Out.WriteLine("| --- | ---: | ---: | ---: | ---: | ---: | ---: |");
        PachctlProcess pachctl = await PachctlProcess.PrepareAsync(cancellationToken);
        foreach ((string name, string[] options) in (IReadOnlyList<(string, string[])>)
            [("import, used in place", ["--verify", "none"]), ("import, copied", ["--copy", "--verify", "none"])])
        {
            string data = Path.Combine(folder.Root, "data");
            ProcessCost cost = await pachctl.RunAsync(
                ["migrate", "--to", "3.0.0", "--snapshot", folder.Snapshot, "--storage", storage, "--data", data, .. options], cancellationToken);
            Print(name, cost.Elapsed.TotalSeconds, cost.Processor.TotalSeconds, cluster, $"{cost.PeakBytes >> 20} MiB", (cost.ReadBytes >> 20).ToString("N0", CultureInfo.InvariantCulture));
            Directory.Delete(data, recursive: true);
            if (inPlaceOnly)
            {
                return;
            }
        }

        await FlushAsync(folder.Root, cancellationToken);
        double copied = await CopyAsync(storage, Path.Combine(folder.Root, "copy"), cancellationToken);
        Print("cp -r", copied, null, cluster, "", "");
        Print("cp -r, and flush", copied + await FlushAsync(folder.Root, cancellationToken), null, cluster, "", "");
    }

    private static Task<double> CopyAsync(string from, string to, CancellationToken cancellationToken) =>
        TimeAsync("cp", ["-r", from, to], cancellationToken);

    // What an import has written is on the disk when it ends.
    private static Task<double> FlushAsync(string directory, CancellationToken cancellationToken) =>
        TimeAsync("sync", ["-f", directory], cancellationToken);

    private static async Task<double> TimeAsync(string program, string[] arguments, CancellationToken cancellationToken)
    {
        long started = Stopwatch.GetTimestamp();
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { UseShellExecute = false })!;
        await process.WaitForExitAsync(cancellationToken);
        return Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    private static void Print(string name, double seconds, double? processor, ContentCluster cluster, string memory, string read) =>
        Console.Out.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"| {name} | {seconds:0.0} | {processor:0.0} | {cluster.Files / seconds:N0} | {cluster.Entries / seconds:N0} | {memory} | {read} |"));
}
