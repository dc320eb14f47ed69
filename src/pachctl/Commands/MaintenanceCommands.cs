using System.CommandLine;
using System.Globalization;
using Pachyderm.Client;
using Pachyderm.Errors;
using Pachyderm.Pachctl.Output;
using Pachyderm.Pachctl.Server;
using Pachyderm.Wire.Native;
using static Pachyderm.Pachctl.Server.ServerCommand;

namespace Pachyderm.Pachctl.Commands;

/// <summary>Commands on the server as a whole.</summary>
internal static class MaintenanceCommands
{
    private const string DeleteAllQuestion = "Are you sure you want to delete all repos, commits, files, pipelines and jobs? yN";

    public static Command GarbageCollect() => Create(
        "garbage-collect",
        "Remove content that nothing refers to any more, beside whoever reads and writes.",
        """
        Content is in packs. A pack goes when more than 30 % of it is not needed; what is needed of it moves to another one. Objects without a tag go
        a day after they were put.
        """).Prints(async (_, client, output, cancel) =>
        {
            await foreach (CollectGarbageResponse answer in client.Maintenance.CollectGarbageAsync(cancel))
            {
                Show(answer.Progress);
                if (answer.Summary is { } done)
                {
                    ClearProgress();
                    await output.WriteLineAsync(string.Create(
                        CultureInfo.InvariantCulture,
                        $"{Sizes.Format(done.BytesFreed)} freed: {done.ChunksRemoved} chunks are not needed and {done.ChunksKept} are, "
                            + $"{done.ObjectsRemoved} objects removed; {done.PacksRemoved} packs removed, {done.PacksRewritten} "
                            + $"rewritten"));
                }
            }
        });

    public static Command Fsck()
    {
        Option<bool> fix = new("--fix") { Description = "Repair what can be repaired." };
        Option<bool> readData = new("--read-data") { Description = "Read and hash every byte, not just what refers to what." };
        Option<bool> raw = Raw();
        return Create(
            "fsck",
            "Check everything that is stored, and list what is wrong with it.",
            """
            Exit code 1 if something is wrong that was not repaired.

            Examples:
              pachctl fsck                      # quick: references and headers
              pachctl fsck --read-data          # slow: every byte against its hash
              pachctl fsck --fix
            """,
            fix,
            readData,
            raw).Prints((parsed, client, output, cancel) =>
                CheckAsync(
                    client.Maintenance.FsckAsync(parsed.GetValue(fix), parsed.GetValue(readData), cancel), parsed.GetValue(raw), output));
    }

    public static Command DeleteAll()
    {
        Option<bool> yes = new("--yes", "-y") { Description = "Do not ask." };
        return Create("delete-all", "Delete all repos, commits, files, pipelines and jobs.", "", yes).Does(async (parsed, client, cancel) =>
        {
            if (parsed.GetValue(yes) || Confirm(DeleteAllQuestion))
            {
                await client.Maintenance.DeleteAllAsync(cancel);
            }
        });
    }

    // As 1.5 asks: anything but y is no, and no line at all is an error, since nobody answered.
    private static bool Confirm(string question)
    {
        Console.Out.WriteLine(question);
        string line = Console.In.ReadLine()
            ?? throw new OperatorException("not-confirmed", "EOF", "nobody answered the question", "answer y, or use --yes");
        return line.StartsWith('y') || line.StartsWith('Y');
    }

    private static async Task CheckAsync(IAsyncEnumerable<FsckResponse> answers, bool raw, TextWriter output)
    {
        FsckSummary? summary = null;
        await foreach (FsckResponse answer in answers)
        {
            Show(answer.Progress);
            if (raw && answer.EventCase != FsckResponse.EventOneofCase.Progress)
            {
                RawJson.Write(output, answer);
            }
            else if (answer.Finding is { } finding)
            {
                ClearProgress();
                await output.WriteLineAsync(Printable.Text(
                    $"{(finding.Fixed ? "repaired" : "damaged"),-8}  {finding.Id}: {finding.Thing}: {finding.Problem}; {finding.Remedy}"));
                await output.FlushAsync();
            }

            summary = answer.Summary ?? summary;
        }

        ClearProgress();
        if (summary is null)
        {
            throw new PachException(Grpc.Core.StatusCode.DataLoss, "the check ended without a summary");
        }

        if (!raw)
        {
            await output.WriteLineAsync(string.Create(
                CultureInfo.InvariantCulture,
                $"{summary.Commits} commits, {summary.Chunks} chunks in {summary.Packs} packs, {Sizes.Format(summary.Bytes)} checked: "
                    + $"{summary.Findings} findings, {summary.Fixed} repaired"));
        }

        if (summary.Findings > summary.Fixed)
        {
            await output.FlushAsync();
            throw new OperatorException(
                "store-damaged", "the store",
                string.Create(CultureInfo.InvariantCulture, $"{summary.Findings - summary.Fixed} findings are not repaired"),
                "see the list above; `pachctl fsck --fix` repairs what can be");
        }
    }

    /// <summary>Shows on a terminal how far something is.</summary>
    internal static void Show(Progress? progress)
    {
        if (progress is not null && !Console.IsErrorRedirected)
        {
            string share = progress.Total > 0 ? string.Create(CultureInfo.InvariantCulture, $" of {progress.Total:N0}") : "";
            Console.Error.Write(
                string.Create(CultureInfo.InvariantCulture, $"\r\x1b[K{Printable.Text(progress.Phase)}: {progress.Done:N0}{share}"));
        }
    }

    /// <summary>Makes room on a terminal for the outcome.</summary>
    internal static void ClearProgress()
    {
        if (!Console.IsErrorRedirected)
        {
            Console.Error.Write("\r\x1b[K");
        }
    }
}
