using Pachyderm.EndToEnd.Tests.Support;

namespace Pachyderm.EndToEnd.Tests.Pfs;

/// <summary>A pachd, and pachctl that talks to it, with a home and a working directory that are gone afterwards.</summary>
public sealed class PfsCluster : IAsyncLifetime
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("pachyderm-pfs-");

    /// <summary>The server.</summary>
    public PachdProcess Server { get; private set; } = null!;

    /// <summary>A path in the working directory.</summary>
    public string this[string relative] => Path.Combine(_directory.FullName, relative);

    public async ValueTask InitializeAsync() => Server = await PachdProcess.StartAsync(this["data"], 0, "--egress-directory", this["egress"]);

    /// <summary>Ends pachd as a power cut would, and starts it again at the same address.</summary>
    /// <param name="meanwhile">Done while it is down.</param>
    public async Task RestartAsync(Action? meanwhile = null)
    {
        int port = int.Parse(Server.Address.Split(':')[1], System.Globalization.CultureInfo.InvariantCulture);
        await Server.KillAsync();
        await Server.DisposeAsync();
        meanwhile?.Invoke();
        Server = await PachdProcess.StartAsync(this["data"], port, "--egress-directory", this["egress"]);
    }

    /// <summary>Runs pachctl, which must succeed, and returns its output.</summary>
    public async Task<string> RunAsync(params string[] arguments)
    {
        PachctlResult result = (await TryAsync(arguments)).MustExitWith(0);
        Assert.Empty(result.Errors);
        return result.Output;
    }

    /// <summary>Runs pachctl.</summary>
    public Task<PachctlResult> TryAsync(params string[] arguments) => PachctlProcess.RunAsync(arguments, Environment());

    /// <summary>Runs a shell script in which <c>"$@"</c> is pachctl with the arguments.</summary>
    public Task<PachctlResult> ShellAsync(string script, params string[] arguments) =>
        PachctlProcess.RunAsync(arguments, Environment(), ["sh", "-c", script, "sh"]);

    /// <summary>Starts pachctl with its standard output in a file.</summary>
    public PachctlProcess StartInto(string file, params string[] arguments) => PachctlProcess.Start(arguments, Environment(), ["sh", "-c", $"exec \"$@\" > {file}", "sh"]);

    /// <summary>Runs pachctl, which must fail with one line that holds a text.</summary>
    public async Task RefusesAsync(string text, params string[] arguments)
    {
        PachctlResult result = (await TryAsync(arguments)).MustExitWith(1);
        Assert.Contains(text, Assert.Single(result.Errors.TrimEnd('\n').Split('\n')), StringComparison.Ordinal);
    }

    /// <summary>The names in a table that pachctl prints, without the header.</summary>
    public async Task<string> NamesAsync(params string[] arguments) =>
        string.Join(' ', (await RunAsync(arguments)).Split('\n', StringSplitOptions.RemoveEmptyEntries).Skip(1).Select(line => line.Split(' ')[0]));

    public async ValueTask DisposeAsync()
    {
        if (Server is not null)
        {
            await Server.DisposeAsync();
        }

        _directory.Delete(recursive: true);
    }

    private Dictionary<string, string> Environment() => new(StringComparer.Ordinal) { ["HOME"] = this["home"], ["ADDRESS"] = Server.Address };
}
