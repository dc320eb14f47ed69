using System.Diagnostics;
using System.Text;

namespace Pachyderm.EndToEnd.Tests.Support;

/// <summary>
/// Holds a pachctl at its fault points. The trace of points goes to a named pipe, and whoever opens a pipe for writing waits until somebody
/// reads it: a process that comes to a point stands there until the test takes the point's name.
/// </summary>
public sealed class PointGate : IDisposable
{
    private readonly string _pipe;

    /// <summary>Makes the pipe.</summary>
    public PointGate(string directory)
    {
        _pipe = Path.Combine(directory, $"points-{Guid.NewGuid():N}");
        using var make = Process.Start("mkfifo", [_pipe]);
        make.WaitForExit();
        Assert.Equal(0, make.ExitCode);
    }

    /// <summary>Variables for the process that is to be held.</summary>
    public IReadOnlyDictionary<string, string> Environment =>
        new Dictionary<string, string>(StringComparer.Ordinal) { ["PACHYDERM_TRACE_POINTS"] = _pipe };

    /// <summary>Lets the process pass points up to and with the named one; it then runs on to the next and stands there.</summary>
    public async Task PassAsync(string point)
    {
        string passed;
        do
        {
            passed = await ReadAsync();
            Assert.False(passed.Length == 0, $"the process ended without passing {point}");
        }
        while (!passed.Split('\n').Contains(point, StringComparer.Ordinal));
    }

    /// <summary>Lets the process pass all points until it has ended.</summary>
    public async Task<PachctlResult> OpenAsync(PachctlProcess pachctl)
    {
        Task<PachctlResult> ended = pachctl.WaitAsync();
        Task<string> passing = ReadAsync();
        while (await Task.WhenAny(ended, passing) != ended)
        {
            passing = ReadAsync();
        }

        // The reader that waits for the next point waits for nobody.
        await using (new FileStream(_pipe, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
        {
        }

        await passing;
        return await ended;
    }

    /// <inheritdoc/>
    public void Dispose() => File.Delete(_pipe);

    private Task<string> ReadAsync() => Task.Factory.StartNew(
        () =>
        {
            using FileStream pipe = new(_pipe, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            using StreamReader reader = new(pipe, Encoding.UTF8);
            return reader.ReadToEnd();
        },
        CancellationToken.None,
        TaskCreationOptions.LongRunning,
        TaskScheduler.Default);
}
