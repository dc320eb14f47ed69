using System.Diagnostics;
using Pachyderm.Errors;
using Pachyderm.Workers.Logs;
using Pachyderm.Workers.Native;
using Pachyderm.Workers.Scratch;

namespace Pachyderm.Workers.Processes;

/// <summary>
/// A sandbox that outlives datums: its directories stay mounted, each datum's files are moved in and out of them, and a shell in it runs one
/// command after another and kills what each leaves behind. See <see cref="Shell.Supervisor"/>.
/// </summary>
internal abstract class SupervisedHost(WorkerOptions options, string workerDirectory) : ICommandHost
{
    /// <summary>Where the control directory appears in the sandbox.</summary>
    protected const string ControlTarget = "/run/pach";

    private static readonly string[] Leftovers = ["tmp", "scratch", "shm"];
    private Supervisor? _supervisor;

    /// <summary>The directory of scripts, which user code can read.</summary>
    protected string Control { get; } = $"{workerDirectory}/control";

    /// <summary>Options of the backend.</summary>
    protected WorkerOptions Options { get; } = options;

    /// <summary>What the sandbox mounts, with the target of each.</summary>
    protected IEnumerable<(string Source, string Target)> Writable =>
        [(Slot("pfs"), "/pfs"), (Slot("tmp"), "/tmp"), (Slot("scratch"), "/scratch"), (Slot("shm"), "/dev/shm")];

    /// <inheritdoc/>
    public bool HidesDirectories => true;

    /// <inheritdoc/>
    public abstract IReadOnlyDictionary<string, string> EnvironmentOf(DatumDirectory directory);

    /// <inheritdoc/>
    public string? WorkingDirectoryOf(DatumDirectory directory) => null;

    /// <inheritdoc/>
    public IReadOnlyList<string> PfsNamesOf(DatumDirectory directory) => ["/pfs"];

    /// <inheritdoc/>
    public IReadOnlyList<string> BoundedDirectoriesOf(DatumDirectory directory) => [Slot("pfs/out"), .. Leftovers.Select(Slot)];

    /// <inheritdoc/>
    public string MovedPath(DatumDirectory directory, string path) => Slot("pfs") + path[directory.Pfs.Length..];

    /// <inheritdoc/>
    public abstract long CountMemoryKills();

    /// <inheritdoc/>
    public async Task EnterAsync(DatumDirectory directory, CancellationToken cancellationToken)
    {
        if (_supervisor is { Process.HasExited: true })
        {
            await EndAsync().ConfigureAwait(false);
        }

        await StartAsync(cancellationToken).ConfigureAwait(false);
        Posix.MoveEntries(directory.Pfs, Slot("pfs"));
    }

    /// <inheritdoc/>
    public async Task<int?> ExecuteAsync(DatumDirectory directory, string datumId, ILogSink logs, CancellationToken stop)
    {
        Supervisor supervisor = _supervisor!;
        string digits = EndMark.NewDigits();
        Task<EndMark?> errors = supervisor.Errors.PumpAsync(datumId, digits, logs, stop);
        Task<EndMark?> output = supervisor.Output.PumpAsync(datumId, digits, logs, stop);
        Task<EndMark?[]> ended = Task.WhenAll(output, errors);
        await supervisor.OrderAsync(directory.Script, digits).ConfigureAwait(false);
        try
        {
            await ended.WaitAsync(stop).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            await EndCommandAsync(supervisor, ended).ConfigureAwait(false);
        }

        EndMark?[] marks = await ended.ConfigureAwait(false);
        if (marks is not [{ Soiled: false }, not null] || !Options.ReuseSandbox)
        {
            await EndAsync().ConfigureAwait(false);
        }

        return marks[1] is null ? null : marks[0]?.ExitCode;
    }

    /// <inheritdoc/>
    public Task LeaveAsync(DatumDirectory directory)
    {
        GiveAccess(Slot("pfs"));
        Posix.MoveEntries(Slot("pfs"), directory.Pfs);
        foreach (string name in Leftovers)
        {
            GiveAccess(Slot(name));
            string left = $"{directory.Root}/left-{name}";
            if (Directory.EnumerateFileSystemEntries(Slot(name)).Any())
            {
                ScratchArea.CreateDirectory(left);
                Posix.MoveEntries(Slot(name), left);
            }
        }

        return Task.CompletedTask;
    }

