using System.Globalization;
using Pachyderm.Client;
using Spectre.Console;

namespace Pachyderm.Pachctl.Output;

/// <summary>Shows on a terminal how far a transfer is: bytes, files, rate and time left. Elsewhere nothing is shown.</summary>
internal static class TransferDisplay
{
    /// <summary>Runs a transfer.</summary>
    /// <param name="title">What it does.</param>
    /// <param name="size">Finds out the number of bytes, beside the transfer; null if that cannot be known.</param>
    /// <param name="transfer">The transfer, which reports to what it is given, if anything.</param>
    public static async Task RunAsync(string title, Func<long?> size, Func<IProgress<Transfer>?, Task> transfer)
    {
        if (Console.IsErrorRedirected)
        {
            await transfer(null);
            return;
        }

        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        Progress display = console.Progress().AutoClear(true).Columns(
            new TaskDescriptionColumn(), new ProgressBarColumn(), new DownloadedColumn(), new TransferSpeedColumn(),
            new RemainingTimeColumn());
        await display.StartAsync(async context =>
        {
            ProgressTask task = context.AddTask(title, maxValue: double.MaxValue);
            task.IsIndeterminate = true;
            Task sizing = Task.Run(() => ShowSize(task, size));
            await transfer(new Counter(title, task));
            task.StopTask();
            await sizing;
        });
    }

    private static void ShowSize(ProgressTask task, Func<long?> size)
    {
        try
        {
            if (size() is { } bytes)
            {
                task.MaxValue = Math.Max(bytes, 1);
                task.IsIndeterminate = false;
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or OperationCanceledException)
        {
            // The transfer meets the same trouble, and tells it; the display goes on without a time left.
            task.IsIndeterminate = true;
        }
    }

    private sealed class Counter(string title, ProgressTask task) : IProgress<Transfer>
    {
        private readonly Lock _gate = new();
        private long _files;

        public void Report(Transfer value)
        {
            lock (_gate)
            {
                task.Increment(value.Bytes);
                if (value.Files > 0)
                {
                    _files += value.Files;
                    task.Description = string.Create(CultureInfo.InvariantCulture, $"{title} [grey]{_files:N0} files[/]");
                }
            }
        }
    }
}
