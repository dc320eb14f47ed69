using System.CommandLine;
using System.Globalization;
using Pachyderm.Client;
using Pachyderm.Pachctl.Output;
using Pachyderm.Pachctl.Server;
using Pachyderm.Wire.Native;
using Pachyderm.Wire.Pps;
using static Pachyderm.Pachctl.Server.ServerCommand;

namespace Pachyderm.Pachctl.Pps;

/// <summary>Commands that tell why: why a datum ran, and where a file comes from.</summary>
internal static class ReasonCommands
{
    private const int ShortId = 12;

    public static Command ExplainJob()
    {
        Argument<string> job = JobCommands.JobArgument();
        Option<bool> ran = new("--ran") { Description = "Only datums that ran." };
        Option<bool> raw = Raw();
        return Create(
            "explain-job",
            "Tell for each datum of a job why it ran or was skipped: what changed since the job before.",
            """
            Examples:
              pachctl explain-job 2f3c...
              pachctl explain-job 2f3c... --ran
            """,
            job,
            ran,
            raw).Prints((parsed, client, output, cancel) => WriteAsync(
                output, client.Jobs.ExplainAsync(parsed.GetRequiredValue(job), cancel), parsed.GetValue(ran), parsed.GetValue(raw)));
    }

    public static Command Lineage()
    {
        (Argument<string> repo, Argument<string> commit) = Pfs.CommitCommands.RepoAndCommit();
        Argument<string?> path = Optional("PATH", "A file or directory in it (default: the whole commit).");
        Option<bool> downstream = new("--downstream", "-d") { Description = "To what was made from it, instead of what it was made from." };
        Option<bool> raw = Raw();
        return Create(
            "lineage",
            "Tell where a commit, or a file in it, comes from, through every pipeline.",
            """
            Each line with an arrow is a job; below it is what it read. What was shown before is not shown again, but marked.

            Examples:
              pachctl lineage montage master
              pachctl lineage montage master /collage.png
              pachctl lineage images master /logo.png --downstream
            """,
            repo,
            commit,
            path,
            downstream,
            raw).Prints(async (parsed, client, output, cancel) =>
            {
                CommitRef from = Pfs.CommitCommands.Ref(parsed, repo, commit);
                (string place, bool down) = (parsed.GetValue(path) ?? "", parsed.GetValue(downstream));
                IAsyncEnumerable<LineageStep> steps = client.Jobs.LineageAsync(from, place, down, cancel);
                if (parsed.GetValue(raw))
                {
                    await foreach (LineageStep step in steps)
                    {
                        RawJson.Write(output, step);
                    }

                    return;
                }

                List<LineageStep> all = [];
                await foreach (LineageStep step in steps)
                {
                    all.Add(step);
                }

                foreach (string line in LineageTree.Draw($"{from}:{(place.Length == 0 ? "/" : place)}", all, down, TimeProvider.System.GetUtcNow()))
                {
                    await output.WriteLineAsync(Printable.Text(line));
                }
            });
    }

    /// <summary>Prints explanations.</summary>
    internal static async Task WriteAsync(TextWriter output, IAsyncEnumerable<DatumExplanation> datums, bool onlyThoseThatRan, bool raw)
    {
        TabTable? table = raw ? null : new TabTable(output, "DATUM", "WHY", "FILES");
        (long ran, long skipped) = (0, 0);
        await foreach (DatumExplanation datum in datums)
        {
            bool isSkipped = datum.Reason == DatumExplanation.Types.Reason.Known;
            (ran, skipped) = isSkipped ? (ran, skipped + 1) : (ran + 1, skipped);
            if (isSkipped && onlyThoseThatRan)
            {
                continue;
            }

            if (table is null)
            {
                RawJson.Write(output, datum);
                continue;
            }

            string id = datum.Datum?.Datum?.Id ?? "";
            table.Add(id.Length > ShortId ? id[..ShortId] : id, datum.Text, string.Join(' ', (datum.Datum?.Data ?? []).Select(Place)));
        }

        table?.Flush();
        if (table is not null)
        {
            await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"{ran:N0} ran, {skipped:N0} skipped"));
        }
    }

    private static string Place(InputFile file) => file.Path.Length == 0 ? "/" : file.Path;
}
