using System.CommandLine;
using Pachyderm.Errors;
using Pachyderm.Migration.Specs;

namespace Pachyderm.Pachctl.Commands;

/// <summary><c>pachctl migrate spec</c>: pipeline specs of 1.3 in the form that 1.4 and later read.</summary>
internal static class MigrateSpecCommand
{
    public static Command Create()
    {
        Command command = new(
            "spec",
            "Convert pipeline specs of 1.3 to the form that 1.4.8 and 1.5 read, and explain each decision on standard error. Exit code 1 "
                + "if a person has to decide something.");
        Option<string> file = new("--file", "-f")
        {
            Description = "The spec, one JSON object or several; - for standard input.",
            HelpName = "FILE",
            DefaultValueFactory = _ => "-",
        };
        Option<string> output = new("--output", "-o")
        {
            Description = "Where the converted specs go; - for standard output.",
            HelpName = "FILE",
            DefaultValueFactory = _ => "-",
        };
        command.Options.Add(file);
        command.Options.Add(output);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            string source = parsed.GetValue(file)!;
            string destination = parsed.GetValue(output)!;
            PipelineSpecConversion conversion = PipelineSpecConverter.Convert(await ReadAsync(source, cancellationToken));
            await Console.Error.WriteAsync(PipelineSpecReport.Format(conversion));
            if (destination == "-")
            {
                await Console.Out.WriteAsync(conversion.ToJson());
            }
            else
            {
                await WriteAsync(destination, conversion.ToJson(), cancellationToken);
            }

            return conversion.NeedsDecisions ? ExitCodes.Blocked : ExitCodes.Done;
        });
        return command;
    }

    private static async Task<string> ReadAsync(string path, CancellationToken cancellationToken)
    {
        try
        {
            return path == "-" ? await Console.In.ReadToEndAsync(cancellationToken) : await File.ReadAllTextAsync(path, cancellationToken);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new OperatorException("spec-unreadable", path, exception.Message, "name a readable file", exception);
        }
    }

    private static async Task WriteAsync(string path, string json, CancellationToken cancellationToken)
    {
        try
        {
            await File.WriteAllTextAsync(path, json, cancellationToken);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new OperatorException("spec-not-writable", path, exception.Message, "name another file with -o", exception);
        }
    }
}
