using System.CommandLine;
using System.CommandLine.Parsing;

namespace Pachyderm.Pachctl;

/// <summary>Says what is wrong with a command line: a line for each fault, how the command is used, and where more is told.</summary>
internal static class UsageErrors
{
    private const int MostTypos = 2;

    /// <summary>Writes to standard error.</summary>
    public static int Write(ParseResult parsed)
    {
        CommandResult command = parsed.CommandResult;
        string name = Name(command);
        foreach (string fault in Faults(parsed).Distinct(StringComparer.Ordinal))
        {
            Console.Error.WriteLine($"pachctl: {Output.Printable.Text(fault)}");
        }

        if (command.Command.Arguments.Count > 0)
        {
            Console.Error.WriteLine($"Usage: {name} {string.Join(' ', command.Command.Arguments.Select(Describe))} [options]");
        }

        Console.Error.WriteLine($"See `{name} --help`.");
        return ExitCodes.Usage;
    }

    private static IEnumerable<string> Faults(ParseResult parsed)
    {
        CommandResult command = parsed.CommandResult;
        string? flag = parsed.UnmatchedTokens.FirstOrDefault(token => token.Length > 1 && token[0] == '-');
        if (flag is not null)
        {
            yield return $"unknown flag: {flag}";
            yield break;
        }

        if (parsed.UnmatchedTokens.Count > 0 && command.Command.Subcommands.Count > 0)
        {
            yield return $"unknown command \"{parsed.UnmatchedTokens[0]}\" for \"{Name(command)}\"{Suggest(parsed.UnmatchedTokens[0], command.Command)}";
            yield break;
        }

        int given = command.Children.OfType<ArgumentResult>().Sum(argument => argument.Tokens.Count) + parsed.UnmatchedTokens.Count;
        int least = command.Command.Arguments.Sum(argument => argument.Arity.MinimumNumberOfValues);
        int most = command.Command.Arguments.Sum(argument => Math.Min(argument.Arity.MaximumNumberOfValues, 1000));
        if (given < least || given > most)
        {
            yield return least == most ? $"expected {least} arguments, got {given}" : $"expected {least} to {most} arguments, got {given}";
            yield break;
        }

        foreach (ParseError error in parsed.Errors)
        {
            yield return error.Message;
        }
    }

    private static string Suggest(string typed, Command command)
    {
        string[] near = [.. command.Subcommands.Select(candidate => candidate.Name).Where(name => IsNear(typed, name)).Take(3)];
        return near.Length == 0 ? "" : $"; did you mean {string.Join(" or ", near)}?";
    }

    private static bool IsNear(string typed, string name) =>
        (typed.Length > 1 && name.StartsWith(typed, StringComparison.OrdinalIgnoreCase)) || Distance(typed, name) <= MostTypos;

    // Letters to add, drop or change.
    private static int Distance(string left, string right)
    {
        int[] row = [.. Enumerable.Range(0, right.Length + 1)];
        for (int i = 1; i <= left.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= right.Length; j++)
            {
                int change = diagonal + (left[i - 1] == right[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(Math.Min(row[j], row[j - 1]) + 1, change);
            }
        }

        return row[^1];
    }

    private static string Describe(Argument argument) => argument.Arity.MinimumNumberOfValues == 0 ? $"[{argument.Name}]" : argument.Name;

    private static string Name(CommandResult command) =>
        command.Parent is CommandResult parent ? $"{Name(parent)} {command.Command.Name}" : "pachctl";
}
