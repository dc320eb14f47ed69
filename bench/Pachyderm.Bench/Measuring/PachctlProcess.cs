using System.Diagnostics;
using System.Globalization;

namespace Pachyderm.Bench.Measuring;

/// <summary>Runs the real <c>./pachctl</c> of this checkout as a process of its own and measures the whole of it, start-up included.</summary>
internal sealed class PachctlProcess
{
    private static readonly TimeSpan SamplingPeriod = TimeSpan.FromMilliseconds(20);

    private readonly string _program;

    private PachctlProcess(string program) => _program = program;

    /// <summary>The checkout that this program was built from.</summary>
    public static string Checkout
    {
        get
        {
            DirectoryInfo? directory = new(AppContext.BaseDirectory);
            while (directory is not null && !File.Exists(Path.Combine(directory.FullName, "Pachyderm.slnx")))
            {
                directory = directory.Parent;
            }

            return directory?.FullName ?? throw new InvalidOperationException($"No checkout is above {AppContext.BaseDirectory}.");
        }
    }

    /// <summary>Finds the launcher in the checkout that this program was built from, and lets it build pachctl if need be.</summary>
    public static async Task<PachctlProcess> PrepareAsync(CancellationToken cancellationToken)
    {
        PachctlProcess process = new(Path.Combine(Checkout, "pachctl"));
        await process.RunAsync(["version", "--client-only"], cancellationToken);
        return process;
    }

    /// <summary>Runs it to the end.</summary>
    /// <exception cref="InvalidOperationException">It ended with another code than 0.</exception>
    public Task<ProcessCost> RunAsync(IReadOnlyList<string> arguments, CancellationToken cancellationToken) =>
        RunAsync(_program, arguments, new Dictionary<string, string>(StringComparer.Ordinal), cancellationToken);

    /// <summary>Runs any program to the end, and measures it in the same way.</summary>
    /// <param name="program">The program.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="environment">Variables that it gets besides.</param>
    /// <param name="cancellationToken">Kills it.</param>
    /// <exception cref="InvalidOperationException">It ended with another code than 0.</exception>
    public static async Task<ProcessCost> RunAsync(
        string program, IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string> environment, CancellationToken cancellationToken)
    {
        ProcessStartInfo info = new(program) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in arguments)
        {
            info.ArgumentList.Add(argument);
        }

        foreach ((string name, string value) in environment)
        {
            info.Environment[name] = value;
        }

        long started = Stopwatch.GetTimestamp();
        using Process process = Process.Start(info)!;
        await using CancellationTokenRegistration killing = cancellationToken.Register(process.Kill);
        Task<string> output = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
        Task<string> errors = process.StandardError.ReadToEndAsync(CancellationToken.None);
        Task exited = process.WaitForExitAsync(CancellationToken.None);
        ProcessCost cost = default;
        using (PeriodicTimer timer = new(SamplingPeriod))
        {
            // The last sample before the end counts; both numbers only grow, except that the launcher's own go when it becomes pachctl.
            while (!exited.IsCompleted)
            {
                cost = Sample(process.Id) ?? cost;
                await Task.WhenAny(exited, timer.WaitForNextTickAsync(CancellationToken.None).AsTask());
            }
        }

        await exited;
        cancellationToken.ThrowIfCancellationRequested();
        TimeSpan elapsed = Stopwatch.GetElapsedTime(started);
        string printed = await errors + await output;
        return process.ExitCode == 0
            ? cost with { Elapsed = elapsed }
            : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} ended with exit code {process.ExitCode}: {printed}");
    }

    private static ProcessCost? Sample(int process)
    {
        try
        {
            string? peak = File.ReadLines($"/proc/{process}/status").FirstOrDefault(line => line.StartsWith("VmHWM:", StringComparison.Ordinal));
            if (peak is null)
            {
                return null;
            }

            // Fields 14 and 15 are user and system time in hundredths; the name in field 2 may hold spaces, but ends with a parenthesis.
            string status = File.ReadAllText($"/proc/{process}/stat");
            string[] fields = status[(status.LastIndexOf(')') + 2)..].Split(' ');
            long hundredths = Number(fields[11]) + Number(fields[12]);
            long kilobytes = Number(peak.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]);
            string read = File.ReadLines($"/proc/{process}/io").First(line => line.StartsWith("rchar:", StringComparison.Ordinal));
            return new ProcessCost(default, TimeSpan.FromMilliseconds(hundredths * 10), kilobytes * 1024, Number(read.Split(' ')[1]));
        }
        catch (IOException)
        {
            // It ended between two samples.
            return null;
        }
    }

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);
}

/// <summary>What a process took.</summary>
/// <param name="Elapsed">Wall time from start to end.</param>
/// <param name="Processor">User and system time, up to 20 ms before the end.</param>
/// <param name="PeakBytes">Most memory that was resident.</param>
/// <param name="ReadBytes">Bytes that it read, from wherever, up to 20 ms before the end.</param>
internal readonly record struct ProcessCost(TimeSpan Elapsed, TimeSpan Processor, long PeakBytes, long ReadBytes);
