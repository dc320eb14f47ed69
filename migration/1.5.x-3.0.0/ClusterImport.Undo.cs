using Pachyderm.Errors;
using Pachyderm.Migration.Engine;
using Pachyderm.Migration.Journal;
using Pachyderm.Migration.Reports;
using Pachyderm.ObjectStores;
using Pachyderm.Pfs;

namespace Pachyderm.Migration.Steps.Native;

/// <summary>The two ways in which an import ends: it is dropped, or it is final.</summary>
public sealed partial class ClusterImport
{
    /// <summary>
    /// Drops what an import has made, from whatever phase, until it is final. If something was written on this release since then, that is
    /// refused, unless the request names a file that everything is extracted to first, or says that it may be dropped.
    /// </summary>
    /// <param name="cancellationToken">Ends it; the next call goes on.</param>
    /// <exception cref="OperatorException">
    /// There is no import to undo, or it is final, or writes would be lost (<c>later-writes</c>), or the file cannot be written
    /// (<c>extract-file-exists</c>, <c>extract-file-inside</c>, a disk).
    /// </exception>
    public async Task<MigrationReport> UndoAsync(CancellationToken cancellationToken)
    {
        ImportJournal journal = await RequireJournalAsync(cancellationToken);
        if (journal.Final)
        {
            throw new OperatorException("finalized", data, "the import is final", "keep the data, or remove the directory by hand");
        }
        MigrationReport report = NewReport("undo", data);
        (report.From, report.To) = (journal.From, null);
        using DirectoryFence fence = DirectoryFence.Acquire(data);
        if (journal.Phase == MigrationPhase.Stamped)
        {
            await SettleLaterWritesAsync(journal, cancellationToken);
        }
        await AdvanceAsync(journal, MigrationPhase.Undoing, cancellationToken);
        FaultPoints.Reach("import.undoing");
        DataStores.RemoveStamp(data);
        FaultPoints.Reach("import.undo-unstamped");
        DataLayout.Remove(data);
        FaultPoints.Reach("import.undo-removed");
        File.Delete(ImportJournal.PathIn(data));
        DurableFiles.FlushDirectory(data);
        (report.Result, report.Ended) = ("undone", time.GetUtcNow());
        return report;
    }

    /// <summary>Makes an import final: it cannot be undone any more, and what nobody needs of adopted content is forgotten.</summary>
    /// <param name="cancellationToken">Ends it; the next call goes on.</param>
    /// <exception cref="OperatorException">There is no import, or it has not ended, or a pachd serves the directory.</exception>
    public async Task<ImportJournal> FinalizeAsync(CancellationToken cancellationToken)
    {
        ImportJournal journal = await RequireJournalAsync(cancellationToken);
        if (journal.Phase != MigrationPhase.Stamped)
        {
            throw NotEnded();
        }
        using DirectoryFence fence = DirectoryFence.Acquire(data);
        await using DataStores stores = await DataStores.OpenAsync(data, readOnly: false, onFinding: null, cancellationToken);
        ImportJournal final = journal with { Final = true, Updated = time.GetUtcNow() };
        await final.WriteAsync(data, cancellationToken);
        FaultPoints.Reach("import.final");
        if (!journal.Copy)
        {
            DataStores.ReleaseAdopted(data);
        }
        while (await stores.Metadata.WriteAsync(ImportProgress.RemoveSome, cancellationToken))
        {
            // A page at a time, so that no transaction grows with the cluster.
        }
        return final;
    }

    // What is dropped is in a stream that was read back, or the operator said that nobody needs it.
    private async Task SettleLaterWritesAsync(ImportJournal journal, CancellationToken cancellationToken)
    {
        await using DataStores stores = await DataStores.OpenAsync(data, readOnly: false, onFinding: null, cancellationToken);
        LaterWrites later = await LaterWrites.FindAsync(stores.Metadata, journal, cancellationToken);
        if (later.Names.Count == 0)
        {
            return;
        }
        foreach (string name in later.Names)
        {
            observer.Say($"{(request.DiscardLaterWrites ? "dropped" : "written since the import")}: {name}");
        }
        if (request is { DiscardLaterWrites: false, ExtractTo: null })
        {
            throw new OperatorException(
                "later-writes", data,
                $"{later.Count} since the import, listed above "
                    + $"({string.Join(", ", later.Names.Take(3))}{(later.Names.Count > 3 ? ", ..." : "")})",
                "undo with --extract FILE, which first writes everything to FILE for `pachctl restore`, or drop it with "
                    + "--discard-later-writes");
        }
        if (request.ExtractTo is { } target)
        {
            await new UndoExtract(data, target, time).WriteAsync(stores, journal, observer, cancellationToken);
        }
    }
}
