namespace Pachyderm.Pps.Jobs;

/// <summary>What it took to process datums.</summary>
/// <param name="DownloadTime">Time to fetch inputs.</param>
/// <param name="ProcessTime">Time that the program ran.</param>
/// <param name="UploadTime">Time to store outputs.</param>
/// <param name="DownloadBytes">Bytes fetched.</param>
/// <param name="UploadBytes">Bytes stored.</param>
public readonly record struct ProcessStats(
    TimeSpan DownloadTime, TimeSpan ProcessTime, TimeSpan UploadTime, long DownloadBytes, long UploadBytes)
{
    /// <summary>All of the time.</summary>
    public TimeSpan Total => DownloadTime + ProcessTime + UploadTime;

    /// <summary>The sum.</summary>
    public static ProcessStats operator +(ProcessStats left, ProcessStats right) => new(
        left.DownloadTime + right.DownloadTime,
        left.ProcessTime + right.ProcessTime,
        left.UploadTime + right.UploadTime,
        left.DownloadBytes + right.DownloadBytes,
        left.UploadBytes + right.UploadBytes);

    /// <summary>The sum.</summary>
    public static ProcessStats Add(ProcessStats left, ProcessStats right) => left + right;
}

/// <summary>How the values of one measure are spread.</summary>
/// <param name="Count">Number of values.</param>
/// <param name="Mean">Their mean; 0 if there are none.</param>
/// <param name="StandardDeviation">That of the whole population, not of a sample.</param>
/// <param name="FifthPercentile">A twentieth of the values is below.</param>
/// <param name="NinetyFifthPercentile">A twentieth of the values is above.</param>
public readonly record struct Aggregate(
    long Count, double Mean, double StandardDeviation, double FifthPercentile, double NinetyFifthPercentile)
{
    /// <summary>Aggregates values; durations are given in nanoseconds.</summary>
    public static Aggregate Of(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        if (sorted.Length == 0)
        {
            return default;
        }
        double mean = sorted.Average();
        double variance = sorted.Average(value => (value - mean) * (value - mean));
        return new Aggregate(sorted.Length, mean, Math.Sqrt(variance), Percentile(sorted, 0.05), Percentile(sorted, 0.95));
    }

    // The nearest rank, so that the value is one that was measured.
    private static double Percentile(double[] sorted, double fraction) =>
        sorted[Math.Clamp((int)Math.Ceiling(fraction * sorted.Length) - 1, 0, sorted.Length - 1)];
}

/// <summary>
/// How the measures of the datums of a job are spread: the file <c>/stats</c> of a stats commit. Times are in nanoseconds.
/// </summary>
/// <param name="DownloadTime">Times to fetch inputs.</param>
/// <param name="ProcessTime">Times that programs ran.</param>
/// <param name="UploadTime">Times to store outputs.</param>
/// <param name="DownloadBytes">Bytes fetched.</param>
/// <param name="UploadBytes">Bytes stored.</param>
public sealed record AggregateProcessStats(
    Aggregate DownloadTime, Aggregate ProcessTime, Aggregate UploadTime, Aggregate DownloadBytes, Aggregate UploadBytes)
{
    /// <summary>Aggregates the datums that were processed.</summary>
    public static AggregateProcessStats Of(IReadOnlyCollection<ProcessStats> datums) => new(
        Aggregate.Of(datums.Select(static datum => Nanoseconds(datum.DownloadTime))),
        Aggregate.Of(datums.Select(static datum => Nanoseconds(datum.ProcessTime))),
        Aggregate.Of(datums.Select(static datum => Nanoseconds(datum.UploadTime))),
        Aggregate.Of(datums.Select(static datum => (double)datum.DownloadBytes)),
        Aggregate.Of(datums.Select(static datum => (double)datum.UploadBytes)));

    private static double Nanoseconds(TimeSpan time) => time.Ticks * (double)TimeSpan.NanosecondsPerTick;
}
