using System.Globalization;

namespace Pachyderm.Workers.Processes;

/// <summary>Says in one line why a command did not succeed.</summary>
internal static class CommandFailure
{
    private const int FirstSignal = 128;
    private const int NotStartable = 126;
    private const int NotFound = 127;
    private const int FileTooLarge = FirstSignal + 25;

    private static readonly Dictionary<int, string> SignalNames = new()
    {
        [1] = "SIGHUP",
        [2] = "SIGINT",
        [3] = "SIGQUIT",
        [4] = "SIGILL",
        [6] = "SIGABRT",
        [7] = "SIGBUS",
        [8] = "SIGFPE",
        [9] = "SIGKILL",
        [11] = "SIGSEGV",
        [13] = "SIGPIPE",
        [14] = "SIGALRM",
        [15] = "SIGTERM",
        [24] = "SIGXCPU",
        [25] = "SIGXFSZ",
        [31] = "SIGSYS",
    };

    /// <summary>The reason, or <see langword="null"/> for a success.</summary>
    internal static string? Describe(WorkerSpec spec, int? exitCode, bool outOfMemory, long? maxScratchBytes)
    {
        if (exitCode == 0 || (exitCode is { } accepted && spec.AcceptReturnCodes.Contains(accepted)))
        {
            return null;
        }

        if (outOfMemory)
        {
            return spec.Limits.MemoryBytes is { } most
                ? string.Create(CultureInfo.InvariantCulture, $"a process was killed because the worker used more than {most} bytes of memory")
                : "a process was killed because the machine had no memory left";
        }

        return exitCode switch
        {
            null => $"{spec.Command[0]} and all around it was killed",
            NotFound => $"{spec.Command[0]}, or a command that it runs, was not found (exit code 127)",
            NotStartable => $"{spec.Command[0]}, or a command that it runs, could not be started (exit code 126)",
            FileTooLarge when maxScratchBytes is { } bound => Resources.DiskUse.Exceeded(bound),
            > FirstSignal and <= FirstSignal + 64 => Signalled(spec, exitCode.Value - FirstSignal),
            _ => string.Create(CultureInfo.InvariantCulture, $"{spec.Command[0]} ended with exit code {exitCode}"),
        };
    }

    private static string Signalled(WorkerSpec spec, int signal) => string.Create(
        CultureInfo.InvariantCulture,
        $"{spec.Command[0]} was ended by {(SignalNames.TryGetValue(signal, out string? name) ? name : "a signal")} (exit code {signal + FirstSignal})");
}
