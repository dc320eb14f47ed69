using System.CommandLine;
using System.Globalization;
using Pachyderm.Client;
using Pachyderm.Errors;
using Pachyderm.Pachctl.Output;
using Pachyderm.Pachctl.Server;
using Pachyderm.Wire.Native;

namespace Pachyderm.Pachctl.Commands;

/// <summary><c>pachctl migrate consolidate</c>: what was adopted becomes content of pachd's own, while it serves.</summary>
internal static class ConsolidateCommand
{
    public static Command Create()
    {
        Option<bool> release = new("--release")
        {
            Description = "Copy nothing; forget the old store, so that it may be removed. Refused while something is needed of it.",
        };
        return ServerCommand.Create(
            "consolidate",
            "Copy what pachd still uses in the store of an older release into its own, while it serves.",
            """
            An import uses old objects where they are, so the old store must stay. This copies what is needed of it into the data directory of the pachd
            that runs: commits, files and hashes stay what they are, and everybody may go on reading and writing. Interrupt it at will; the next run
            goes on with what is left. The disk of the data directory needs room for the copies. What nothing needs is not copied; after
            `pachctl garbage-collect` that is more.

            With --release pachd then forgets the old store. It refuses as long as something is needed that is only there, and as long as the import is not
            final: before `pachctl migrate finalize` an undo goes back to the old store. Neither removes anything from the old store; that is left to you.

            Exit code 1 if something could not be read, or if the release is refused.

            Examples:
              pachctl migrate consolidate                      # copy, while pachd serves
              pachctl migrate finalize --data /var/pachd       # pachd stopped; if that was not done yet
              pachctl migrate consolidate --release            # then /var/pachyderm may go
            """,
            release).Prints(
                (parsed, client, output, cancel) => RunAsync(
                    client.Maintenance.ConsolidateAsync(parsed.GetValue(release), cancel), output));
    }

    private static async Task RunAsync(IAsyncEnumerable<ConsolidateResponse> answers, TextWriter output)
    {
        ConsolidateSummary? summary = null;
        try
        {
            await foreach (ConsolidateResponse answer in answers)
            {
                MaintenanceCommands.Show(answer.Progress);
                summary = answer.Summary ?? summary;
            }
        }
        finally
        {
            MaintenanceCommands.ClearProgress();
        }

        if (summary is null)
        {
            throw new PachException(Grpc.Core.StatusCode.DataLoss, "the consolidation ended without a summary");
        }

        await output.WriteLineAsync(Printable.Text(Describe(summary)));
        if (summary.ChunksFailed > 0)
        {
            await output.FlushAsync();
            throw new OperatorException(
                "adopted-content-damaged", string.Join(", ", summary.Locations),
                string.Create(CultureInfo.InvariantCulture, $"{summary.ChunksFailed} chunks that are needed could not be read"),
                "the log of pachd names them: restore their objects from a backup, then run this again");
        }
    }

    private static string Describe(ConsolidateSummary summary)
    {
        if (summary.Locations.Count == 0)
        {
            return "Nothing is used in place: all content is pachd's own.";
        }

        string old = string.Join(", ", summary.Locations);
        if (summary.Released)
        {
            return $"Released: pachd needs {old} no more. It may be removed.";
        }

        string copied = string.Create(
            CultureInfo.InvariantCulture, $"{summary.ChunksCopied} chunks copied, {Sizes.Format(summary.BytesCopied)}");
        if (summary.ChunksFailed > 0)
        {
            return string.Create(
                CultureInfo.InvariantCulture,
                $"{copied}; {summary.ChunksFailed} could not be read, {Sizes.Format(summary.BytesLeft)} are left: {old} must stay.");
        }

        string left = summary.ChunksLeft == 0
            ? "nothing is left"
            : string.Create(CultureInfo.InvariantCulture, $"of what is left, {Sizes.Format(summary.BytesLeft)}, nothing is needed");
        return $"{copied}; {left}: {old} may go after `pachctl migrate consolidate --release`.";
    }
}
