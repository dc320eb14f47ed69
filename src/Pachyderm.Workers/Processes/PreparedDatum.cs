using System.Text;
using Pachyderm.Workers.Output;
using Pachyderm.Workers.Resources;
using Pachyderm.Workers.Scratch;

namespace Pachyderm.Workers.Processes;

/// <summary>A datum on its way through a <see cref="Worker"/>.</summary>
internal sealed class PreparedDatum(Worker worker, DatumWork work, DatumDirectory directory, DatumDirectories directories) : IPreparedDatum
{
    private readonly LazyFiles _lazy = new();
    private readonly HashSet<string> _names = new(StringComparer.Ordinal) { "out" };
    private InputLayout? _layout;
    private bool _hasLazy;
    private bool _ran;
    private bool _returned;
    private int? _exitCode;
    private string? _reason;
    private TimeSpan _processTime;

    /// <inheritdoc/>
    public DatumWork Work { get; } = work;

    /// <summary>Time that laying out took.</summary>
    internal TimeSpan DownloadTime { get; set; }

    private WorkerOptions Options => worker.Options;

    private ICommandHost Host => worker.Host;

    /// <summary>Makes the directories, the inputs and the script.</summary>
    internal async Task LayOutAsync(CancellationToken cancellationToken)
    {
        _layout = new InputLayout(Options.FetchParallelism);
        ScratchArea.CreateDirectory(directory.Out);
        try
        {
            foreach (IInputTree input in Work.Inputs)
            {
                string place = $"{directory.Pfs}/{ScratchPath.CheckInputName(input.Name)}";
                if (!_names.Add(input.Name))
                {
                    throw new UnusableInputException($"two inputs have the name {input.Name}");
                }

                _hasLazy |= input.Lazy;
                await _layout.WriteAsync(input, place, input.Lazy ? _lazy : null, cancellationToken).ConfigureAwait(false);
            }

            foreach (string left in directory.Kept.Where(left => !_names.Contains(left)))
            {
                Directory.Delete($"{directory.Pfs}/{left}");
            }

            if (Work.PreviousOutput is { } previous)
            {
                await _layout.WriteAsync(previous, directory.Out, lazy: null, cancellationToken).ConfigureAwait(false);
            }
        }
        catch (UnusableInputException refusal)
        {
            _reason = refusal.Message;
        }

        Dictionary<string, string> environment = new(Host.EnvironmentOf(directory), StringComparer.Ordinal);
        foreach ((string name, string value) in worker.Spec.Environment)
        {
            environment[name] = value;
        }

        environment["PACH_JOB_ID"] = Work.JobId;
        foreach ((string name, string value) in Work.Environment)
        {
            environment[name] = value;
        }

        string script = Shell.CommandScript(worker.Spec, environment, Host.WorkingDirectoryOf(directory));
        ScratchFile.Replace(directories.ScriptPathOf(directory), Encoding.UTF8.GetBytes(script));
    }

    /// <inheritdoc/>
    public async Task RunAsync(ILogSink logs, CancellationToken cancellationToken)
    {
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, worker.Closing);
        await worker.Turn.WaitAsync(stop.Token).ConfigureAwait(false);
        try
        {
            if (_ran)
            {
                throw new InvalidOperationException($"datum {Work.Id} has run already");
            }

            _ran = true;
            if (_reason is null)
            {
                long start = Options.Time.GetTimestamp();
                await RunCommandAsync(logs, stop.Token).ConfigureAwait(false);
                _processTime = Options.Time.GetElapsedTime(start);
            }
        }
        finally
        {
            worker.Turn.Release();
        }
    }

    /// <inheritdoc/>
    public async Task<DatumOutcome> CollectAsync(IOutputSink sink, CancellationToken cancellationToken)
    {
        if (!_ran)
        {
            throw new InvalidOperationException($"datum {Work.Id} has not run yet");
        }

        long start = Options.Time.GetTimestamp();
        long uploaded = 0;
        if (_reason is null)
        {
            try
            {
                uploaded = await OutputCollector.CollectAsync(
                    directory.Pfs, Host.PfsNamesOf(directory), Work.Inputs.Select(input => input.Name), sink, cancellationToken)
                    .ConfigureAwait(false);
            }
            catch (BadOutputException bad)
            {
                _reason = bad.Message;
            }
        }

        DatumStatistics statistics = new(
            DownloadTime, _processTime, Options.Time.GetElapsedTime(start), (_layout?.Bytes ?? 0) + _lazy.Bytes, uploaded);
        return new DatumOutcome(_reason is null, _exitCode, _reason, statistics);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        if (!_returned)
        {
            _returned = true;
            directories.Return(directory, _names);
        }

        return ValueTask.CompletedTask;
    }

    private async Task RunCommandAsync(ILogSink logs, CancellationToken cancellationToken)
    {
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Exception? failure = null;
        void Fail(Exception exception)
        {
            if (Interlocked.CompareExchange(ref failure, exception, null) is null)
            {
                stop.Cancel();
            }
        }

        long kills = Host.CountMemoryKills();
        string? exceeded;
        await Host.EnterAsync(directory, cancellationToken).ConfigureAwait(false);
        try
        {
            await using LazyFiles.Service? lazy = _hasLazy ? _lazy.Serve(path => Host.MovedPath(directory, path), Fail) : null;
            DiskWatch watch = new(Options, Host.BoundedDirectoriesOf(directory), stop);
            await using (watch.ConfigureAwait(false))
            {
                _exitCode = await Host.ExecuteAsync(directory, Work.Id, new CarefulSink(logs, Fail), stop.Token).ConfigureAwait(false);
            }

            exceeded = watch.Exceeded();
            if (exceeded is null && Options.MaxScratchBytes is { } most
                && Host.BoundedDirectoriesOf(directory).Where(Directory.Exists).Sum(path => DiskUse.Measure(path, cancellationToken)) > most)
            {
                exceeded = DiskUse.Exceeded(most);
            }
        }
        finally
        {
            await Host.LeaveAsync(directory).ConfigureAwait(false);
        }

        cancellationToken.ThrowIfCancellationRequested();
        if (failure is not null)
        {
            throw new IOException($"datum {Work.Id} was ended: {failure.Message}", failure);
        }

        _reason = exceeded ?? CommandFailure.Describe(
            worker.Spec, _exitCode, outOfMemory: Host.CountMemoryKills() > kills, Options.MaxScratchBytes);
    }

    /// <summary>Hands lines on, and has the command ended when they are not taken.</summary>
    private sealed class CarefulSink(ILogSink sink, Action<Exception> fail) : ILogSink
    {
        public async ValueTask WriteAsync(LogLine line, CancellationToken cancellationToken)
        {
            try
            {
                await sink.WriteAsync(line, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception failure) when (!cancellationToken.IsCancellationRequested)
            {
                fail(failure);
            }
        }
    }
}
