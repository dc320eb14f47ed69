using System.Globalization;
using Pachyderm.Bench.Generation;
using Pachyderm.Bench.Measuring;
using Pachyderm.Bench.Pfs;

namespace Pachyderm.Bench.Backups;

/// <summary>
/// Backs the data directory of a real pachd up and restores it, by the real <c>./pachctl</c> and by restic, beside <c>cp -r</c>: everything, what
/// a small change left, and back. pachd is stopped meanwhile, since restic has no other way to a copy that is as of one moment.
/// </summary>
internal static class BackupBench
{
    private const int FileLength = 4096;
    private const int FilesInDirectory = 1_000;
    private const int Hundredth = 100;

    /// <summary>Measures and prints a Markdown table.</summary>
    /// <param name="checkout">Whose pachd keeps the data.</param>
    /// <param name="work">Directory for the files meanwhile; six times the data, free.</param>
    /// <param name="mebibytes">Size of the large file in MiB.</param>
    /// <param name="files">Number of files of 4 KiB.</param>
    /// <param name="cancellationToken">Ends it early.</param>
    public static async Task RunAsync(string checkout, string work, int mebibytes, int files, CancellationToken cancellationToken)
    {
        PachctlProcess pachctl = await PachctlProcess.PrepareAsync(cancellationToken);
        using BenchFolder folder = new(work);
        Console.WriteLine(string.Join("\n", await MachineFacts.DescribeAsync(work, cancellationToken)));
        await using PachdProcess pachd = await PachdProcess.StartAsync(checkout, folder.Root, cancellationToken);
        await CallAsync(["create-repo", "bench"]);
        string source = Path.Combine(folder.Root, "source");
        await WriteFilesAsync(source, mebibytes, files, cancellationToken);
        await CallAsync(["put-file", "bench", "master", "/", "-c", "-r", "-f", source]);

        BackupTool[] tools =
        [
            BackupTool.Pachctl(folder.Root, pachctl, passphrase: null),
            BackupTool.Pachctl(folder.Root, pachctl, passphrase: "bench"),
            BackupTool.Restic(folder.Root),
            BackupTool.Copy(folder.Root),
        ];
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"\n{mebibytes:N0} MiB in one file and {files:N0} files of 4 KiB, {pachd.StoredBytes / 1048576.0:N0} MiB in the data directory; one run\n"));
        Console.WriteLine("| tool | work | seconds | MiB/s | MiB stored | processor s | peak memory |\n|---|---|---:|---:|---:|---:|---:|");
        await pachd.WhileStoppedAsync(data => BackUpAsync("backup", "first", data, tools, cancellationToken), cancellationToken);

        await WriteFilesAsync(source, mebibytes / Hundredth, files / Hundredth, cancellationToken);
        await CallAsync(["put-file", "bench", "master", "/changed", "-c", "-r", "-f", source]);
        await pachd.WhileStoppedAsync(
            async data =>
            {
                await BackUpAsync("backup after 1 % more", "second", data, tools, cancellationToken);
                await RestoreAsync(data, folder.Root, tools, cancellationToken);
            },
            cancellationToken);

        Task CallAsync(string[] arguments) => pachctl.RunAsync([.. arguments, "--address", PachdProcess.Address], cancellationToken);
    }

    private static async Task BackUpAsync(
        string what, string name, string data, IReadOnlyList<BackupTool> tools, CancellationToken cancellationToken)
    {
        long bytes = BackupTool.BytesIn(data);
        foreach (BackupTool tool in tools)
        {
            // From memory, as far as that goes, whoever comes first.
            await BackupTool.ReadAllAsync(data, cancellationToken);
            long before = tool.StoredBytes;
            Print(tool, what, bytes, await tool.BackUpAsync(data, name, cancellationToken), tool.StoredBytes - before);
        }
    }

    private static async Task RestoreAsync(string data, string parent, IReadOnlyList<BackupTool> tools, CancellationToken cancellationToken)
    {
        long bytes = BackupTool.BytesIn(data);
        foreach (BackupTool tool in tools)
        {
            string target = Path.Combine(parent, "restored");
            ProcessCost cost = await tool.RestoreAsync("second", data, target, cancellationToken);
            // Packs never change, while the metadata of a backup of pachctl are a compact copy.
            await BackupTool.RequireSameAsync(Path.Combine(data, "objects"), target, cancellationToken);
            Print(tool, "restore", bytes, cost, 0);
            Directory.Delete(target, recursive: true);
        }
    }

    private static void Print(BackupTool tool, string what, long bytes, ProcessCost cost, long stored) => Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"| {tool.Name} | {what} | {cost.Elapsed.TotalSeconds:n1} | {bytes / 1048576.0 / cost.Elapsed.TotalSeconds:n0} | "
        + $"{(stored == 0 ? "" : $"{stored / 1048576.0:n1}")} | {cost.Processor.TotalSeconds:n1} | {cost.PeakBytes / 1048576.0:n0} MiB |"));

    // Bytes that do not compress, the same in every run; other ones for each number of files.
    private static async Task WriteFilesAsync(string directory, int mebibytes, int files, CancellationToken cancellationToken)
    {
        if (Directory.Exists(directory))
        {
            Directory.Delete(directory, recursive: true);
        }

        Directory.CreateDirectory(directory);
        DeterministicRandom random = new((ulong)files + 1);
        byte[] buffer = new byte[1 << 20];
        await using (FileStream large = File.Create(Path.Combine(directory, "large")))
        {
            for (int i = 0; i < mebibytes; i++)
            {
                Fill(buffer, random);
                await large.WriteAsync(buffer, cancellationToken);
            }
        }

        for (int i = 0; i < files; i++)
        {
            string parent = Path.Combine(directory, string.Create(CultureInfo.InvariantCulture, $"d{i / FilesInDirectory}"));
            Directory.CreateDirectory(parent);
            Fill(buffer.AsSpan(0, FileLength), random);
            await File.WriteAllBytesAsync(
                Path.Combine(parent, string.Create(CultureInfo.InvariantCulture, $"{i:D7}")), buffer.AsMemory(0, FileLength), cancellationToken);
        }
    }

    private static void Fill(Span<byte> buffer, DeterministicRandom random)
    {
        foreach (ref ulong number in System.Runtime.InteropServices.MemoryMarshal.Cast<byte, ulong>(buffer))
        {
            number = random.Next();
        }
    }
}
