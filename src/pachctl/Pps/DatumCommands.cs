using System.CommandLine;
using Google.Protobuf.WellKnownTypes;
using Pachyderm.Pachctl.Output;
using Pachyderm.Pachctl.Server;
using Pachyderm.Wire.Pps;
using static Pachyderm.Pachctl.Server.ServerCommand;

namespace Pachyderm.Pachctl.Pps;

/// <summary>Commands on datums.</summary>
internal static class DatumCommands
{
    // More are not sorted: they would have to be held in memory all at once.
    private const int MostSorted = 100_000;

    public static Command ListDatum()
    {
        Argument<string> job = JobCommands.JobArgument();
        Option<bool> raw = Raw();
        return Create(
            "list-datum",
            "List the datums of a job: those that failed first, then the slowest first.",
            """
            Very many datums (more than 100,000) are listed in the order of their files instead.

            Example:
              pachctl list-datum 2f3c...
            """,
            job,
            raw).Prints((parsed, client, output, cancel) =>
                WriteAsync(output, client.Jobs.ListDatumsAsync(parsed.GetRequiredValue(job), cancel), parsed.GetValue(raw)));
    }

    public static Command InspectDatum()
    {
        Argument<string> job = JobCommands.JobArgument();
        Argument<string> datum = Required("DATUM", "The datum's identifier, as list-datum shows it, or its first digits.");
        Option<bool> raw = Raw();
        return Create(
            "inspect-datum",
            "Describe a datum of a job: what became of it, and what it took.",
            """
            For jobs of pipelines with "enable_stats".

            Example:
              pachctl inspect-datum 2f3c... 8d1f...
            """,
            job,
            datum,
            raw).Prints(async (parsed, client, output, cancel) =>
            {
                DatumInfo info = await client.Jobs.InspectDatumAsync(parsed.GetRequiredValue(job), parsed.GetRequiredValue(datum), cancel);
                if (parsed.GetValue(raw))
                {
                    RawJson.Write(output, info);
                }
                else
                {
                    PipelineDetails.Write(output, info);
                }
            });
    }

    public static Command RestartDatum()
    {
        Argument<string> job = JobCommands.JobArgument();
        Argument<string> paths = Required("PATHS", "Paths or hashes of the datum's files, with commas between.");
        return Create(
            "restart-datum",
            "End the program of a datum that hangs; it is tried again.",
            "Example:\n  pachctl restart-datum 2f3c... /logo.png",
            job,
            paths).Does((parsed, client, cancel) => client.Jobs.RestartDatumAsync(
                parsed.GetRequiredValue(job), Items(parsed.GetRequiredValue(paths)), cancel));
    }

    /// <summary>The items of a list with commas; empty ones are dropped.</summary>
    internal static string[] Items(string list) => list.Split(',', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Prints datums, sorted if they are not too many.</summary>
    internal static async Task WriteAsync(TextWriter output, IAsyncEnumerable<DatumInfo> datums, bool raw)
    {
        TabTable? table = raw ? null : new TabTable(output, "ID", "STATUS", "TIME");
        List<DatumInfo>? held = [];
        await foreach (DatumInfo datum in datums)
        {
            held?.Add(datum);
            if (held is null)
            {
                Write(output, table, datum);
            }
            else if (held.Count > MostSorted)
            {
                held.ForEach(first => Write(output, table, first));
                held = null;
            }
        }

        foreach (DatumInfo datum in (held ?? []).OrderBy(datum => datum.State).ThenByDescending(datum => Time(datum).ToTimeSpan())
            .ThenBy(datum => datum.Datum?.Id, StringComparer.Ordinal))
        {
            Write(output, table, datum);
        }

        table?.Flush();
    }

    private static void Write(TextWriter output, TabTable? table, DatumInfo datum)
    {
        if (table is null)
        {
            RawJson.Write(output, datum);
        }
        else
        {
            table.Add(
                datum.Datum?.Id ?? "",
                States.Of(datum.State),
                datum.Stats is null ? "-" : Ages.Format(Time(datum).ToTimeSpan()));
        }
    }

    private static Duration Time(DatumInfo datum) =>
        GoDurations.Sum(datum.Stats?.DownloadTime, datum.Stats?.ProcessTime, datum.Stats?.UploadTime);
}
