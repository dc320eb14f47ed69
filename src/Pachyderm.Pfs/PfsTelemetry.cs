using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Pachyderm.Pfs;

/// <summary>What this room tells about itself: meter and source <c>Pachyderm.Pfs</c>. Names and units are in doc/pachd.md.</summary>
internal static class PfsTelemetry
{
    private const string Name = "Pachyderm.Pfs";

    private static readonly Meter Meter = new(Name);

    public static ActivitySource Source { get; } = new(Name);

    /// <summary>Writes that were recorded in open commits.</summary>
    public static Counter<long> Writes { get; } = Meter.CreateCounter<long>(
        "pachyderm.pfs.writes", "{write}", "Writes to open commits that are durable: files, pieces of split files, deletions.");

    /// <summary>Bytes of content that were taken in.</summary>
    public static Counter<long> BytesPut { get; } = Meter.CreateCounter<long>(
        "pachyderm.pfs.bytes_put", "By", "Bytes of files that were put, whether they were stored before or not.");

    /// <summary>Bytes of content that were handed out.</summary>
    public static Counter<long> BytesRead { get; } = Meter.CreateCounter<long>(
        "pachyderm.pfs.bytes_read", "By", "Bytes of files that were read.");

    /// <summary>Commits that were finished.</summary>
    public static Counter<long> CommitsFinished { get; } = Meter.CreateCounter<long>(
        "pachyderm.pfs.commits_finished", "{commit}", "Commits that were finished or built.");

    /// <summary>How long finishing a commit took.</summary>
    public static Histogram<double> FinishDuration { get; } = Meter.CreateHistogram<double>(
        "pachyderm.pfs.finish_duration", "s", "Time from the request to finish a commit to its end.",
        tags: null, new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100] });

    /// <summary>Writes that were folded into trees.</summary>
    public static Counter<long> WritesFolded { get; } = Meter.CreateCounter<long>(
        "pachyderm.pfs.writes_folded", "{write}", "Writes that were applied to the tree of their commit.");
}
