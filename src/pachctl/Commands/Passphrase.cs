using System.CommandLine;
using Pachyderm.Errors;

namespace Pachyderm.Pachctl.Commands;

/// <summary>The passphrase of an encrypted backup repository: from a file or the environment, never from the command line itself.</summary>
internal static class Passphrase
{
    private const string Variable = "PACHYDERM_BACKUP_PASSPHRASE";

    /// <summary>Makes the option.</summary>
    public static Option<string?> CreateOption() => new("--passphrase-file")
    {
        Description =
            $"File whose first line is the passphrase of the backup repository; a new repository is then encrypted. Or set {Variable}.",
        HelpName = "FILE",
    };

    /// <summary>Reads the passphrase; null if none was given.</summary>
    public static async Task<string?> ReadAsync(string? file, CancellationToken cancellationToken)
    {
        if (file is null)
        {
            return Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } value ? value : null;
        }

        try
        {
            string[] lines = await File.ReadAllLinesAsync(file, cancellationToken);
            return lines.Length > 0 && lines[0].Length > 0
                ? lines[0]
                : throw new OperatorException("passphrase-empty", file, "its first line is empty", "write the passphrase into it");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new OperatorException(
                "passphrase-unreadable", file, $"it cannot be read ({exception.Message})", "name a readable file", exception);
        }
    }
}
