using System.Diagnostics.Metrics;
using Pachyderm.Pps.Jobs;

namespace Pachyderm.Scheduling;

/// <summary>What this room tells about itself: meter <c>Pachyderm.Scheduling</c>. Names and units are in doc/pachd.md.</summary>
internal static class SchedulingTelemetry
{
    private static readonly Meter Meter = new("Pachyderm.Scheduling");

    private static readonly Counter<long> Jobs = Meter.CreateCounter<long>(
        "pachyderm.scheduling.jobs_ended", "{job}", "Jobs that ended, by their last state.");

    private static readonly Counter<long> Datums = Meter.CreateCounter<long>(
        "pachyderm.scheduling.datums", "{datum}", "Datums of jobs, by what became of them.");

    private static readonly Histogram<double> JobDuration = Meter.CreateHistogram<double>(
        "pachyderm.scheduling.job_duration", "s", "Time from the moment a job was triggered to its success or failure.",
        tags: null, new InstrumentAdvice<double>
        {
            HistogramBucketBoundaries = [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000],
        });

    private static readonly UpDownCounter<long> Workers = Meter.CreateUpDownCounter<long>(
        "pachyderm.scheduling.workers", "{worker}", "Workers that run at present.");

    /// <summary>A job has ended; called once, after that was recorded.</summary>
    public static void JobEnded(Job job)
    {
        Jobs.Add(1, new KeyValuePair<string, object?>("state", job.State switch
        {
            JobState.Success => "success",
            JobState.Failure => "failure",
            _ => "killed",
        }));
        if (job.Finished is { } finished)
        {
            JobDuration.Record((finished - job.Started).TotalSeconds);
        }
        CountDatums("skipped", job.DataSkipped);
    }

    /// <summary>Datums were recorded.</summary>
    public static void DatumsEnded(int processed, int failed)
    {
        CountDatums("processed", processed);
        CountDatums("failed", failed);
    }

    /// <summary>Workers were started, or ended if negative.</summary>
    public static void WorkersChanged(int difference) => Workers.Add(difference);

    private static void CountDatums(string result, long count)
    {
        if (count > 0)
        {
            Datums.Add(count, new KeyValuePair<string, object?>("result", result));
        }
    }
}
