using System.Diagnostics;
using Pachyderm.Workers.Native;
using Pachyderm.Workers.Resources;

namespace Pachyderm.Workers.Processes;

/// <summary>A sandbox of bubblewrap: namespaces of its own, the machine's programs read-only, and nothing else of the machine.</summary>
internal sealed class BubblewrapHost(
    WorkerOptions options, string workerDirectory, SandboxView view, WorkerSpec spec, ControlGroup? group)
    : SupervisedHost(options, workerDirectory)
{
    private HashSet<int> _own = [];

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, string> EnvironmentOf(DatumDirectory directory) =>
        new Dictionary<string, string>(Shell.BaseEnvironment, StringComparer.Ordinal) { ["HOME"] = "/scratch", ["PACH_PFS"] = "/pfs" };

    /// <inheritdoc/>
    public override long CountMemoryKills() => group?.CountMemoryKills() ?? 0;

    /// <inheritdoc/>
    protected override ProcessStartInfo Describe()
    {
        List<string> arguments = [.. view.Arguments(Options.Network)];
        foreach ((string source, string target) in Writable)
        {
            arguments.AddRange(["--bind", source, target]);
        }

        arguments.AddRange(["--ro-bind", Control, ControlTarget]);
        foreach (ReadOnlyMount mount in spec.Mounts)
        {
            arguments.AddRange(["--ro-bind", mount.Source, mount.Target]);
        }

        arguments.AddRange(["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/scratch"]);
        arguments.AddRange(["--", "/bin/sh", $"{ControlTarget}/{Shell.SupervisorName}"]);
        ProcessStartInfo start = new("/bin/sh", [$"{Control}/enter", view.Program, .. arguments]);
        start.Environment.Clear();
        start.Environment["PATH"] = Shell.BaseEnvironment["PATH"];
        return start;
    }

    /// <inheritdoc/>
    protected override void Started(Process process) => _own = [.. ProcessTree.Descendants(process.Id)];

    /// <inheritdoc/>
    protected override Task TerminateCommandAsync(Process process)
    {
        // Orphans are children of the sandbox's first process, so all of them descend from it.
        foreach (int id in ProcessTree.Descendants(process.Id).Where(id => !_own.Contains(id)))
        {
            Posix.Signal(id, Posix.SigTerm);
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    protected override async Task KillAsync(Process process)
    {
        // The kernel kills all others of a namespace before the end of its first process is told, and bwrap waits for that one.
        List<int> descendants = process.HasExited ? [] : ProcessTree.Descendants(process.Id);
        if (descendants.Count == 0)
        {
            process.Kill();
        }
        else
        {
            Posix.Signal(descendants[0], Posix.SigKill);
        }

        await process.WaitForExitAsync().ConfigureAwait(false);
    }
}
