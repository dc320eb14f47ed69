namespace Pachyderm.Workers;

/// <summary>How a datum ended, as far as its user code is to blame. Everything else that goes wrong is an exception.</summary>
/// <param name="Succeeded">Whether the command ended well and its output could be taken.</param>
/// <param name="ExitCode">What the command ended with, 128 + N for a signal N, or <see langword="null"/> if it never ran.</param>
/// <param name="Reason">Why the datum failed, in one line, or <see langword="null"/>.</param>
/// <param name="Statistics">Times and bytes.</param>
public sealed record DatumOutcome(bool Succeeded, int? ExitCode, string? Reason, DatumStatistics Statistics);

/// <summary>Times and bytes of one datum.</summary>
/// <param name="DownloadTime">Time taken to lay out its inputs.</param>
/// <param name="ProcessTime">Time that its command ran.</param>
/// <param name="UploadTime">Time taken to hand over its output.</param>
/// <param name="DownloadBytes">Bytes of input that were fetched, lazy files included once they were read.</param>
/// <param name="UploadBytes">Bytes of output that were handed over; links to inputs count nothing.</param>
public sealed record DatumStatistics(
    TimeSpan DownloadTime, TimeSpan ProcessTime, TimeSpan UploadTime, long DownloadBytes, long UploadBytes);
