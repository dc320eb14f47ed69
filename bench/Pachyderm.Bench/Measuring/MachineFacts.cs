using System.Diagnostics;
using System.Runtime.InteropServices;
using Pachyderm.TestSupport;

namespace Pachyderm.Bench.Measuring;

/// <summary>What a figure depends on besides the program.</summary>
internal static class MachineFacts
{
    private const int Flushes = 200;

    /// <summary>Lines of a Markdown list.</summary>
    public static async Task<IReadOnlyList<string>> DescribeAsync(string directory, CancellationToken cancellationToken)
    {
        string? model = File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(':')[1].Trim();
        long memory = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        DriveInfo drive = new(directory);
        string load = File.ReadAllText("/proc/loadavg").Split(' ')[0];
        return
        [
            $"- {Environment.ProcessorCount} cores of {model ?? "an unknown processor"}, {memory / (1 << 30)} GiB of memory, {RuntimeInformation.OSDescription}",
            $"- .NET {Environment.Version}; etcd {await EtcdVersionAsync(cancellationToken)}",
            $"- {drive.DriveFormat} file system; writing 4 KiB and flushing it takes {MeasureFlush(directory):n2} ms (median of {Flushes})",
            $"- load average when the run began: {load}",
        ];
    }

    private static async Task<string> EtcdVersionAsync(CancellationToken cancellationToken)
    {
        string printed = await EtcdProcess.RunEtcdctlAsync(["version"], cancellationToken);
        return printed.Split('\n')[0].Split(':')[^1].Trim();
    }

    /// <summary>Milliseconds that a small durable write takes: what limits every sequential Put.</summary>
    private static double MeasureFlush(string directory)
    {
        string path = Path.Combine(directory, "flush.tmp");
        byte[] block = new byte[4096];
        using FileStream file = new(path, FileMode.Create, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose);
        List<double> times = [];
        for (int index = 0; index < Flushes; index++)
        {
            long started = Stopwatch.GetTimestamp();
            file.Write(block);
            file.Flush(flushToDisk: true);
            times.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
        }

        return Measurement.Median(times);
    }
}
