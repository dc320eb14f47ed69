namespace Pachyderm.Workers;

/// <summary>
/// Takes the lines that user code prints. Calls of one stream come one after another, those of the two streams of a process may overlap.
/// While a call is under way the process is held up once its pipe is full, so memory stays bounded however much it prints.
/// </summary>
public interface ILogSink
{
    /// <summary>Takes one line.</summary>
    /// <param name="line">The line.</param>
    /// <param name="cancellationToken">Ends the call early.</param>
    ValueTask WriteAsync(LogLine line, CancellationToken cancellationToken);
}

/// <summary>Where a line was printed.</summary>
public enum LogSource
{
    /// <summary>Standard output.</summary>
    StandardOutput,

    /// <summary>Standard error.</summary>
    StandardError,
}

/// <summary>One line that user code printed.</summary>
/// <param name="DatumId">The datum that was being processed, as <see cref="DatumWork.Id"/> names it.</param>
/// <param name="Source">Where it was printed.</param>
/// <param name="Text">The line without its newline. Bytes that are not UTF-8 are U+FFFD.</param>
/// <param name="Terminated">
/// Whether a newline followed. It did not for the last piece of output without one, and for all but the last piece of a line that was split
/// because it is longer than <see cref="WorkerOptions.MaxLineBytes"/>.
/// </param>
public readonly record struct LogLine(string DatumId, LogSource Source, string Text, bool Terminated);
