using Pachyderm.Errors;
using Pachyderm.Metadata;
using Pachyderm.Migration.Engine;
using Pachyderm.Migration.Journal;
using Pachyderm.Migration.Reports;
using Pachyderm.ObjectStores;
using Pachyderm.Pfs;

namespace Pachyderm.Migration.Steps.Native;

/// <summary>The two ways in which an import ends: it is dropped, or it is final.</summary>
public sealed partial class ClusterImport
{
    // What is listed of the writes that an undo would drop.
    private const int LaterLimit = 1_000;

    /// <summary>
    /// Drops what an import has made, from whatever phase, until it is final. What was written on this release since then is refused, or
    /// dropped if the request says so.
    /// </summary>
    /// <param name="cancellationToken">Ends it; the next call goes on.</param>
    /// <exception cref="OperatorException">There is no import to undo, or it is final, or writes would be lost (<c>later-writes</c>).</exception>
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
            await RefuseLaterWritesAsync(journal, cancellationToken);
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

    private async Task RefuseLaterWritesAsync(ImportJournal journal, CancellationToken cancellationToken)
    {
        await using DataStores stores = await DataStores.OpenAsync(data, readOnly: false, onFinding: null, cancellationToken);
        IReadOnlyList<Change> later = await stores.Metadata.ReadAsync(reader => LaterChanges(reader, journal.LastChange), cancellationToken);
        if (later.Count == 0)
        {
            return;
        }
        string[] names = [.. later.Select(Describe).Distinct(StringComparer.Ordinal)];
        foreach (string name in names)
        {
            observer.Say($"{(request.DiscardLaterWrites ? "dropped" : "written since the import")}: {name}");
        }
        if (!request.DiscardLaterWrites)
        {
            throw new OperatorException(
                "later-writes", data,
                $"{(later.Count == LaterLimit ? $"{LaterLimit} changes or more were" : later.Count == 1 ? "a change was" : $"{later.Count} changes were")} made since the import, "
                + $"listed above ({string.Join(", ", names.Take(3))}{(names.Length > 3 ? ", ..." : "")})",
                "copy what is needed, then undo with --discard-later-writes");
        }
    }

    private static string Describe(Change change) => change.Kind switch
    {
        ChangeKind.CommitStarted or ChangeKind.CommitFinished or ChangeKind.CommitDeleted => $"commit {change.Repo}/{change.Commit}",
        ChangeKind.BranchMoved or ChangeKind.BranchDeleted => $"branch {change.Repo}/{change.Branch}",
        ChangeKind.RepoCreated or ChangeKind.RepoDeleted => $"repo {change.Repo}",
        ChangeKind.PipelineChanged or ChangeKind.PipelineDeleted => $"pipeline {change.Repo}",
        _ => $"job {change.Commit} of {change.Repo}",
    };

    private static IReadOnlyList<Change> LaterChanges(IMetadataReader reader, long after)
    {
        try
        {
            return reader.ListChanges(after, LaterLimit);
        }
        catch (ChangesTrimmedException)
        {
            return reader.ListChanges(reader.LastChange - LaterLimit, LaterLimit);
        }
    }
}
