using System.Globalization;

namespace Pachyderm.Pachd.Hosting;

/// <summary>Writes each entry as one line to the standard error: time, level, message. An exception's trace follows the message in the same line.</summary>
internal sealed class LineLoggerProvider(TextWriter output, TimeProvider time) : ILoggerProvider
{
    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName) => new LineLogger(output, time);

    /// <inheritdoc/>
    public void Dispose()
    {
        // The standard error belongs to the process.
    }

    private sealed class LineLogger(TextWriter output, TimeProvider time) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            string message = formatter(state, exception);
            string line = exception is null ? message : $"{message}: {exception}";
            string level = logLevel switch
            {
                LogLevel.Information => "info ",
                LogLevel.Warning => "warn ",
                LogLevel.Error or LogLevel.Critical => "error",
                _ => "debug",
            };
            string stamp = time.GetUtcNow().ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
            lock (output)
            {
                output.WriteLine($"{stamp} {level} {line.ReplaceLineEndings(" | ")}");
            }
        }
    }
}
