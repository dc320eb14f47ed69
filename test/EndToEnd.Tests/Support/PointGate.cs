using System.Diagnostics;

namespace Pachyderm.EndToEnd.Tests.Support;

/// <summary>
/// Holds a pachctl at the first fault point that it comes to. The trace of points goes to a named pipe, and whoever opens a pipe for writing
/// waits until somebody reads it.
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

    /// <summary>Lets the process go, and waits until it has ended.</summary>
    public async Task<PachctlResult> OpenAsync(PachctlProcess pachctl)
    {
        // Open for both, the pipe neither waits for a writer nor ends when one closes it.
        await using FileStream pipe = new(_pipe, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        return await pachctl.WaitAsync();
    }

    /// <inheritdoc/>
    public void Dispose() => File.Delete(_pipe);
}
