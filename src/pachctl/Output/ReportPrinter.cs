using System.Globalization;
using Pachyderm.Migration.Reports;
using Pachyderm.Migration.Survey;
using Spectre.Console;

namespace Pachyderm.Pachctl.Output;

/// <summary>Prints reports for people.</summary>
internal static class ReportPrinter
{
    private const int MostFindings = 50;

    /// <summary>Prints a report to standard output.</summary>
    public static void Print(MigrationReport report)
    {
        TextWriter output = Console.Out;
        output.WriteLine($"Store      {report.Store}");
        if (report.From is not null)
        {
            output.WriteLine($"Found      {report.From}{(report.Evidence is null ? "" : $" ({report.Evidence})")}");
        }

        if (report.Path.Count > 0)
        {
            output.WriteLine($"Way        {string.Join(", then ", report.Path)}");
        }

        PrintFindings(report, output);
        PrintInventory(report);
        if (report.Changes.Count > 0)
        {
            output.WriteLine(report.Result is "done" ? "Changes made:" : "Changes to make:");
            foreach ((string change, long count) in report.Changes)
            {
                output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {count,12:N0}  {change}"));
            }
        }

        PrintTags(report, output);
        PrintImport(report, output);
        if (report.Space is { } space)
        {
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"Space      up to {space.NeededBytes:N0} bytes in {space.Where}, "
                    + $"{(space.AvailableBytes is { } free ? $"{free:N0} free" : "which does not tell what is free")}"));
        }

        if (report.Backup is not null)
        {
            output.WriteLine($"Backup     {report.Backup} in {report.BackupRepository}");
        }

        output.WriteLine($"Result     {Describe(report)}");
    }

    /// <summary>Prints the findings, blockers first.</summary>
    public static void PrintFindings(MigrationReport report, TextWriter output)
    {
        foreach (FindingCount count in report.FindingCounts.Where(count => count.Severity != FindingSeverity.Note
            || count.Count <= MostFindings))
        {
            foreach (Finding finding in report.Findings.Where(finding => finding.Id == count.Id).Take(MostFindings))
            {
                string label = count.Accepted ? "accepted" : finding.Severity.ToString().ToLowerInvariant();
                output.WriteLine($"  {label,-9} {finding.Id}: {finding.Thing}: {finding.Problem}; {finding.Remedy}");
            }

            if (count.Count > MostFindings)
            {
                output.WriteLine(
                    string.Create(
                        CultureInfo.InvariantCulture, $"            ... {count.Count - MostFindings:N0} more {count.Id}; see --report"));
            }
        }
    }

    private static void PrintInventory(MigrationReport report)
    {
        if (report.Before is null)
        {
            return;
        }

        Table table = new() { Border = TableBorder.Simple };
        table.AddColumn("Records");
        table.AddColumn(new TableColumn("before").RightAligned());
        table.AddColumn("digest before");
        if (report.After is not null)
        {
            table.AddColumn(new TableColumn("after").RightAligned());
            table.AddColumn("digest after");
        }

        foreach (string kind in report.Before.Kinds.Keys.Union(report.After?.Kinds.Keys ?? [], StringComparer.Ordinal))
        {
            KindInventory? before = report.Before.Kinds.GetValueOrDefault(kind);
            KindInventory? after = report.After?.Kinds.GetValueOrDefault(kind);
            List<string> cells = [kind, Count(before), before?.Digest[..12] ?? "-"];
            if (report.After is not null)
            {
                cells.AddRange([Count(after), after?.Digest[..12] ?? "-"]);
            }

            table.AddRow([.. cells]);
        }

        Tables.Write(table);
    }

    private static string Count(KindInventory? kind) => (kind?.Count ?? 0).ToString("N0", CultureInfo.InvariantCulture);

    private static void PrintTags(MigrationReport report, TextWriter output)
    {
        if (report.Tags is not { } tags)
        {
            return;
        }

        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"Results    {tags.Carried:N0} carried over under new tags, {tags.Unreachable:N0} datums will be recomputed, "
                + $"{tags.WithoutResult:N0} never had a result"));
        foreach (string detail in tags.Details.Take(MostFindings))
        {
            output.WriteLine($"  {detail}");
        }
    }

    private static void PrintImport(MigrationReport report, TextWriter output)
    {
        if (report.Import is not { } import)
        {
            return;
        }

        Table table = new() { Border = TableBorder.Simple };
        table.AddColumn("Repo");
        foreach (string column in (string[])["commits", "files", "bytes"])
        {
            table.AddColumn(new TableColumn(column).RightAligned());
        }

        table.AddColumn("digest before");
        table.AddColumn("digest after");
        foreach ((string name, ImportedRepo repo) in import.Repos)
        {
            table.AddRow(
                Markup.Escape(name), Number(repo.After.Commits), Number(repo.After.Files), Number(repo.After.Bytes),
                repo.Before.Digest[..12], repo.After.Digest[..12]);
        }

        Tables.Write(table);
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"Content    {import.Content}; {import.FilesCompared:N0} files with {import.BytesCompared:N0} bytes compared (--verify "
                + $"{import.Verified})"));

        static string Number(long value) => value.ToString("N0", CultureInfo.InvariantCulture);
    }

    private static string Describe(MigrationReport report) => report.Result switch
    {
        "done" when report.Action == "import" =>
            $"imported; `pachd --data {report.Import?.Data ?? "DIR"}` serves it. Undo is possible until `pachctl migrate finalize --data`",
        "undone" when report.To is null => "undone: what was imported is dropped, and the old cluster is as it was",
        "ready" => report.Action == "dry-run" ? "the rehearsal went well; nothing was changed" : "ready to migrate",
        "blocked" => "blocked by the findings above; nothing was changed",
        "nothing-to-do" => $"already at {report.To}; nothing was changed",
        "done" =>
            report.Action == "verify"
                ? "everything is as it must be"
                : $"migrated to {report.To}; undo is possible until `pachctl migrate finalize`",
        "undone" => $"undone: the store is as it was before, at {report.From}",
        _ => report.Result,
    };
}
