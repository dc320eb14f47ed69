using System.CommandLine;
using System.Reflection;
using Pachyderm.Client;
using Pachyderm.Errors;
using Pachyderm.Pachctl.Output;
using Pachyderm.Pachctl.Server;

namespace Pachyderm.Pachctl.Commands;

/// <summary><c>pachctl version</c>.</summary>
internal static class VersionCommand
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    public static Command Create()
    {
        Option<bool> clientOnly = new("--client-only") { Description = "Print the version of pachctl alone, without asking a server." };
        Command command = new("version", "Print the versions of pachctl and of the pachd that it talks to.") { clientOnly };
        command.SetAction((parsed, cancellationToken) =>
        {
            string version = typeof(VersionCommand).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];
            Print("COMPONENT", "VERSION");
            Print("pachctl", version);
            return parsed.GetValue(clientOnly) ? Task.FromResult(ExitCodes.Done) : AskAsync(parsed, cancellationToken);
        });
        return command;
    }

    private static async Task<int> AskAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        string address = "?";
        try
        {
            await using PachClient client = ServerCommand.Connect(parsed);
            address = client.Address.ToString();
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            patience.CancelAfter(Patience);
            Wire.Version.Version version = await client.GetVersionAsync(patience.Token);
            Print("pachd", $"{version.Major}.{version.Minor}.{version.Micro}{(version.Additional.Length > 0 ? $"-{version.Additional.TrimStart('-')}" : "")}");
            return ExitCodes.Done;
        }
        catch (Exception exception) when (exception is OperatorException or PachException
            || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            string problem = exception switch
            {
                PachConnectionException unreachable => unreachable.Problem,
                OperationCanceledException => "no answer in time",
                _ => exception.Message,
            };
            Console.Error.WriteLine(
                $"pachd   (version unknown) : error connecting to pachd server at address ({address}): {Printable.Text(problem)}");
            Console.Error.WriteLine();
            Console.Error.WriteLine(
                "Start pachd, or name another address with --address or ADDRESS. On Kubernetes, see `kubectl get all` and forward "
                    + "pachd's port.");
            return ExitCodes.Blocked;
        }
    }

    // As wide as the table of 1.5, whose cells are never longer.
    private static void Print(string component, string version) => Console.Out.WriteLine($"{component,-20}{Printable.Text(version),-20}");
}
