using System.Diagnostics;
using Pachyderm.Errors;

namespace Pachyderm.Workers.Containers;

/// <summary>Calls podman or docker, whose command lines agree in all that is used here.</summary>
internal sealed class ContainerEngine(string program, ContainerOptions options)
{
    /// <summary>Finds an engine that answers.</summary>
    /// <exception cref="OperatorException">There is none.</exception>
    internal static async Task<ContainerEngine> FindAsync(ContainerOptions options, CancellationToken cancellationToken)
    {
        List<string> problems = [];
        foreach (string program in options.Engine is { } wanted ? (string[])[wanted] : ["podman", "docker"])
        {
            ContainerEngine engine = new(program, options);
            try
            {
                // Docker's client answers without its daemon; this command asks the daemon.
                (int exitCode, string said) = await engine.CallAsync(["version"], cancellationToken).ConfigureAwait(false);
                if (exitCode == 0)
                {
                    return engine;
                }

                problems.Add($"{program} says {said.Trim().Split('\n')[^1]}");
            }
            catch (System.ComponentModel.Win32Exception)
            {
                problems.Add($"{program} is not installed");
            }
        }

        throw new OperatorException("container-engine-missing", "the container engine", string.Join(", ", problems),
            "install podman or start docker, or run user code as processes");
    }

    /// <summary>How a command of the engine is started.</summary>
    internal ProcessStartInfo Describe(IEnumerable<string> arguments) => new(program, [.. options.EngineArguments, .. arguments]);

    /// <summary>Runs a command of the engine to its end.</summary>
    internal async Task<(int ExitCode, string Said)> CallAsync(IEnumerable<string> arguments, CancellationToken cancellationToken)
    {
        ProcessStartInfo start = Describe(arguments);
        start.UseShellExecute = false;
        start.RedirectStandardInput = start.RedirectStandardOutput = start.RedirectStandardError = true;
        using Process process = Process.Start(start)!;
        process.StandardInput.Close();
        string[] said = await Task.WhenAll(
            process.StandardOutput.ReadToEndAsync(cancellationToken), process.StandardError.ReadToEndAsync(cancellationToken))
            .ConfigureAwait(false);
        await process.WaitForExitAsync(cancellationToken).ConfigureAwait(false);
        return (process.ExitCode, string.Concat(said));
    }
}
