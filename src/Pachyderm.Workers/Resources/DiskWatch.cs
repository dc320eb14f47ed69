using System.Runtime.ExceptionServices;

namespace Pachyderm.Workers.Resources;

/// <summary>
/// Looks at what a command writes while it runs, and has it ended when that passes a bound. A timer does it: most commands have ended before it
/// goes off, and then it has cost next to nothing.
/// </summary>
internal sealed class DiskWatch : IAsyncDisposable
{
    private readonly WorkerOptions _options;
    private readonly IReadOnlyList<string> _directories;
    private readonly CancellationTokenSource _command;
    private readonly CancellationTokenSource _ended = new();
    private readonly ITimer _timer;
    private DriveInfo? _drive;
    private ExceptionDispatchInfo? _failure;
    private string? _exceeded;

    /// <summary>Begins.</summary>
    /// <param name="options">The bounds, and how often to look.</param>
    /// <param name="directories">Where the command writes.</param>
    /// <param name="command">Ends the command.</param>
    internal DiskWatch(WorkerOptions options, IReadOnlyList<string> directories, CancellationTokenSource command)
    {
        _options = options;
        _directories = directories;
        _command = command;
        _timer = options.Time.CreateTimer(static watch => ((DiskWatch)watch!).Look(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        LookIn(options.DiskCheckInterval);
    }

    /// <summary>The bound that was passed, in one line, or <see langword="null"/>; to be asked after <see cref="DisposeAsync"/>.</summary>
    /// <exception cref="IOException">A directory could not be looked at, and the command was ended for it.</exception>
    internal string? Exceeded()
    {
        _failure?.Throw();
        return _exceeded;
    }

    /// <summary>Ends it: nothing is looked at when this returns.</summary>
    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync().ConfigureAwait(false);
        await _timer.DisposeAsync().ConfigureAwait(false);
        _ended.Dispose();
    }

    private void LookIn(TimeSpan pause) => _timer.Change(pause, Timeout.InfiniteTimeSpan);

    private void Look()
    {
        try
        {
            _exceeded = Measure(out TimeSpan taken);
            if (_exceeded is null)
            {
                // A tenth of a core at most goes into looking.
                LookIn(taken * 10 > _options.DiskCheckInterval ? taken * 10 : _options.DiskCheckInterval);
                return;
            }
        }
        catch (OperationCanceledException) when (_ended.IsCancellationRequested)
        {
            return;
        }
        catch (Exception failure)
        {
            _failure = ExceptionDispatchInfo.Capture(failure);
        }

        _command.Cancel();
    }

    private string? Measure(out TimeSpan taken)
    {
        taken = TimeSpan.Zero;
        _drive ??= new DriveInfo(_options.ScratchDirectory);
        if (_drive.AvailableFreeSpace < _options.FreeSpaceReserve)
        {
            return $"the disk of the scratch directory has less than {_options.FreeSpaceReserve} bytes left";
        }

        if (_options.MaxScratchBytes is not { } most)
        {
            return null;
        }

        long start = _options.Time.GetTimestamp();
        bool passed = _directories.Sum(directory => DiskUse.Measure(directory, _ended.Token)) > most;
        taken = _options.Time.GetElapsedTime(start);
        return passed ? DiskUse.Exceeded(most) : null;
    }
}
