using Pachyderm.Errors;
using Pachyderm.Workers.Resources;
using Pachyderm.Workers.Scratch;

namespace Pachyderm.Workers.Processes;

/// <summary>
/// Runs user code as processes of this machine: in a sandbox of bubblewrap where that works, in which the datum is at <c>/pfs</c>; otherwise
/// as plain processes that find it by the environment variable <c>PACH_PFS</c>, which is set in both cases. Needs Linux.
/// </summary>
public sealed class ProcessWorkerBackend : IWorkerBackend
{
    private readonly WorkerOptions _options;
    private readonly SandboxView? _view;
    private readonly ControlGroupMounts _groups;

    private ProcessWorkerBackend(WorkerOptions options, SandboxView? view, ControlGroupMounts groups, IReadOnlyList<string> notes)
    {
        _options = options;
        _view = view;
        _groups = groups;
        Notes = notes;
    }

    /// <inheritdoc/>
    public string Name => "process";

    /// <inheritdoc/>
    public IReadOnlyList<string> Notes { get; }

    /// <summary>Whether user code runs in a sandbox.</summary>
    public bool Sandboxed => _view is not null;

    /// <summary>Looks at what the machine allows, and removes what a server that died left behind.</summary>
    /// <param name="options">Options.</param>
    /// <param name="isolation">Whether a sandbox is wanted.</param>
    /// <param name="cancellationToken">Ends the start early.</param>
    /// <exception cref="OperatorException">A sandbox is required and cannot be had, or the scratch directory is unusable.</exception>
    public static async Task<ProcessWorkerBackend> CreateAsync(
        WorkerOptions options, ProcessIsolation isolation, CancellationToken cancellationToken)
    {
        if (!OperatingSystem.IsLinux())
        {
            throw new OperatorException("workers-need-linux", "the process workers", "they need Linux", "run the server on Linux");
        }

        ControlGroupMounts groups = ControlGroupMounts.Read();
        await ScratchArea.RemoveLeftOversAsync(
            options.ScratchDirectory,
            async worker =>
            {
                await ControlGroup.RemoveLeftOverAsync(groups, worker, options.Time).ConfigureAwait(false);
                await ProcessTree.KillMarkedAsync(worker, options.Time).ConfigureAwait(false);
            },
            cancellationToken).ConfigureAwait(false);
        List<string> notes = [];
        SandboxView? view = null;
        if (isolation != ProcessIsolation.None)
        {
            view = SandboxView.TryCreate();
            string? problem = view is null
                ? "bubblewrap is not installed"
                : await ProbeAsync(options, view, groups, cancellationToken).ConfigureAwait(false);
            if (problem is not null)
            {
                view = null;
                const string Remedy = "install bubblewrap (Debian: apt-get install bubblewrap) and allow user namespaces";
                if (isolation == ProcessIsolation.Required)
                {
                    throw new OperatorException("sandbox-unavailable", "the sandbox for user code", problem, Remedy);
                }

                notes.Add($"User code is not kept apart from this machine, and finds its files by PACH_PFS instead of at /pfs: {problem}; "
                    + $"to change that, {Remedy}.");
            }
        }

        return new ProcessWorkerBackend(options, view, groups, [.. notes, .. await NoteLimitsAsync(options, groups).ConfigureAwait(false)]);
    }

    /// <inheritdoc/>
    public async Task<IWorker> StartAsync(WorkerSpec spec, CancellationToken cancellationToken)
    {
        Shell.Check(spec);
        if (spec.Mounts.FirstOrDefault(mount => !Path.Exists(mount.Source)) is { } missing)
        {
            throw new OperatorException("mount-missing", missing.Source, $"pipeline {spec.Name} is to see it, and it does not exist",
                "create it, or change the pipeline");
        }

        if (_view is null && spec.Mounts.FirstOrDefault(mount => mount.Source != mount.Target) is { } moved)
        {
            throw new OperatorException("mount-needs-sandbox", moved.Target, $"pipeline {spec.Name} is to see {moved.Source} there, "
                + "which needs a sandbox", "see the backend's notes on how to get one");
        }

        return await StartAsync(_options, _view, _groups, spec, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static async Task<Worker> StartAsync(
        WorkerOptions options, SandboxView? view, ControlGroupMounts mounts, WorkerSpec spec, CancellationToken cancellationToken)
    {
        ScratchArea area = ScratchArea.Create(options.ScratchDirectory, spec.Name);
        ControlGroup? group = ControlGroup.TryCreate(mounts, ControlGroup.NameOf(area.Id), spec.Limits, options.MaxProcesses, options.Time);
        ICommandHost host = view is null
            ? new PlainHost(options, area.Directory, area.Id, group)
            : new BubblewrapHost(options, area.Directory, view, spec, group);
        Worker worker = new(options, spec, area, host, group);
        try
        {
            await worker.WriteControlFilesAsync(Shell.EnterScript(group, spec.Limits, options.MaxScratchBytes), cancellationToken)
                .ConfigureAwait(false);
            if (host is SupervisedHost supervised)
            {
                await supervised.StartAsync(cancellationToken).ConfigureAwait(false);
            }

            return worker;
        }
        catch
        {
            await worker.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private static async Task<string?> ProbeAsync(
        WorkerOptions options, SandboxView view, ControlGroupMounts groups, CancellationToken cancellationToken)
    {
        try
        {
            WorkerSpec probe = new() { Name = "probe", Command = ["true"] };
            await using Worker worker = await StartAsync(options, view, groups, probe, cancellationToken).ConfigureAwait(false);
            return null;
        }
        catch (OperatorException failure) when (failure.Id == "sandbox-not-started")
        {
            return $"bubblewrap does not work here ({failure.Problem})";
        }
    }

    private static async Task<List<string>> NoteLimitsAsync(WorkerOptions options, ControlGroupMounts mounts)
    {
        ControlGroup? group = ControlGroup.TryCreate(
            mounts, ControlGroup.NameOf($"probe-{Guid.NewGuid():n}"), new ResourceLimits(1L << 30, 1), options.MaxProcesses, options.Time);
        List<string> notes = [];
        if (group is not { LimitsMemory: true })
        {
            notes.Add("A pipeline's memory limit bounds the address space of each process (ulimit -v) instead of the memory of all: "
                + "control groups cannot be written here.");
        }

        if (group is not { LimitsCpu: true })
        {
            notes.Add("A pipeline's limit of processor time has no effect: control groups cannot be written here.");
        }

        if (group is not { LimitsProcesses: true })
        {
            notes.Add("The number of processes of user code is not bounded: control groups cannot be written here.");
        }

        if (group is not null)
        {
            await group.RemoveAsync().ConfigureAwait(false);
        }

        return notes;
    }
}
