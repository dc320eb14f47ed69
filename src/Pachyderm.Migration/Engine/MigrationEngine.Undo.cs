using Pachyderm.Errors;
using Pachyderm.Formats.Content;
using Pachyderm.Migration.Journal;
using Pachyderm.Migration.Reports;
using Pachyderm.Migration.Survey;
using Pachyderm.Migration.Targets;
using Pachyderm.RecordStores.Snapshot;

namespace Pachyderm.Migration.Engine;

/// <summary>The way back, and the end of it.</summary>
public sealed partial class MigrationEngine
{
    /// <summary>
    /// Puts back what was there before a migration, from whatever phase. Records that were written after the migration are listed first,
    /// and discarded only if <see cref="MigrationRequest.DiscardLaterWrites"/> says so; they are kept in the backup repository's work
    /// folder.
    /// </summary>
    public async Task<MigrationReport> UndoAsync(CancellationToken cancellationToken)
    {
        MigrationJournal journal = await RequireJournalAsync(cancellationToken);
        MigrationReport report = NewReport("undo", journal.Id);
        (report.From, report.To, report.Backup, report.BackupRepository) =
            (journal.From, journal.To, journal.BackupName, journal.BackupRepository);
        WorkFolder work = new(journal.BackupRepository, journal.Id);
        await target.AcquireFenceAsync(journal.Id, cancellationToken);
        try
        {
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, target.FenceLost);
            if (journal.Phase is not (MigrationPhase.Fenced or MigrationPhase.BackedUp))
            {
                await PutBackAsync(journal, work, report, stop.Token);
            }

            await target.RemoveJournalAsync(stop.Token);
            work.DeleteImages();
            report.Result = "undone";
            report.Ended = time.GetUtcNow();
            return report;
        }
        finally
        {
            await target.ReleaseFenceAsync();
        }
    }

    /// <summary>
    /// Makes a migration final: the journal and the working copies go, and with them the way back by <see cref="UndoAsync"/>. The backup
    /// stays.
    /// </summary>
    public async Task<MigrationJournal> FinalizeAsync(CancellationToken cancellationToken)
    {
        MigrationJournal journal = await RequireJournalAsync(cancellationToken);
        if (journal.Phase != MigrationPhase.Stamped)
        {
            throw new OperatorException(
                "not-done", target.Location, $"the migration to {journal.To} is only in the phase {journal.Phase}",
                "resume it first, or undo it");
        }

        await target.AcquireFenceAsync(journal.Id, cancellationToken);
        try
        {
            await target.RemoveJournalAsync(cancellationToken);
            new WorkFolder(journal.BackupRepository, journal.Id).Delete();
            return journal;
        }
        finally
        {
            await target.ReleaseFenceAsync();
        }
    }

    private async Task PutBackAsync(MigrationJournal journal, WorkFolder work, MigrationReport report, CancellationToken cancellationToken)
    {
        await RestoreWorkCopyAsync(journal, work, cancellationToken);
        using EtcdSnapshotFile source = await target.OpenSourceImageAsync(work.SourceCopy, cancellationToken);
        MigrationPlan plan = await ReplanAsync(journal, source, report, cancellationToken);
        ApplyRequest apply = Request(journal, source, plan);
        IReadOnlyList<LaterWrite> laterWrites;
        if (journal.Phase == MigrationPhase.Undoing)
        {
            laterWrites = await LaterWriteFile.ReadAsync(work.LaterWrites, cancellationToken);
        }
        else
        {
            laterWrites = await InPhaseAsync(
                report, "look for later writes", null, () => target.FindLaterWritesAsync(apply, journal, cancellationToken));
            if (laterWrites.Count > 0 && !request.DiscardLaterWrites)
            {
                throw new LaterWritesException(target.Location, laterWrites);
            }

            work.Create();
            await LaterWriteFile.WriteAsync(work.LaterWrites, laterWrites, cancellationToken);
            journal = await WriteAsync(journal, MigrationPhase.Undoing, cancellationToken);
        }

        await InPhaseAsync(report, "put back", null, () => target.UndoAsync(apply, laterWrites, Progress(), cancellationToken));
        await InPhaseAsync(report, "take results back", null, () => TakeTagsBackAsync(journal, work, cancellationToken));
        await InPhaseAsync(report, "verify", null, async () =>
        {
            ClusterInventory now = await SurveyRunner.RunAsync(
                target.OpenCurrent(), _keys, journal.PfsPrefix, Progress(), cancellationToken);
            report.Before = report.After = StoreInventories.Of(now);
            if (now.Digest.ToString() != journal.DigestBefore)
            {
                throw new OperatorException(
                    "undo-incomplete",
                    target.Location,
                    $"the records are not those of the backup (digest {now.Digest}, expected {journal.DigestBefore}): somebody writes to "
                        + $"the store",
                    "stop every writer and run `pachctl migrate undo` again");
            }
        });
    }

    private async Task<TagSummary?> CarryTagsAsync(
        MigrationJournal journal, MigrationPlan plan, EtcdSnapshotFile source, WorkFolder work, CancellationToken cancellationToken)
    {
        if (journal.Storage is not { } storage)
        {
            return null;
        }

        LegacyContentStore content = await LegacyContentStore.OpenAsync(storage, cancellationToken);
        Steps.ITagCarrier carrier = plan.Step!.PrepareTags(plan.Inventory, MigrationPlan.OptionsOf(OriginalRequest(journal), plan.To));
        work.Create();
        await using TagList list = TagList.Open(work.TagsAdded);
        return await TagSummaries.CollectAsync(
            carrier.ProposeAsync(source, content, cancellationToken),
            async proposal =>
            {
                // Written down before it is done: an undo may come at any moment.
                await list.AddAsync(proposal.Tag, proposal.ObjectHash!, cancellationToken);
                FaultPoints.Reach("tags.before-add");
                await content.AddTagAsync(proposal.Tag, proposal.ObjectHash!, cancellationToken);
                FaultPoints.Reach("tags.after-add");
            });
    }

    private static async Task TakeTagsBackAsync(MigrationJournal journal, WorkFolder work, CancellationToken cancellationToken)
    {
        if (journal.Storage is not { } storage || !File.Exists(work.TagsAdded))
        {
            return;
        }

        LegacyContentStore content = await LegacyContentStore.OpenAsync(storage, cancellationToken);
        await foreach ((string tag, string hash) in TagList.ReadAsync(work.TagsAdded, cancellationToken))
        {
            // A tag that names another object by now was set by the new release.
            if (await content.ResolveTagAsync(tag, cancellationToken) == hash)
            {
                await content.RemoveTagAsync(tag, cancellationToken);
            }
        }
    }
}
