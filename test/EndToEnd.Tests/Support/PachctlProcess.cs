using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Pachyderm.EndToEnd.Tests.Support;

/// <summary>What a finished pachctl left behind.</summary>
/// <param name="ExitCode">Its exit code; 128 and the signal's number if a signal ended it.</param>
/// <param name="Output">Standard output.</param>
/// <param name="Errors">Standard error.</param>
public sealed record PachctlResult(int ExitCode, string Output, string Errors)
{
    /// <summary>Exit code of a process that SIGKILL ended.</summary>
    public const int Killed = 128 + 9;

    /// <summary>Lines on standard error that are pachctl's own word, and not progress.</summary>
    public IReadOnlyList<string> Complaints => [.. Errors.Split('\n').Where(line => line.StartsWith("pachctl: ", StringComparison.Ordinal))];

    /// <summary>The one line that says what is wrong.</summary>
    public string Complaint => Assert.Single(Complaints);

    /// <summary>Asserts the exit code, and that whatever went wrong was told without a stack trace.</summary>
    public PachctlResult MustExitWith(int code)
    {
        if (ExitCode != code || Errors.Contains("   at ", StringComparison.Ordinal) || Errors.Contains("defect of pachctl", StringComparison.Ordinal))
        {
            Assert.Fail($"pachctl ended with {ExitCode}, expected {code}.\n{Errors}\n{Output}");
        }

        return this;
    }

    /// <summary>
    /// Asserts a refusal: the exit code, and exactly one line on standard error that holds every one of the words; or that points to the
    /// findings on standard output, which then hold them.
    /// </summary>
    public PachctlResult MustRefuse(int code, params string[] words)
    {
        MustExitWith(code);
        string told = Complaint.Contains("in the way", StringComparison.Ordinal) ? Complaint + Output : Complaint;
        foreach (string word in words)
        {
            Assert.True(told.Contains(word, StringComparison.Ordinal), $"'{word}' is not in: {told}");
        }

        return this;
    }
}

/// <summary>The pachctl that was built with these tests, as a child process.</summary>
public sealed class PachctlProcess : IAsyncDisposable
{
    internal static string Program { get; } = Path.Combine(AppContext.BaseDirectory, "pachctl");

    private readonly Process _process;
    private readonly Task<string> _output;
    private readonly Task _errorsRead;
    private readonly StringBuilder _errors = new();
    private readonly List<(string Text, TaskCompletionSource Seen)> _awaited = [];

    private PachctlProcess(Process process)
    {
        _process = process;
        _output = process.StandardOutput.ReadToEndAsync();
        _errorsRead = Task.Run(ReadErrorsAsync);
    }

    /// <summary>Its process.</summary>
    public int ProcessId => _process.Id;

    /// <summary>Runs pachctl to its end.</summary>
    public static Task<PachctlResult> RunAsync(params string[] arguments) => RunAsync(arguments, null);

    /// <summary>Runs pachctl to its end.</summary>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="environment">Variables to set.</param>
    /// <param name="wrapper">A program and its arguments that starts pachctl, such as <c>setpriv</c>; null for none.</param>
    public static async Task<PachctlResult> RunAsync(
        IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string>? environment, IReadOnlyList<string>? wrapper = null)
    {
        await using PachctlProcess running = Start(arguments, environment, wrapper);
        return await running.WaitAsync();
    }

    /// <summary>Runs pachctl with a variable of <c>FaultPoints</c> that ends it at the K-th point.</summary>
    public static Task<PachctlResult> RunKilledAtAsync(int point, params string[] arguments) => RunAsync(
        arguments,
        new Dictionary<string, string>(StringComparer.Ordinal) { ["PACHYDERM_KILL_AT"] = string.Create(CultureInfo.InvariantCulture, $"*#{point}") });

    /// <summary>Runs pachctl and names the fault points that it passes.</summary>
    public static async Task<(PachctlResult Result, IReadOnlyList<string> Points)> RunTracedAsync(params string[] arguments)
    {
        string file = Path.GetTempFileName();
        try
        {
            PachctlResult result = await RunAsync(
                arguments, new Dictionary<string, string>(StringComparer.Ordinal) { ["PACHYDERM_TRACE_POINTS"] = file });
            return (result, await File.ReadAllLinesAsync(file));
        }
        finally
        {
            File.Delete(file);
        }
    }

