using System.Diagnostics;
using System.Globalization;
using Pachyderm.Workers.Native;
using Pachyderm.Workers.Processes;

namespace Pachyderm.Workers.Containers;

/// <summary>One container for a worker, in which the supervisor runs one datum after another. The image needs <c>/bin/sh</c>, as in 1.5.</summary>
internal sealed class ContainerHost(
    WorkerOptions options, ContainerOptions containers, string workerDirectory, ContainerEngine engine, WorkerSpec spec, string name)
    : SupervisedHost(options, workerDirectory)
{
    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, string> EnvironmentOf(DatumDirectory directory) =>
        new Dictionary<string, string>(StringComparer.Ordinal) { ["PACH_PFS"] = "/pfs" };

    /// <inheritdoc/>
    public override long CountMemoryKills() => 0;

    /// <summary>The arguments that start the container.</summary>
    internal IReadOnlyList<string> RunArguments()
    {
        List<string> arguments =
        [
            "run", "--rm", "--interactive", "--name", name, "--workdir", "/scratch", "--entrypoint", "/bin/sh",
            // Files that it writes belong to whom the server runs as, or it could not remove them.
            "--user", string.Create(CultureInfo.InvariantCulture, $"{Posix.UserId}:{Posix.GroupId}"),
            "--cap-drop", "ALL", "--security-opt", "no-new-privileges",
            "--pids-limit", Options.MaxProcesses.ToString(CultureInfo.InvariantCulture),
        ];
        if (!Options.Network)
        {
            arguments.AddRange(["--network", "none"]);
        }

        if (spec.Limits.MemoryBytes is { } memory)
        {
            arguments.AddRange(["--memory", memory.ToString(CultureInfo.InvariantCulture)]);
        }

        if (spec.Limits.Cpus is { } cpus)
        {
            arguments.AddRange(["--cpus", cpus.ToString("0.###", CultureInfo.InvariantCulture)]);
        }

        foreach ((string source, string target) in Writable)
        {
            arguments.AddRange(["--mount", Mount(source, target)]);
        }

        arguments.AddRange(["--mount", Mount(Control, ControlTarget) + ",readonly"]);
        foreach (ReadOnlyMount mount in spec.Mounts)
        {
            arguments.AddRange(["--mount", Mount(mount.Source, mount.Target) + ",readonly"]);
        }

        return [.. arguments, .. containers.RunArguments, spec.Image!, $"{ControlTarget}/{Shell.SupervisorName}"];
    }

    /// <inheritdoc/>
    protected override ProcessStartInfo Describe() => engine.Describe(RunArguments());

    /// <inheritdoc/>
    protected override Task TerminateCommandAsync(Process process) =>
        engine.CallAsync(["exec", name, "/bin/sh", "-c", "kill -TERM -1"], CancellationToken.None);

    /// <inheritdoc/>
    protected override async Task KillAsync(Process process)
    {
        if (!process.HasExited)
        {
            // Removal alone first asks and waits.
            await engine.CallAsync(["kill", name], CancellationToken.None).ConfigureAwait(false);
        }

        await engine.CallAsync(["rm", "--force", name], CancellationToken.None).ConfigureAwait(false);
        await process.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
    }

    private static string Mount(string source, string target) => $"type=bind,source={source},target={target}";
}
