using System.Diagnostics;

namespace Pachyderm.Bench.Storage;

/// <summary>Time of the clock and of the processors. The second hardly depends on what else the machine does.</summary>
/// <param name="Begin">The clock at the beginning.</param>
/// <param name="Processor">The processors' time at the beginning.</param>
internal readonly record struct Stopwatches(long Begin, TimeSpan Processor)
{
    public static Stopwatches Start() => new(Stopwatch.GetTimestamp(), Environment.CpuUsage.TotalTime);

    public string Describe(long count) => StorageBench.Format(
        $"{count / Seconds:f0}/s, {ProcessorSeconds / count * 1e6:f2} us of processor time each");

    public string Describe(long count, int length) => StorageBench.Format(
        $"{(double)count * length / Seconds / (1 << 20):f0} MiB/s, {Describe(count)}");

    private double Seconds => Stopwatch.GetElapsedTime(Begin).TotalSeconds;

    private double ProcessorSeconds => (Environment.CpuUsage.TotalTime - Processor).TotalSeconds;
}
