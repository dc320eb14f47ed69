using System.Globalization;
using Pachyderm.Metadata.Sqlite;
using Pachyderm.Migration.Native;
using Pachyderm.Migration.Steps;
using Pachyderm.Pachctl.Output;

namespace Pachyderm.Pachctl.Commands;

/// <summary>
/// What <c>pachctl migrate</c> and its subcommands do with <c>--data</c> alone: a data directory of an older format gets that of this
/// release.
/// </summary>
internal static class UpgradeCommands
{
    /// <summary>Whether an upgrade of a data directory is due, under way or not final.</summary>
    public static bool IsConcerned(string data)
    {
        if (!File.Exists(Path.Combine(data, "format.json")) || !File.Exists(Path.Combine(data, "metadata.db")))
        {
            return false;
        }

        (StoreStampView stamp, UpgradeJournal? journal) = SqliteUpgrade.Inspect(Path.Combine(data, "metadata.db"));
        return journal is not null || stamp.Format != StoreFormat.Version;
    }

    /// <summary>Runs a part of an upgrade, prints its report, and gives the exit code.</summary>
    /// <param name="data">The data directory.</param>
    /// <param name="raw">Whether the report is printed as JSON.</param>
    /// <param name="reportFile">A file that the report is written to; may be null.</param>
    /// <param name="act">The part.</param>
    public static async Task<int> RunAsync(string data, bool raw, string? reportFile, Func<FormatUpgrade, Task<UpgradeReport>> act)
    {
        MigrationSteps.Register();
        FormatUpgrade upgrade = new(data, new ConsoleObserver(TimeProvider.System), TimeProvider.System);
        try
        {
            UpgradeReport report = await act(upgrade);
            await PrintAsync(report, raw, reportFile);
            return report.Result is "blocked" or "changed" ? ExitCodes.Blocked : ExitCodes.Done;
        }
        catch (UpgradeBlockedException exception)
        {
            await PrintAsync(exception.Report, raw, reportFile);
            throw;
        }
    }

    /// <summary>Prints how far an upgrade has come.</summary>
    public static int PrintStatus(string data)
    {
        (int format, UpgradeJournal? journal) = new FormatUpgrade(data, new ConsoleObserver(TimeProvider.System), TimeProvider.System)
            .GetStatus();
        Console.Out.WriteLine(
            string.Create(CultureInfo.InvariantCulture, $"Format     {format}; this release writes {StoreFormat.Version}"));
        if (journal is not null)
        {
            Console.Out.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"Upgrade    {journal.Id} from {journal.From} to {journal.To}, {journal.Phase}, begun {journal.Started:u}, "
                    + $"{journal.Copied:N0} rows copied"));
        }

        Console.Out.WriteLine(journal switch
        {
            null => "Next       stop pachd; `pachctl migrate --data DIR` upgrades it",
            { Phase: UpgradePhase.Flipped } => string.Create(
                CultureInfo.InvariantCulture,
                $"Next       `pachctl migrate finalize` keeps it, `pachctl migrate undo` goes back and keeps the "
                    + $"{journal.LaterWrites:N0} rows written since"),
            _ => "Next       `pachctl migrate resume` goes on, `pachctl migrate undo` goes back",
        });
        return ExitCodes.Done;
    }

    private static async Task PrintAsync(UpgradeReport report, bool raw, string? reportFile)
    {
        if (reportFile is not null)
        {
            await File.WriteAllTextAsync(reportFile, report.ToJson());
        }

        if (raw)
        {
            Console.Out.WriteLine(report.ToJson());
            return;
        }

        TextWriter output = Console.Out;
        output.WriteLine($"Data       {report.Data}");
        if (report.From != report.To)
        {
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Way        format {report.From} -> format {report.To}"));
        }

        foreach (string blocker in report.Blockers)
        {
            output.WriteLine($"In the way {blocker}");
        }

        if (report.Rows > 0)
        {
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Rows       {report.Rows:N0} get another shape"));
        }

        if (report.BytesNeeded > 0)
        {
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"Space      up to {report.BytesNeeded:N0} bytes until it is finalized, {report.BytesFree:N0} free"));
        }

        if (report.DigestAfter is not null)
        {
            output.WriteLine($"Digest     {report.DigestBefore} before, {report.DigestAfter} after");
        }

        if (report.Backup is not null)
        {
            output.WriteLine($"Backup     {report.Backup}");
        }

        output.WriteLine($"Result     {Describe(report)}");
    }

    private static string Describe(UpgradeReport report) => report switch
    {
        { Result: "ready" } => "ready: nothing stands in the way",
        { Result: "blocked" } => "blocked: nothing was written",
        { Result: "nothing-to-do" } => string.Create(CultureInfo.InvariantCulture, $"nothing to do: it has format {report.To}"),
        { Result: "done", Action: "verify" } => "verified: every record is as it was before the upgrade",
        { Result: "changed" } => string.Create(
            CultureInfo.InvariantCulture,
            $"not as before the upgrade: {report.LaterWrites:N0} rows of objects and tags were written since, other records are not "
                + $"counted"),
        { Result: "done" } => "done: `pachctl migrate finalize --data DIR` keeps it, `pachctl migrate undo --data DIR` goes back",
        { Result: "undone" } => string.Create(
            CultureInfo.InvariantCulture,
            $"undone: it has format {report.To} again, with {report.LaterWrites:N0} rows written since the upgrade"),
        { Result: "final" } => "final: the way back is gone, and its space is free",
        _ => report.Result,
    };
}
