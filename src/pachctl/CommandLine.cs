using System.CommandLine;
using Pachyderm.Errors;
using Pachyderm.Migration.Engine;

namespace Pachyderm.Pachctl;

/// <summary>Parses the command line, calls and turns what comes back into an exit code.</summary>
internal static class CommandLine
{
    // After Ctrl-C, put-file -c still deletes the commit that it opened.
    private static readonly TimeSpan TimeForTidyingUp = TimeSpan.FromSeconds(10);

    /// <summary>Runs one command.</summary>
    public static async Task<int> RunAsync(string[] args)
    {
        RootCommand root = CommandCatalog.Create(args);
        ParseResult parsed;
        try
        {
            parsed = root.Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        }
        catch (InvalidOperationException exception)
        {
            // A validator asked for a value that could not be read; the library answers that with an exception.
            return Fail($"{exception.Message} See `pachctl --help`.", ExitCodes.Usage);
        }

        if (parsed.Errors.Count > 0)
        {
            return UsageErrors.Write(parsed);
        }

        try
        {
            return await parsed.InvokeAsync(
                new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = TimeForTidyingUp });
        }
        catch (MigrationFailedException exception)
        {
            return Fail(exception.Message, ExitCodes.Failed);
        }
        catch (OperatorException exception)
        {
            return Fail(
                exception.Message,
                exception.Id is "verification-failed" or "undo-incomplete" or "report-not-writable" or "upgrade-differs" or "backup-differs"
                    ? ExitCodes.Failed
                    : ExitCodes.Blocked);
        }
        catch (OperationCanceledException)
        {
            return Fail("interrupted; nothing more was written", ExitCodes.Failed);
        }
        catch (IOException exception)
        {
            return Fail(exception.Message, ExitCodes.Failed);
        }
        catch (UnauthorizedAccessException exception)
        {
            return Fail(exception.Message, ExitCodes.Blocked);
        }
        catch (Exception exception)
        {
            return FailUnexpectedly(exception);
        }
    }

    // A defect of this program: what a report of it needs, and no promise about the work beyond what the journal says.
    private static int FailUnexpectedly(Exception exception)
    {
        Console.Error.WriteLine(exception);
        return Fail(
            "this is a defect of pachctl; of a migration, `pachctl migrate status` tells what state the store is in", ExitCodes.Failed);
    }

    private static int Fail(string message, int exitCode)
    {
        Console.Error.WriteLine($"pachctl: {message}");
        return exitCode;
    }
}
