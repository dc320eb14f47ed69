using System.Diagnostics;
using Pachyderm.Workers.Logs;
using Pachyderm.Workers.Native;
using Pachyderm.Workers.Resources;
using Pachyderm.Workers.Scratch;

namespace Pachyderm.Workers.Processes;

/// <summary>
/// Commands as ordinary processes of this machine, where no sandbox can be had: they find their files by <c>PACH_PFS</c>, and see whatever
/// the server's user sees.
/// </summary>
internal sealed class PlainHost(WorkerOptions options, string workerDirectory, string mark, ControlGroup? group) : ICommandHost
{
    /// <inheritdoc/>
    public bool HidesDirectories => false;

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, string> EnvironmentOf(DatumDirectory directory) =>
        new Dictionary<string, string>(Shell.BaseEnvironment, StringComparer.Ordinal)
        {
            ["HOME"] = $"{directory.Root}/scratch",
            ["TMPDIR"] = $"{directory.Root}/tmp",
            ["PACH_PFS"] = directory.Pfs,
            [ProcessTree.MarkVariable] = mark,
        };

    /// <inheritdoc/>
    public string? WorkingDirectoryOf(DatumDirectory directory) => $"{directory.Root}/scratch";

    /// <inheritdoc/>
    public IReadOnlyList<string> PfsNamesOf(DatumDirectory directory) => ["/pfs", directory.Pfs];

    /// <inheritdoc/>
    public IReadOnlyList<string> BoundedDirectoriesOf(DatumDirectory directory) =>
        [directory.Out, $"{directory.Root}/tmp", $"{directory.Root}/scratch"];

    /// <inheritdoc/>
    public string MovedPath(DatumDirectory directory, string path) => path;

    /// <inheritdoc/>
    public long CountMemoryKills() => group?.CountMemoryKills() ?? 0;

    /// <inheritdoc/>
    public Task EnterAsync(DatumDirectory directory, CancellationToken cancellationToken)
    {
        ScratchArea.CreateDirectory($"{directory.Root}/tmp");
        ScratchArea.CreateDirectory($"{directory.Root}/scratch");
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public async Task<int?> ExecuteAsync(DatumDirectory directory, string datumId, ILogSink logs, CancellationToken stop)
    {
        string control = $"{workerDirectory}/control";
        // A session of its own: signals for the server's terminal do not reach it, and it can be found by it.
        ProcessStartInfo start = new("setsid", ["/bin/sh", $"{control}/enter", "/bin/sh", $"{control}/plain", $"{control}/{directory.Script}"])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = directory.Root,
        };
        start.Environment.Clear();
        start.Environment["PATH"] = Shell.BaseEnvironment["PATH"];
        start.Environment[ProcessTree.MarkVariable] = mark;
        using Process process = Process.Start(start)!;
        process.StandardInput.Close();
        LinePump output = new(process.StandardOutput.BaseStream, LogSource.StandardOutput, options.MaxLineBytes);
        LinePump errors = new(process.StandardError.BaseStream, LogSource.StandardError, options.MaxLineBytes);
        Task pumps = Task.WhenAll(
            output.PumpAsync(datumId, mark: null, logs, stop), errors.PumpAsync(datumId, mark: null, logs, stop));
        try
        {
            await process.WaitForExitAsync(stop).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            await EndAsync(process).ConfigureAwait(false);
        }

        // What is still there was left behind, and would keep the pipes open.
        await KillAsync(process.Id).ConfigureAwait(false);
        await process.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
        await pumps.ConfigureAwait(false);
        return process.ExitCode;
    }

    /// <inheritdoc/>
    public Task LeaveAsync(DatumDirectory directory) => Task.CompletedTask;

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private async Task EndAsync(Process process)
    {
        foreach (int id in ProcessTree.Find(process.Id, mark))
        {
            Posix.Signal(id, Posix.SigTerm);
        }

        try
        {
            await process.WaitForExitAsync(CancellationToken.None).WaitAsync(options.KillGrace, options.Time).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            await KillAsync(process.Id).ConfigureAwait(false);
        }
    }

    private async Task KillAsync(int root)
    {
        if (group is not null)
        {
            await group.KillAsync().ConfigureAwait(false);
        }
        else
        {
            await ProcessTree.KillAsync(root, mark, options.Time).ConfigureAwait(false);
        }
    }
}
