using System.Globalization;
using Pachyderm.Client;
using Spectre.Console;

namespace Pachyderm.Pachctl.Output;

/// <summary>Shows on a terminal how far the copy of a history is: commits, files, bytes and time left. Elsewhere nothing is shown.</summary>
internal static class HistoryDisplay
{
    /// <summary>Runs a copy.</summary>
    /// <param name="commits">How many commits are to be copied.</param>
    /// <param name="copy">The copy, which reports to what it is given, if anything.</param>
    public static async Task<Transfer> RunAsync(int commits, Func<IProgress<HistoryProgress>?, Task<Transfer>> copy)
    {
        if (Console.IsErrorRedirected || commits == 0)
        {
            return await copy(null);
        }

        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        Progress display = console.Progress().AutoClear(true).Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new RemainingTimeColumn());
        return await display.StartAsync(async context =>
        {
            ProgressTask task = context.AddTask("Copying", maxValue: commits);
            return await copy(new Counter(task));
        });
    }

    private sealed class Counter(ProgressTask task) : IProgress<HistoryProgress>
    {
        private readonly Lock _gate = new();
        private Transfer _sent;

        public void Report(HistoryProgress value)
        {
            lock (_gate)
            {
                _sent += value.Sent;
                task.Value = value.Commit - 1;
                task.Description = string.Create(
                    CultureInfo.InvariantCulture,
                    $"Commit {value.Commit:N0} of {value.Commits:N0} [grey]{_sent.Files:N0} files, {Sizes.Format((ulong)_sent.Bytes)}[/]");
            }
        }
    }
}
