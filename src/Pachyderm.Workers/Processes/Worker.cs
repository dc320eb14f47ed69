using Pachyderm.Workers.Resources;
using Pachyderm.Workers.Scratch;

namespace Pachyderm.Workers.Processes;

/// <summary>A worker of this machine, whatever hosts its commands.</summary>
internal sealed class Worker(WorkerOptions options, WorkerSpec spec, ScratchArea area, ICommandHost host, ControlGroup? group) : IWorker
{
    private readonly CancellationTokenSource _closing = new();
    private readonly DatumDirectories _directories = new(area, $"{area.Directory}/control", host.HidesDirectories);
    private bool _disposed;

    /// <summary>What it runs.</summary>
    internal WorkerSpec Spec { get; } = spec;

    /// <summary>Options of the backend.</summary>
    internal WorkerOptions Options { get; } = options;

    /// <summary>What runs its commands.</summary>
    internal ICommandHost Host { get; } = host;

    /// <summary>Cancelled when the worker is disposed.</summary>
    internal CancellationToken Closing => _closing.Token;

    /// <summary>Lets one command run at a time.</summary>
    internal SemaphoreSlim Turn { get; } = new(1, 1);

    private string Control => $"{area.Directory}/control";

    /// <summary>Writes the scripts that do not change from datum to datum.</summary>
    /// <param name="enterScript">The script that puts a process under the worker's limits.</param>
    /// <param name="cancellationToken">Ends it early.</param>
    internal async Task WriteControlFilesAsync(string enterScript, CancellationToken cancellationToken)
    {
        ScratchArea.CreateDirectory(Control);
        string stdin = string.Join('\n', Spec.Stdin) + "\n";
        (string Name, string Text)[] files =
        [
            (Shell.StdinName, stdin), (Shell.SupervisorName, Shell.Supervisor), ("enter", enterScript),
            ("plain", $"exec <{Shell.Quote($"{Control}/{Shell.StdinName}")}\n. \"$1\"\n"),
        ];
        foreach ((string name, string text) in files)
        {
            await File.WriteAllTextAsync($"{Control}/{name}", text, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public async Task<IPreparedDatum> PrepareAsync(DatumWork datum, CancellationToken cancellationToken)
    {
        long start = Options.Time.GetTimestamp();
        PreparedDatum prepared = new(this, datum, _directories.Take(), _directories);
        try
        {
            await prepared.LayOutAsync(cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            await prepared.DisposeAsync().ConfigureAwait(false);
            throw;
        }

        prepared.DownloadTime = Options.Time.GetElapsedTime(start);
        return prepared;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        await _closing.CancelAsync().ConfigureAwait(false);
        // The command that runs has been told; it gives its turn back when nothing of it is left.
        await Turn.WaitAsync(CancellationToken.None).ConfigureAwait(false);
        await Host.DisposeAsync().ConfigureAwait(false);
        if (group is not null)
        {
            await group.KillAsync().ConfigureAwait(false);
            await group.RemoveAsync().ConfigureAwait(false);
        }

        await area.DisposeAsync().ConfigureAwait(false);
        Turn.Dispose();
        _closing.Dispose();
    }
}
