using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Pachyderm.TestSupport;

namespace Pachyderm.EndToEnd.Tests.Support;

/// <summary>The pachd that was built with these tests, on a free port, with a data directory of its own.</summary>
public sealed partial class PachdProcess : IAsyncDisposable
{
    // bin/CONFIGURATION/FRAMEWORK, as here.
    internal static string Program { get; } = Path.Combine(
        RepositoryPaths.Root, "src", "pachd", Path.GetRelativePath(Path.Combine(RepositoryPaths.Root, "test", "EndToEnd.Tests"), AppContext.BaseDirectory), "pachd");

    private readonly Process _process;
    private readonly Task _log;

    private PachdProcess(Process process, Task log, string address) => (_process, _log, Address) = (process, log, address);

    /// <summary>Where it serves gRPC.</summary>
    public string Address { get; }

    /// <summary>Starts pachd, and waits until it serves.</summary>
    /// <param name="data">Its data directory.</param>
    /// <param name="port">The port of gRPC; 0 for a free one.</param>
    /// <param name="more">Further arguments.</param>
    public static async Task<PachdProcess> StartAsync(string data, int port = 0, params string[] more)
    {
        ProcessStartInfo info = new(Program) { UseShellExecute = false, RedirectStandardError = true, RedirectStandardInput = true };
        string address = string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{port}");
        foreach (string argument in (string[])["--data", data, "--grpc-address", address, "--http-address", "127.0.0.1:0", .. more])
        {
            info.ArgumentList.Add(argument);
        }

        Process process = Process.Start(info) ?? throw new InvalidOperationException("pachd did not start");
        List<string> lines = [];
        while (await process.StandardError.ReadLineAsync() is { } line)
        {
            lines.Add(line);
            if (ServingLine().Match(line) is { Success: true } serving)
            {
                // Nobody reads the rest, but a full pipe would stop pachd.
                Task drained = process.StandardError.BaseStream.CopyToAsync(Stream.Null);
                return new PachdProcess(process, drained, serving.Groups["address"].Value);
            }
        }

        throw new InvalidOperationException($"pachd ended before it served:\n{string.Join('\n', lines)}");
    }

    [GeneratedRegex("gRPC on (?<address>[0-9.]+:[0-9]+)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex ServingLine();

    /// <summary>Ends it as a power cut would.</summary>
    public async Task KillAsync()
    {
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
    }

    /// <summary>Lets it finish, as an operator does who stops it.</summary>
    public async Task StopAsync()
    {
        using var kill = Process.Start("kill", ["-TERM", _process.Id.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync();
        await _process.WaitForExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            await KillAsync();
        }

        await _log;
        _process.Dispose();
    }
}