    /// <summary>Starts the sandbox unless it runs.</summary>
    /// <exception cref="OperatorException">It does not start.</exception>
    internal async Task StartAsync(CancellationToken cancellationToken)
    {
        if (_supervisor is not null)
        {
            return;
        }

        foreach (string name in (string[])["pfs", .. Leftovers])
        {
            ScratchArea.CreateDirectory(Slot(name));
        }

        ProcessStartInfo start = Describe();
        start.RedirectStandardInput = start.RedirectStandardOutput = start.RedirectStandardError = true;
        _supervisor = new Supervisor(await ProcessLauncher.StartAsync(start).ConfigureAwait(false), Options.MaxLineBytes);
        string digits = EndMark.NewDigits();
        LastLines said = new();
        Task<EndMark?[]> ready = Task.WhenAll(
            _supervisor.Output.PumpAsync(datumId: "", digits, said, CancellationToken.None),
            _supervisor.Errors.PumpAsync(datumId: "", digits, said, CancellationToken.None));
        await _supervisor.OrderAsync("-", digits).ConfigureAwait(false);
        try
        {
            if ((await ready.WaitAsync(cancellationToken).ConfigureAwait(false)).Contains(null))
            {
                await EndAsync().ConfigureAwait(false);
                throw NotStarted(said.ToString());
            }
        }
        catch (OperationCanceledException)
        {
            await EndAsync().ConfigureAwait(false);
            throw;
        }

        Started(_supervisor.Process);
    }

    /// <inheritdoc/>
    public virtual async ValueTask DisposeAsync()
    {
        await EndAsync().ConfigureAwait(false);
        GC.SuppressFinalize(this);
    }

    /// <summary>The program that becomes the sandbox and runs the supervisor in it.</summary>
    protected abstract ProcessStartInfo Describe();

    /// <summary>The sandbox runs and has no command yet.</summary>
    protected virtual void Started(Process process)
    {
    }

    /// <summary>Asks the processes of the command to end.</summary>
    protected abstract Task TerminateCommandAsync(Process process);

    /// <summary>Ends the sandbox and everything in it at once.</summary>
    protected abstract Task KillAsync(Process process);

    private static void GiveAccess(string directory)
    {
        const UnixFileMode All = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
        if (File.GetUnixFileMode(directory) != All)
        {
            File.SetUnixFileMode(directory, All);
        }
    }

    private static OperatorException NotStarted(string said) => new(
        "sandbox-not-started", "the sandbox for user code", said.Length == 0 ? "it ended at once" : said,
        "see doc/workers.md for what it needs of the machine");

    private string Slot(string name) => $"{workerDirectory}/slot/{name}";

    private async Task EndCommandAsync(Supervisor supervisor, Task ended)
    {
        await TerminateCommandAsync(supervisor.Process).ConfigureAwait(false);
        try
        {
            await ended.WaitAsync(Options.KillGrace, Options.Time).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            await EndAsync().ConfigureAwait(false);
        }
    }

    private async Task EndAsync()
    {
        if (_supervisor is { } supervisor)
        {
            _supervisor = null;
            await KillAsync(supervisor.Process).ConfigureAwait(false);
            supervisor.Dispose();
        }
    }

    private sealed class Supervisor(Process process, int maxLineBytes) : IDisposable
    {
        internal Process Process { get; } = process;

        internal LinePump Output { get; } = new(process.StandardOutput.BaseStream, LogSource.StandardOutput, maxLineBytes);

        internal LinePump Errors { get; } = new(process.StandardError.BaseStream, LogSource.StandardError, maxLineBytes);

        internal async Task OrderAsync(string script, string digits)
        {
            try
            {
                await Process.StandardInput.WriteAsync($"{script} {digits}\n").ConfigureAwait(false);
                await Process.StandardInput.FlushAsync().ConfigureAwait(false);
            }
            catch (IOException) when (Process.HasExited)
            {
                // Its output ends as well, and tells why.
                return;
            }
        }

        public void Dispose() => Process.Dispose();
    }

    private sealed class LastLines : ILogSink
    {
        private readonly List<string> _lines = [];

        public ValueTask WriteAsync(LogLine line, CancellationToken cancellationToken)
        {
            lock (_lines)
            {
                _lines.Add(line.Text.Trim());
                if (_lines.Count > 5)
                {
                    _lines.RemoveAt(0);
                }
            }

            return ValueTask.CompletedTask;
        }

        public override string ToString() => string.Join("; ", _lines.Where(line => line.Length > 0));
    }
}
