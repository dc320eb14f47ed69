using Pachyderm.Errors;
using Pachyderm.Migration.Journal;
using Pachyderm.Migration.Reports;
using Pachyderm.Migration.Survey;
using Pachyderm.Migration.Targets;
using Pachyderm.RecordStores.Snapshot;

namespace Pachyderm.Migration.Engine;

/// <summary>The phases under the fence.</summary>
public sealed partial class MigrationEngine
{
    private async Task<MigrationReport> CarryThroughAsync(
        MigrationJournal journal, MigrationPlan? known, MigrationReport report, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, target.FenceLost);
        WorkFolder work = new(journal.BackupRepository, journal.Id);
        EtcdSnapshotFile? source = null;
        try
        {
            if (journal.Phase == MigrationPhase.Fenced)
            {
                journal = await WriteAsync(journal, MigrationPhase.Fenced, stop.Token);
                journal = await InPhaseAsync(report, "back up", null, () => BackUpAsync(journal, work, stop.Token));
            }

            await InPhaseAsync(report, "open backup", null, () => RestoreWorkCopyAsync(journal, work, stop.Token));
            source = await target.OpenSourceImageAsync(work.SourceCopy, stop.Token);

            // A snapshot file cannot have changed since it was surveyed; a live store can, and what counts is what was backed up.
            MigrationPlan plan = known is not null && !target.NeedsSourceCopy
                ? known
                : await ReplanAsync(journal, source, report, stop.Token);
            ApplyRequest apply = Request(journal, source, plan);
            if (journal.Phase == MigrationPhase.BackedUp)
            {
                journal = await WriteAsync(journal, MigrationPhase.Running, stop.Token);
            }

            if (journal.Phase == MigrationPhase.Running)
            {
                await InPhaseAsync(
                    report, "migrate", target.NeedsSourceCopy ? null : plan.Inventory.RecordCount,
                    () => target.ApplyAsync(apply, Progress(), stop.Token));
                report.Tags = await InPhaseAsync(
                    report, "carry results", null, () => CarryTagsAsync(journal, plan, source, work, stop.Token));
                journal = await WriteAsync(journal, MigrationPhase.Ran, stop.Token);
            }

            if (journal.Phase == MigrationPhase.Ran)
            {
                journal = await VerifyAsync(journal, source, plan, report, stop.Token);
            }

            if (journal.Phase == MigrationPhase.Verified)
            {
                FaultPoints.Reach("stamp.before");
                journal = await InPhaseAsync(report, "stamp", null, () => target.StampAsync(
                    apply.Stamp, journal with { Phase = MigrationPhase.Stamped, Updated = time.GetUtcNow() }, stop.Token));
                FaultPoints.Reach("stamp.after");
            }

            work.DropSourceCopy();
            (report.Backup, report.BackupRepository, report.BackupSha256) =
                (journal.BackupName, journal.BackupRepository, journal.BackupSha256);
            report.Result = "done";
            report.Ended = time.GetUtcNow();
            return report with { MigrationId = journal.Id };
        }
        catch (Exception exception) when (exception is not MigrationFailedException)
        {
            throw await DescribeFailureAsync(exception, journal, report, cancellationToken);
        }
        finally
        {
            source?.Dispose();
        }
    }

    /// <summary>Writes the journal of a phase and stops there if a crash test says so.</summary>
    private async Task<MigrationJournal> WriteAsync(MigrationJournal journal, MigrationPhase phase, CancellationToken cancellationToken)
    {
        FaultPoints.Reach($"journal.before-{phase}");
        MigrationJournal written = journal with { Phase = phase, Updated = time.GetUtcNow() };
        await target.WriteJournalAsync(written, cancellationToken);
        FaultPoints.Reach($"journal.after-{phase}");
        return written;
    }

    private async Task<MigrationPlan> ReplanAsync(
        MigrationJournal journal, EtcdSnapshotFile source, MigrationReport report, CancellationToken cancellationToken)
    {
        ClusterInventory inventory = await InPhaseAsync(
            report,
            "survey backup",
            source.LiveRecordCount,
            () => SurveyRunner.RunAsync(new SnapshotRecordSource(source), _keys, journal.PfsPrefix, Progress(), cancellationToken));
        MigrationRequest original = OriginalRequest(journal);
        if (inventory.Digest.ToString() != journal.DigestBefore)
        {
            throw request.UseBackup is { } named ? OtherBackup(named) : new OperatorException(
                "not-at-rest",
                target.Location,
                "records were written between the first look and the backup: the cluster is not at rest",
                "stop pachd, the workers and every client, then run the migration again");
        }

        MigrationPlan plan = MigrationPlan.Make(inventory, original, target.Location);
        return plan.Digest(original) == journal.PlanDigest
            ? plan
            : throw new OperatorException(
                "plan-changed",
                target.Location,
                "the plan is not the one that the migration began with",
                "use the version of pachctl that began it, or run `pachctl migrate undo`");
    }

    private MigrationRequest OriginalRequest(MigrationJournal journal) => request with
    {
        From = Releases.ReleaseVersion.TryParse(journal.From, out var from) ? from : null,
        To = Releases.ReleaseVersion.TryParse(journal.To, out var to) ? to : null,
        PfsPrefix = journal.PfsPrefix,
        PpsPrefix = journal.PpsPrefix,
        Quarantine = journal.Quarantine,
        Storage = journal.Storage,
        BackupDirectory = journal.BackupRepository,
    };

    private ApplyRequest Request(MigrationJournal journal, EtcdSnapshotFile source, MigrationPlan plan)
    {
        MigrationStamp stamp = new()
        {
            Release = journal.To,
            From = journal.From,
            MigrationId = journal.Id,
            SourceDigest = journal.DigestBefore,
            At = journal.Started,
            Program = ProgramVersion,
        };
        return new ApplyRequest(
            source, plan.Conversion!, plan.Inventory.Classifier, stamp, plan.Inventory.Encodings.Unreadable > 0, request.RateLimit);
    }

    private async Task<MigrationJournal> VerifyAsync(
        MigrationJournal journal, EtcdSnapshotFile source, MigrationPlan plan, MigrationReport report, CancellationToken cancellationToken)
    {
        long revision = (await target.GetStatusAsync(cancellationToken)).Revision;
        (ClusterInventory after, ChangeTally changes) = await InPhaseAsync(
            report,
            "verify",
            plan.Inventory.RecordCount,
            async () =>
            {
                await using OpenedSource migrated = await target.OpenMigratedAsync(cancellationToken);
                return await Verifier.RunAsync(
                    source, migrated, plan, OriginalRequest(journal), target.Location, Progress(), cancellationToken);
            });
        report.Before = StoreInventories.Of(plan.Inventory);
        report.After = StoreInventories.Of(after);
        Describe(report, plan.Conversion!, changes);
        return await WriteAsync(
            journal with { DigestAfter = after.Digest.ToString(), VerifiedRevision = revision }, MigrationPhase.Verified,
            cancellationToken);
    }

    private async Task<Exception> DescribeFailureAsync(
        Exception exception, MigrationJournal journal, MigrationReport report, CancellationToken cancellationToken)
    {
        bool interrupted = exception is OperationCanceledException && cancellationToken.IsCancellationRequested;
        Exception cause = exception is OperationCanceledException && target.FenceLost.IsCancellationRequested
            ? new OperatorException("fence-lost", target.Location, "the migration's fence was lost, and nothing more was written", "see who holds it with `pachctl migrate status`")
            : interrupted
                ? new OperatorException("interrupted", target.Location, "the migration was interrupted", "resume or undo it")
                : exception;
        (report.Backup, report.BackupRepository, report.BackupSha256) =
            (journal.BackupName, journal.BackupRepository, journal.BackupSha256);
        if (journal.Phase is MigrationPhase.Fenced or MigrationPhase.BackedUp)
        {
            try
            {
                // Nothing of the cluster's own has been touched: the store shall look as if nobody had been there.
                await target.RemoveJournalAsync(CancellationToken.None);
                new WorkFolder(journal.BackupRepository, journal.Id).Delete();
                return new MigrationFailedException(
                    report,
                    cause,
                    $"the store is as it was before, {(journal.BackupName is null ? "no backup was made" : $"the backup {journal.BackupName} is in {journal.BackupRepository}")}",
                    (cause as OperatorException)?.Remedy ?? "run the migration again");
            }
            catch (OperatorException)
            {
                // The store is out of reach: what it holds is only the journal, which the next run takes up.
            }
        }

        string backup = journal.BackupName is null
            ? "there is no backup yet"
            : $"the backup {journal.BackupName} is in {journal.BackupRepository}";
        return new MigrationFailedException(
            report,
            cause,
            $"the migration stopped in the phase {journal.Phase}, {backup}",
            cause is OperatorException { Id: "foreign-write" or "verification-failed" } known
                ? known.Remedy
                : "run `pachctl migrate resume` to go on or `pachctl migrate undo` to put everything back");
    }
}
