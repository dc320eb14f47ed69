using System.ComponentModel;
using System.Diagnostics;
using System.Security.Cryptography;
using Pachyderm.Errors;

namespace Pachyderm.Pachctl.Pps;

/// <summary>Pushes the image of a pipeline to a registry under a name of its own, so that workers run what is here now.</summary>
/// <param name="engine">The program: docker or podman.</param>
internal sealed class ImagePush(string engine)
{
    private const int NameBytes = 16;

    /// <summary>Finds an engine that answers.</summary>
    /// <exception cref="OperatorException">There is none.</exception>
    public static async Task<ImagePush> FindAsync(CancellationToken cancellationToken)
    {
        List<string> problems = [];
        foreach (string program in (string[])["docker", "podman"])
        {
            try
            {
                // Docker's client is there without its daemon; this command asks the daemon.
                (int code, string said) = await RunAsync(program, ["version"], input: null, cancellationToken);
                if (code == 0)
                {
                    return new ImagePush(program);
                }

                problems.Add($"{program} says {LastLine(said)}");
            }
            catch (Win32Exception)
            {
                problems.Add($"{program} is not installed");
            }
        }

        throw new OperatorException(
            "container-engine-missing", "--push-images", string.Join(", ", problems),
            "install one of them, or push the image yourself and leave the flag out");
    }

    /// <summary>Logs in to a registry.</summary>
    public Task LoginAsync(string registry, string user, string password, CancellationToken cancellationToken) =>
        CallAsync(["login", "--username", user, "--password-stdin", registry], $"logging in to {registry}", cancellationToken, password);

    /// <summary>Pushes an image.</summary>
    /// <returns>Its new name.</returns>
    public async Task<string> PushAsync(string image, string registry, string user, CancellationToken cancellationToken)
    {
        string name = image.Split('/')[^1].Split('@')[0].Split(':')[0];
        string target = $"{registry}/{user}/{name}:{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(NameBytes))}";
        await CallAsync(["tag", image, target], $"tagging {image}", cancellationToken);
        await Console.Error.WriteLineAsync($"Pushing {target}, this may take a while.");
        await CallAsync(["push", target], $"pushing {target}", cancellationToken);
        return target;
    }

    private static string LastLine(string said) => said.Trim().Split('\n')[^1];

    private static async Task<(int Code, string Said)> RunAsync(
        string program, IEnumerable<string> arguments, string? input, CancellationToken cancellationToken)
    {
        ProcessStartInfo start = new(program, arguments)
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process process = Process.Start(start)!;
        try
        {
            await process.StandardInput.WriteAsync(input);
            process.StandardInput.Close();
            string[] said = await Task.WhenAll(
                process.StandardOutput.ReadToEndAsync(cancellationToken), process.StandardError.ReadToEndAsync(cancellationToken));
            await process.WaitForExitAsync(cancellationToken);
            return (process.ExitCode, string.Concat(said));
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
    }

    private async Task CallAsync(IEnumerable<string> arguments, string what, CancellationToken cancellationToken, string? input = null)
    {
        (int code, string said) = await RunAsync(engine, arguments, input, cancellationToken);
        if (code != 0)
        {
            throw new OperatorException(
                "image-push-failed", what, $"{engine} says {LastLine(said)}",
                $"see whether `{engine} login` and the image's name are right");
        }
    }
}
