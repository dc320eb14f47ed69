using System.CommandLine;
using Pachyderm.Pachctl.Output;
using Pachyderm.Pachctl.Server;
using Pachyderm.Wire.Pps;
using static Pachyderm.Pachctl.Server.ServerCommand;

namespace Pachyderm.Pachctl.Pps;

/// <summary><c>pachctl get-logs</c>.</summary>
internal static class LogCommand
{
    public static Command Create()
    {
        Option<string?> pipeline = new("--pipeline") { Description = "Lines of all jobs of this pipeline.", HelpName = "PIPELINE" };
        Option<string?> job = new("--job") { Description = "Lines of this job.", HelpName = "JOB" };
        Option<string> inputs = new("--inputs")
        {
            Description = "Only lines of datums that have all these files: paths or hashes, with commas between.",
            HelpName = "PATHS",
            DefaultValueFactory = _ => "",
        };
        Option<string> datum = new("--datum")
        {
            Description = "Only lines of this datum, by its identifier.",
            HelpName = "DATUM",
            DefaultValueFactory = _ => "",
        };
        Option<bool> master = new("--master") { Description = "What the server tells about the jobs instead of what programs print." };
        Option<bool> follow = new("--follow", "-f")
        {
            Description = "Go on with lines as they are printed: until the job has ended, and without --job until Ctrl-C.",
        };
        Option<bool> raw = Raw();
        Command command = ServerCommand.Create(
            "get-logs",
            "Print what the programs of a pipeline printed.",
            """
            Examples:
              pachctl get-logs --job 2f3c...
              pachctl get-logs --job 2f3c... --follow
              pachctl get-logs --pipeline edges --inputs /logo.png
              pachctl get-logs --job 2f3c... --master
            """,
            pipeline,
            job,
            inputs,
            datum,
            master,
            follow,
            raw);
        command.Validators.Add(result =>
        {
            if (string.IsNullOrEmpty(result.GetValue(pipeline)) && string.IsNullOrEmpty(result.GetValue(job)))
            {
                result.AddError("must set either --pipeline or --job (or both)");
            }
        });
        return command.Prints((parsed, client, output, cancel) =>
        {
            GetLogsRequest filter = new() { InputFileId = parsed.GetValue(datum)!, Master = parsed.GetValue(master) };
            filter.DataFilters.AddRange(DatumCommands.Items(parsed.GetValue(inputs)!));
            if (parsed.GetValue(pipeline) is { Length: > 0 } name)
            {
                filter.Pipeline = new Pipeline { Name = name };
            }

            if (parsed.GetValue(job) is { Length: > 0 } id)
            {
                filter.Job = new Job { Id = id };
            }

            bool following = parsed.GetValue(follow);
            return WriteAsync(
                output, client.Jobs.LogsAsync(filter, following, cancel), parsed.GetValue(raw), filter.Master, flushEach: following);
        });
    }

    /// <summary>Prints lines.</summary>
    /// <param name="output">Where they go.</param>
    /// <param name="lines">The lines.</param>
    /// <param name="raw">Whether as JSON, a line each; else the texts of programs as they are.</param>
    /// <param name="master">Whether lines of the server are shown in texts, too.</param>
    /// <param name="flushEach">Whether each is to be seen at once.</param>
    internal static async Task WriteAsync(TextWriter output, IAsyncEnumerable<LogMessage> lines, bool raw, bool master, bool flushEach)
    {
        await foreach (LogMessage line in lines)
        {
            if (raw)
            {
                RawJson.WriteLine(output, line);
            }
            else if (line.User || (master && line.Master))
            {
                await output.WriteAsync(line.Message.EndsWith('\n') ? line.Message : line.Message + "\n");
            }

            if (flushEach)
            {
                await output.FlushAsync();
            }
        }
    }
}
