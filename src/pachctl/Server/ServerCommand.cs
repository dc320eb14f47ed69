using System.CommandLine;
using Pachyderm.Client;
using Pachyderm.Errors;
using Pachyderm.Pachctl.Output;

namespace Pachyderm.Pachctl.Server;

/// <summary>What all commands that talk to pachd share: options, the client, and how errors become a line and an exit code.</summary>
internal static class ServerCommand
{
    private const int Interrupted = 128 + 2;
    private const int OutputClosed = 128 + 13;

    /// <summary>Which pachd to talk to.</summary>
    public static Option<string?> Address { get; } = new("--address")
    {
        Description = $"The pachd to talk to (default: the variable ADDRESS, then v1.pachd_address of ~/.pachyderm/config.json, then "
            + $"{PachAddress.Default}).",
        HelpName = "HOST:PORT",
        Recursive = true,
    };

    /// <summary>Whether errors are told at length.</summary>
    public static Option<bool> Verbose { get; } = new("--verbose", "-v") { Description = "Tell errors at length.", Recursive = true };

    /// <summary>For scripts written for 1.5; nothing is ever reported to anybody.</summary>
    public static Option<bool> NoMetrics { get; } = new("--no-metrics")
    {
        Description = "Accepted and ignored: nothing is reported.",
        Recursive = true,
        Hidden = true,
    };

    /// <summary>Makes a command.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="summary">One line, for the list of commands.</param>
    /// <param name="more">What the summary leaves open, and examples.</param>
    /// <param name="symbols">Arguments and options, in order.</param>
    public static Command Create(string name, string summary, string more, params Symbol[] symbols)
    {
        Command command = new(name, more.Length == 0 ? summary : $"{summary}\n\n{more}");
        foreach (Symbol symbol in symbols)
        {
            if (symbol is Argument argument)
            {
                command.Arguments.Add(argument);
            }
            else
            {
                command.Options.Add((Option)symbol);
            }
        }

        return command;
    }

    /// <summary>A required argument.</summary>
    public static Argument<string> Required(string name, string description) => new(name) { Description = description };

    /// <summary>An argument that may be left out.</summary>
    public static Argument<string?> Optional(string name, string description) => new(name)
    {
        Description = description,
        Arity = ArgumentArity.ZeroOrOne,
    };

    /// <summary>The option <c>--raw</c>.</summary>
    public static Option<bool> Raw() => new("--raw") { Description = "Print JSON." };

    /// <summary>Sets what a command does with a client; errors end it with one line on standard error.</summary>
    public static Command Does(this Command command, Func<ParseResult, PachClient, CancellationToken, Task> act)
    {
        command.SetAction((parsed, cancellationToken) => RunAsync(parsed, act, cancellationToken));
        return command;
    }

    /// <summary>Sets what a command prints with a client.</summary>
    public static Command Prints(this Command command, Func<ParseResult, PachClient, TextWriter, CancellationToken, Task> act) =>
        command.Does(async (parsed, client, cancellationToken) =>
        {
            StreamWriter output = StandardOutput.OpenText();
            try
            {
                await act(parsed, client, output, cancellationToken);
            }
            finally
            {
                await output.FlushAsync(CancellationToken.None);
            }
        });

    /// <summary>Makes the client that a command line asks for.</summary>
    public static PachClient Connect(ParseResult parsed)
    {
        ClientConfig config = ClientConfig.Load(ClientConfig.DefaultPath);
        return new PachClient(
            new PachClientOptions { Address = config.Address(parsed.GetValue(Address)), SessionToken = config.SessionToken });
    }

    /// <summary>Runs a command, and turns its outcome into an exit code.</summary>
    public static async Task<int> RunAsync(
        ParseResult parsed, Func<ParseResult, PachClient, CancellationToken, Task> act, CancellationToken cancellationToken)
    {
        try
        {
            await using PachClient client = Connect(parsed);
            await act(parsed, client, cancellationToken);
            return ExitCodes.Done;
        }
        catch (OutputClosedException)
        {
            return OutputClosed;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            Console.Error.WriteLine("pachctl: interrupted");
            return Interrupted;
        }
        catch (PachException exception)
        {
            return Fail(parsed, exception, Printable.Text(exception.Message.Trim()));
        }
        catch (Exception exception) when (exception is OperatorException or MalformedSpecException or IOException or UnauthorizedAccessException or OperationCanceledException)
        {
            return Fail(parsed, exception, $"pachctl: {Printable.Text(exception.Message.Trim())}");
        }
    }

    private static int Fail(ParseResult parsed, Exception exception, string line)
    {
        Console.Error.WriteLine(parsed.GetValue(Verbose) ? exception.ToString() : line);
        return ExitCodes.Blocked;
    }
}
