using System.Globalization;
using System.Text;
using Pachyderm.Workers;

namespace Pachyderm.Scheduling;

/// <summary>
/// Takes what the program of a datum prints. Of one that prints more than 16 MiB the rest is left out, so that it neither fills the store
/// nor slows others, and a line says how much.
/// </summary>
/// <param name="log">The log of the job.</param>
/// <param name="context">What its lines have in common.</param>
/// <param name="stats">Takes the lines as well; null if no statistics are wanted.</param>
/// <param name="time">The clock.</param>
internal sealed class AttemptLog(JobLogWriter log, LogContext context, DatumStats? stats, TimeProvider time) : ILogSink
{
    /// <summary>Bytes of a datum's lines that are kept.</summary>
    internal const long MaxBytes = 16 << 20;

    /// <summary>Takes nothing: for a flow whose datums have logs of their own.</summary>
    public static ILogSink None { get; } = new NoLog();

    private const int MaxErrorLength = 300;

    private readonly Lock gate = new();
    private long bytes;
    private long leftOutBytes;
    private long leftOutLines;

    /// <summary>What the program said last on standard error, shortened; null if nothing.</summary>
    public string? LastError { get; private set; }

    /// <inheritdoc/>
    public async ValueTask WriteAsync(LogLine line, CancellationToken cancellationToken)
    {
        int length = Encoding.UTF8.GetByteCount(line.Text) + (line.Terminated ? 1 : 0);
        lock (gate)
        {
            if (line.Source == LogSource.StandardError && !string.IsNullOrWhiteSpace(line.Text))
            {
                LastError = Shorten(line.Text);
            }
            if (bytes + length > MaxBytes)
            {
                leftOutBytes += length;
                leftOutLines++;
                return;
            }
            bytes += length;
        }
        await KeepAsync(context, line.Terminated ? line.Text + "\n" : line.Text, cancellationToken);
    }

    /// <summary>The program has ended: says what was left out.</summary>
    public async ValueTask EndAsync(CancellationToken cancellationToken)
    {
        if (leftOutLines > 0)
        {
            LogContext own = new(context.Worker, context.Datum, isUser: false, context.Files);
            string message = string.Create(
                CultureInfo.InvariantCulture,
                $"the program printed more than {MaxBytes >> 20} MiB: {leftOutLines} more lines of {leftOutBytes} bytes were left out");
            await KeepAsync(own, message, cancellationToken);
        }
    }

    private async ValueTask KeepAsync(LogContext own, string message, CancellationToken cancellationToken)
    {
        await log.WriteAsync(own, message, cancellationToken);
        if (stats is not null)
        {
            await stats.AddAsync(own, time.GetUtcNow(), message, cancellationToken);
        }
    }

    private static string Shorten(string text)
    {
        string trimmed = text.Trim();
        if (trimmed.Length > MaxErrorLength)
        {
            int end = char.IsHighSurrogate(trimmed[MaxErrorLength - 1]) ? MaxErrorLength - 1 : MaxErrorLength;
            trimmed = trimmed[..end] + "...";
        }
        return string.Create(trimmed.Length, trimmed, static (target, source) =>
        {
            for (int i = 0; i < target.Length; i++)
            {
                target[i] = char.IsControl(source[i]) ? ' ' : source[i];
            }
        });
    }

    private sealed class NoLog : ILogSink
    {
        public ValueTask WriteAsync(LogLine line, CancellationToken cancellationToken) => ValueTask.CompletedTask;
    }
}
