using System.CommandLine;
using System.Reflection;
using Pachyderm.Errors;
using Pachyderm.Pachd.Hosting;

namespace Pachyderm.Pachd.Configuration;

/// <summary>Parses the command line, runs pachd and turns what comes back into an exit code.</summary>
internal static class CommandLine
{
    /// <summary>Ended by a signal, or printed what was asked for.</summary>
    public const int Done = 0;

    /// <summary>Refused to start; nothing was changed.</summary>
    public const int Refused = 1;

    /// <summary>Failed while running.</summary>
    public const int Failed = 2;

    /// <summary>Wrong usage or configuration.</summary>
    public const int Usage = 3;

    /// <summary>The release, such as <c>3.0.0-alpha.1</c>.</summary>
    public static string Version { get; } =
        typeof(CommandLine).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];

    /// <summary>Runs pachd until it is told to end.</summary>
    public static async Task<int> RunAsync(string[] args)
    {
        Option<string?> configuration = new("--config")
        {
            HelpName = "FILE",
            Description = "JSON object with the settings below, dashes as underscores: { \"data\": \"/var/lib/pachd\" }. Flags go before environment variables, and these before the file.",
        };
        RootCommand root = new(
            """
            pachd: the server of Pachyderm. Keeps versioned files and serves them to pachctl and other clients of the 1.5 API.

            Start it, and talk to it from another terminal:
              pachd --data /var/lib/pachd
              pachctl create-repo images

            It ends on SIGTERM or Ctrl-C, after the calls that are running. Exit codes: 0 ended, 1 refused to start, 2 failed, 3 wrong usage.
            """)
        {
            configuration,
        };
        foreach (Setting setting in Setting.All)
        {
            root.Options.Add(setting.Option);
        }
        root.SetAction((parsed, cancellationToken) => StartAsync(parsed, parsed.GetValue(configuration), cancellationToken));
        ParseResult result = root.Parse(args);
        if (result.Errors.Count > 0)
        {
            return Fail($"{result.Errors[0].Message} See `pachd --help`.", Usage);
        }
        return await result.InvokeAsync(new InvocationConfiguration
        {
            EnableDefaultExceptionHandler = false,
            // The host waits for signals itself, since it has work to finish.
            ProcessTerminationTimeout = null,
        });
    }

    private static async Task<int> StartAsync(ParseResult parsed, string? configurationFile, CancellationToken cancellationToken)
    {
        try
        {
            OptionsReader reader = new(setting => parsed.GetValue(setting.Option), Environment.GetEnvironmentVariable);
            await using PachdHost host = await PachdHost.StartAsync(reader.Read(configurationFile ?? Environment.GetEnvironmentVariable("PACHD_CONFIG")), cancellationToken);
            await host.WaitForShutdownAsync();
            return Done;
        }
        catch (OperatorException exception)
        {
            return Fail(exception.Message, exception.Id == "configuration-invalid" ? Usage : exception is CorruptionException ? Failed : Refused);
        }
        catch (Exception exception)
        {
            await Console.Error.WriteLineAsync(exception.ToString());
            return Fail("this is a defect of pachd; what was acknowledged is kept", Failed);
        }
    }

    private static int Fail(string message, int exitCode)
    {
        Console.Error.WriteLine($"pachd: {message}");
        return exitCode;
    }
}
