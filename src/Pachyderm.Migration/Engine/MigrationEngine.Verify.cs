using Pachyderm.Errors;
using Pachyderm.Migration.Journal;
using Pachyderm.Migration.Reports;
using Pachyderm.Migration.Survey;
using Pachyderm.Migration.Targets;
using Pachyderm.RecordStores.Snapshot;

namespace Pachyderm.Migration.Engine;

/// <summary>Verification at any later time, and the rehearsal.</summary>
public sealed partial class MigrationEngine
{
    /// <summary>
    /// Verifies a migrated store again: against the source as long as the migration is not finalized, and against a report if one is given.
    /// </summary>
    /// <param name="earlier">Report of the migration; null for none.</param>
    /// <param name="cancellationToken">Ends the verification.</param>
    /// <exception cref="OperatorException"><c>verification-failed</c>, or there is nothing to compare with.</exception>
    public async Task<MigrationReport> VerifyAsync(MigrationReport? earlier, CancellationToken cancellationToken)
    {
        MigrationReport report = NewReport("verify");
        MigrationJournal? journal = await target.ReadJournalAsync(cancellationToken);
        if (journal?.Phase is MigrationPhase.Ran or MigrationPhase.Verified or MigrationPhase.Stamped)
        {
            (report.From, report.To) = (journal.From, journal.To);
            WorkFolder work = new(journal.BackupRepository, journal.Id);
            await RestoreWorkCopyAsync(journal, work, cancellationToken);
            using EtcdSnapshotFile source = await target.OpenSourceImageAsync(work.SourceCopy, cancellationToken);
            MigrationPlan plan = await ReplanAsync(journal, source, report, cancellationToken);
            await InPhaseAsync(report, "verify", plan.Inventory.RecordCount, async () =>
            {
                await using OpenedSource migrated = await target.OpenMigratedAsync(cancellationToken);
                (ClusterInventory after, _) = await Verifier.RunAsync(
                    source, migrated, plan, OriginalRequest(journal), target.Location, Progress(), cancellationToken);
                report.After = StoreInventories.Of(after);
            });
            report.Before = StoreInventories.Of(plan.Inventory);
            if (journal.Phase == MigrationPhase.Stamped)
            {
                work.DropSourceCopy();
            }
        }
        else if (earlier is null)
        {
            throw new OperatorException(
                "nothing-to-verify", target.Location, "no migration is open here to compare with its source",
                "name the report of the migration with --report");
        }

        if (earlier is not null)
        {
            await CompareWithReportAsync(report, earlier, cancellationToken);
        }

        report.Result = "done";
        report.Ended = time.GetUtcNow();
        return report;
    }

    /// <summary>
    /// Runs the real code on a scratch copy: what would change, by kind of record, and what would be recomputed. The store is only read.
    /// </summary>
    public async Task<MigrationReport> RehearseAsync(CancellationToken cancellationToken)
    {
        MigrationReport check = await CheckAsync(cancellationToken);
        if (check.Result == "blocked")
        {
            throw new MigrationBlockedException(
                check,
                check.FindingCounts.Where(count => count is { Severity: FindingSeverity.Blocker, Accepted: false })
                    .Sum(count => count.Count));
        }

        if (check.Result == "nothing-to-do")
        {
            return check with { Action = "dry-run" };
        }

        string scratch = Directory.CreateTempSubdirectory("pachyderm-dry-run-").FullName;
        try
        {
            string copy = Path.Combine(scratch, "source.snap");
            await InPhaseAsync(check, "copy", null, () => SaveSourceAsync(copy, cancellationToken));
            await using SnapshotTarget rehearsal = await SnapshotTarget.OpenAsync(
                copy, Path.Combine(scratch, "migrated.snap"), request.PfsPrefix, time, cancellationToken);
            MigrationEngine engine = new(
                rehearsal,
                request with { BackupDirectory = Path.Combine(scratch, "backup"), Storage = null, BackupContent = false, UseBackup = null },
                observer, time);
            MigrationReport run = await engine.RunAsync(cancellationToken);
            return run with
            {
                Action = "dry-run",
                Store = target.Location,
                Result = "ready",
                MigrationId = null,
                Path = check.Path,
                Evidence = check.Evidence,
                Findings = check.Findings,
                FindingCounts = check.FindingCounts,
                Space = check.Space,
                Backup = null,
                BackupRepository = null,
                BackupSha256 = null,
                Tags = await RehearseTagsAsync(copy, cancellationToken),
            };
        }
        finally
        {
            Directory.Delete(scratch, recursive: true);
        }
    }

    private async Task<TagSummary?> RehearseTagsAsync(string copy, CancellationToken cancellationToken)
    {
        if (request.Storage is not { } storage)
        {
            return null;
        }

        using EtcdSnapshotFile source = await EtcdSnapshotFile.OpenAsync(copy, SnapshotIntegrity.Trust, cancellationToken);
        ClusterInventory inventory = await SurveyRunner.RunAsync(
            new SnapshotRecordSource(source), _keys, request.PfsPrefix, progress: null, cancellationToken);
        MigrationPlan plan = MigrationPlan.Make(inventory, request, target.Location);
        return await TagSummaries.CollectAsync(
            plan.Step!.PrepareTags(inventory, MigrationPlan.OptionsOf(request, plan.To)).ProposeAsync(
                source, await Formats.Content.LegacyContentStore.OpenAsync(storage, cancellationToken), cancellationToken),
            _ => Task.CompletedTask);
    }

    private async Task CompareWithReportAsync(MigrationReport report, MigrationReport earlier, CancellationToken cancellationToken)
    {
        if (earlier.After is not { } expected || earlier.Result is not "done")
        {
            throw new OperatorException(
                "report-unusable", "--report", "it is not the report of a migration that was done",
                "name the file that `pachctl migrate --report` wrote");
        }

        await InPhaseAsync(report, "compare with report", null, async () =>
        {
            await using OpenedSource migrated = await target.OpenMigratedAsync(cancellationToken);
            ClusterInventory now = await SurveyRunner.RunAsync(
                migrated.Source, _keys, request.PfsPrefix, Progress(), cancellationToken);
            report.After = StoreInventories.Of(now);
        });
        string[] differences = [.. expected.Kinds.Keys.Union(report.After!.Kinds.Keys, StringComparer.Ordinal)
            .Where(kind => expected.Kinds.GetValueOrDefault(kind) != report.After.Kinds.GetValueOrDefault(kind))
            .Select(kind => $"{kind}: {expected.Kinds.GetValueOrDefault(kind)?.Count ?? 0} records with digest {Short(expected, kind)} in the report, {report.After.Kinds.GetValueOrDefault(kind)?.Count ?? 0} with {Short(report.After, kind)} in the store")];
        if (differences.Length > 0)
        {
            throw new OperatorException(
                "verification-failed", target.Location, $"the store is not as the report says ({string.Join("; ", differences)})",
                "find out who wrote to it since");
        }

        static string Short(StoreInventory inventory, string kind) => inventory.Kinds.GetValueOrDefault(kind)?.Digest[..12] ?? "none";
    }
}