    /// <summary>Starts pachctl.</summary>
    public static PachctlProcess Start(
        IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string>? environment = null, IReadOnlyList<string>? wrapper = null)
    {
        string[] command = [.. wrapper ?? [], Program, .. arguments];
        ProcessStartInfo info = new(command[0])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (string argument in command.Skip(1))
        {
            info.ArgumentList.Add(argument);
        }

        foreach (string name in info.Environment.Keys.Where(name => name.StartsWith("PACHYDERM_", StringComparison.Ordinal)).ToArray())
        {
            info.Environment.Remove(name);
        }

        foreach ((string name, string value) in environment ?? new Dictionary<string, string>(StringComparer.Ordinal))
        {
            info.Environment[name] = value;
        }

        Process process = Process.Start(info) ?? throw new InvalidOperationException($"{command[0]} did not start");
        process.StandardInput.Close();
        return new PachctlProcess(process);
    }

    /// <summary>Waits until a text stands on standard error.</summary>
    public async Task WaitForErrorsAsync(string text)
    {
        TaskCompletionSource seen = new(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_errors)
        {
            if (_errors.ToString().Contains(text, StringComparison.Ordinal))
            {
                return;
            }

            _awaited.Add((text, seen));
        }

        await await Task.WhenAny(seen.Task, _errorsRead);
        Assert.True(seen.Task.IsCompleted, $"pachctl ended without saying '{text}':\n{_errors}");
    }

    /// <summary>Sends a signal, such as <c>INT</c>.</summary>
    public async Task SignalAsync(string signal)
    {
        using var kill = Process.Start("kill", [$"-{signal}", _process.Id.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync();
        Assert.Equal(0, kill.ExitCode);
    }

    /// <summary>Waits for the end.</summary>
    public async Task<PachctlResult> WaitAsync()
    {
        await _process.WaitForExitAsync(TestContext.Current.CancellationToken);
        await _errorsRead;
        return new PachctlResult(_process.ExitCode, await _output, _errors.ToString());
    }

    /// <summary>Waits for the end, and says how much memory the process had at most.</summary>
    /// <returns>The result, and the largest resident set in KiB that was seen while it ran, which the kernel keeps as a maximum.</returns>
    public async Task<(PachctlResult Result, long PeakKibibytes)> WaitWithPeakAsync()
    {
        Task<PachctlResult> ended = WaitAsync();
        long peak = 0;
        string status = string.Create(CultureInfo.InvariantCulture, $"/proc/{_process.Id}/status");
        using PeriodicTimer timer = new(TimeSpan.FromMilliseconds(20));
        while (!ended.IsCompleted)
        {
            peak = Math.Max(peak, await ReadPeakAsync(status));
            await timer.WaitForNextTickAsync();
        }

        return (await ended, peak);
    }

    /// <summary>Whether it has ended.</summary>
    public bool HasExited => _process.HasExited;

    /// <summary>Ends pachctl as a power cut would, if it still runs.</summary>
    public async Task KillAsync()
    {
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
    }

    /// <summary>Ends pachctl if it still runs.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
    }

    private static async Task<long> ReadPeakAsync(string status)
    {
        try
        {
            string? line = (await File.ReadAllLinesAsync(status)).FirstOrDefault(line => line.StartsWith("VmHWM:", StringComparison.Ordinal));
            return line is null ? 0 : long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // It has ended in between.
            return 0;
        }
    }

    private async Task ReadErrorsAsync()
    {
        while (await _process.StandardError.ReadLineAsync() is { } line)
        {
            lock (_errors)
            {
                _errors.Append(line).Append('\n');
                foreach ((string text, TaskCompletionSource seen) in _awaited)
                {
                    if (_errors.ToString().Contains(text, StringComparison.Ordinal))
                    {
                        seen.TrySetResult();
                    }
                }
            }
        }
    }
}
